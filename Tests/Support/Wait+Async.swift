import Dispatch
import Foundation

extension Wait {
    /// Asks again and again, without holding a thread meanwhile.
    package static func eventually(
        _ subject: String, seconds: Double = 10, everyMilliseconds: Int = 10,
        _ condition: () async throws -> Bool
    ) async throws {
        let end = Date().addingTimeInterval(seconds)
        while true {
            // Taken before the question: an answer that was late to come is no reason to give up on the next one.
            let isLast = Date() >= end
            if try await condition() { return }
            guard !isLast else { throw TimedOut(subject: "\(subject) (\(seconds) s)") }
            try await Task.sleep(for: .milliseconds(everyMilliseconds))
        }
    }
}

/// Runs what blocks on a thread of its own, so that other tests go on.
package func offload<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async {
            continuation.resume(with: Result { try body() })
        }
    }
}

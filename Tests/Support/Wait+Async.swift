import Dispatch
import Foundation

extension Wait {
    /// Asks again and again, without holding a thread meanwhile.
    package static func eventually(
        _ subject: String, seconds: Double = 10, everyMilliseconds: Int = 10,
        _ condition: () async throws -> Bool
    ) async throws {
        let end = Date().addingTimeInterval(seconds)
        while try await !condition() {
            guard Date() < end else { throw TimedOut(subject: "\(subject) (\(seconds) s)") }
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

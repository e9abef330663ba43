import Foundation

/// Waits for a condition with a bound.
package enum Wait {
    package struct TimedOut: Error, CustomStringConvertible {
        package let subject: String
        package var description: String { "waited in vain for: \(subject)" }
    }

    /// Asks every 5 ms. Blocks its thread.
    package static func until(
        _ subject: String, seconds: Double = 10, _ condition: () throws -> Bool
    ) throws {
        let end = Date().addingTimeInterval(seconds)
        while try !condition() {
            guard Date() < end else { throw TimedOut(subject: subject) }
            Thread.sleep(forTimeInterval: 0.005)
        }
    }
}

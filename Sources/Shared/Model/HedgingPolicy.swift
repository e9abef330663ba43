/// When a request goes to a second endpoint because the first is late; the first good answer is taken. Words and bounds
/// as of gRPC's hedging policy (proposal A6 of gRPC).
package struct HedgingPolicy: Hashable, Sendable {
    /// Before another try begins.
    package var delay: Duration
    /// The first included; from 2 to 5.
    package var attemptsMax: UInt32 = 2
    /// Requests of these may be sent twice.
    package var methods: Set<HTTPMethod> = [.get, .head, .options]

    package init(delay: Duration) { self.delay = delay }

    /// Holds the values to what their fields allow.
    package func check() throws(TrafficValueError) {
        guard delay >= .milliseconds(1), delay <= TrafficLimits.durationMax else {
            let expected = "\(Duration.milliseconds(1)) to \(TrafficLimits.durationMax)"
            throw .range(field: "hedging.after", expected: expected)
        }
        guard (2...5).contains(attemptsMax) else { throw .range(field: "hedging.maxAttempts", expected: "2 to 5") }
        guard !methods.isEmpty, !methods.contains(.connect) else {
            throw .range(field: "hedging.methods", expected: "methods other than CONNECT")
        }
    }
}

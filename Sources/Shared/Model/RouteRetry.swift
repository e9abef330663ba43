/// A cause for which a request may be tried again. Raw values are the tokens users know from Istio.
package enum RetryCondition: String, Hashable, Sendable, CaseIterable {
    /// No connection could be made, so no byte was sent.
    case connectFailure = "connect-failure"
    /// The peer said that it did not look at the request.
    case refusedStream = "refused-stream"
    /// The connection or stream ended before an answer.
    case reset
    /// As `reset`, before the request was sent.
    case resetBeforeRequest = "reset-before-request"
    /// A try took too long. No token: the Gateway API asks for it wherever tries have a limit.
    case attemptTimeout = "attempt-timeout"
    /// 502, 503, 504.
    case gatewayError = "gateway-error"
    /// Any 5xx, and no answer at all.
    case serverError = "5xx"
    /// 409.
    case retriable4xx = "retriable-4xx"
    case grpcCancelled = "cancelled"
    case grpcDeadlineExceeded = "deadline-exceeded"
    case grpcInternal = "internal"
    case grpcResourceExhausted = "resource-exhausted"
    case grpcUnavailable = "unavailable"
}

/// When and how often a request is tried again.
package struct RetryPolicy: Hashable, Sendable {
    /// Tries after the first; 0: none.
    package let attempts: Int
    package let conditions: Set<RetryCondition>
    /// Statuses of answers that are tried again, 400 to 599.
    package let statuses: Set<UInt16>
    package let backOff: RetryBackOff

    /// - Throws: ``RouteValueError/retryStatus(_:)``, ``RouteValueError/retryAttempts(_:)`` outside 0 to 100.
    package init(
        attempts: Int, conditions: Set<RetryCondition>, statuses: Set<UInt16> = [], backOff: RetryBackOff = .standard
    ) throws(RouteValueError) {
        guard (0...100).contains(attempts) else { throw .retryAttempts(attempts) }
        if let status = statuses.first(where: { !(400...599).contains($0) }) { throw .retryStatus(status) }
        self.attempts = attempts
        self.conditions = conditions
        self.statuses = statuses
        self.backOff = backOff
    }

    /// As `retry` of an HTTPRoute means it: the listed statuses, every failure of the connection, and tries that took
    /// too long.
    /// - Throws: as ``init(attempts:conditions:statuses:backOff:)``, and ``RouteValueError/retryAttempts(_:)`` below 1.
    package static func gateway(
        statuses: Set<UInt16>, attempts: Int = 2, backOff: RetryBackOff = .standard
    ) throws(RouteValueError) -> RetryPolicy {
        guard attempts >= 1 else { throw .retryAttempts(attempts) }
        return try RetryPolicy(
            attempts: attempts, conditions: [.connectFailure, .refusedStream, .reset, .attemptTimeout],
            statuses: statuses, backOff: backOff)
    }

    private init(standard conditions: Set<RetryCondition>) {
        attempts = 2
        self.conditions = conditions
        statuses = []
        backOff = .standard
    }

    /// For rules that say nothing: never replays a request that an application answered, apart from gRPC calls it
    /// reported as not served.
    package static let meshDefault = RetryPolicy(
        standard: [.connectFailure, .refusedStream, .grpcUnavailable, .grpcCancelled])
}

/// The pause before a try: doubles with every try, with chance in it, up to ten times the base.
package struct RetryBackOff: Hashable, Sendable {
    package let base: Duration
    /// The pause is never shorter than this.
    package let minimum: Duration

    package var cap: Duration { base * 10 }

    /// - Parameter minimum: `retry.backoff` of a rule, more than zero and at most an hour.
    /// - Throws: ``RouteValueError/duration(_:)``.
    package init(minimum: Duration) throws(RouteValueError) {
        guard minimum > .zero, minimum <= .seconds(3600) else { throw .duration("\(minimum)") }
        base = minimum
        self.minimum = minimum
    }

    private init() {
        base = .milliseconds(25)
        minimum = .zero
    }

    /// 25 ms, no minimum.
    package static let standard = RetryBackOff()
}

/// How many retries there may be at once: a share of the active requests, but always a few.
package struct RetryBudgetSettings: Hashable, Sendable {
    /// Of active requests, 0 to 100.
    package let percent: UInt8
    /// Retries that are always allowed.
    package let minimumConcurrency: Int

    package init(percent: UInt8 = 20, minimumConcurrency: Int = 3) {
        self.percent = min(percent, 100)
        self.minimumConcurrency = max(0, minimumConcurrency)
    }
}

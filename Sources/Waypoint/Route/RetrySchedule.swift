package import MeshModel

/// How a try ended without an answer that was passed on.
package enum AttemptOutcome: Hashable, Sendable {
    case connectFailed
    case refusedStream
    case reset(requestSent: Bool)
    /// The limit of one try passed.
    case timedOut
    /// `grpcStatus` when the answer has no body and carries one in its headers.
    case answered(status: UInt16, grpcStatus: UInt8?)
}

/// What follows a try.
package enum RetryDecision: Hashable, Sendable {
    case retry(after: Duration)
    /// What came of the last try goes to the client.
    case stop(Reason)

    package enum Reason: Hashable, Sendable {
        case notRetriable
        case attemptsUsed
        /// The body was too large to keep.
        case bodyNotKept
        case overBudget
        /// The pause would outlast the whole request.
        case deadline
    }
}

/// The tries of one request. Time and chance come in.
package struct RetrySchedule: Hashable, Sendable {
    package let policy: RetryPolicy
    /// Tries after the first.
    package private(set) var retries = 0

    package init(_ policy: RetryPolicy) { self.policy = policy }

    /// Decides what follows a try.
    /// - Parameters:
    ///   - remaining: time left for the whole request; `nil`: no limit.
    ///   - bodyIsKept: the body can be sent again.
    ///   - budget: a retry is taken from it, to be given back by ``RetryBudget/retryEnded()``.
    package mutating func next(
        after outcome: AttemptOutcome, remaining: Duration?, bodyIsKept: Bool, budget: inout RetryBudget,
        using generator: inout some RandomNumberGenerator
    ) -> RetryDecision {
        guard policy.covers(outcome) else { return .stop(.notRetriable) }
        guard retries < policy.attempts else { return .stop(.attemptsUsed) }
        guard bodyIsKept else { return .stop(.bodyNotKept) }
        let pause = policy.backOff.pause(beforeRetry: retries + 1, using: &generator)
        if let remaining, pause >= remaining { return .stop(.deadline) }
        guard budget.takeRetry() else { return .stop(.overBudget) }
        retries += 1
        return .retry(after: pause)
    }
}

extension RetryPolicy {
    /// Whether a try that ended so may be followed by another.
    package func covers(_ outcome: AttemptOutcome) -> Bool {
        switch outcome {
        case .connectFailed: has(.connectFailure, .reset, .resetBeforeRequest, .gatewayError, .serverError)
        case .refusedStream: has(.refusedStream, .reset, .resetBeforeRequest, .gatewayError, .serverError)
        case .reset(requestSent: false): has(.reset, .resetBeforeRequest, .gatewayError, .serverError)
        case .reset(requestSent: true): has(.reset, .gatewayError, .serverError)
        case .timedOut: has(.attemptTimeout, .gatewayError, .serverError) || statuses.contains(504)
        case .answered(let status, let grpcStatus):
            statuses.contains(status) || coversStatus(status) || grpcStatus.map(coversGRPC) == true
        }
    }

    private func has(_ any: RetryCondition...) -> Bool { any.contains { conditions.contains($0) } }

    private func coversStatus(_ status: UInt16) -> Bool {
        switch status {
        case 409: has(.retriable4xx)
        case 502...504: has(.gatewayError, .serverError)
        case 500...599: has(.serverError)
        default: false
        }
    }

    private func coversGRPC(_ status: UInt8) -> Bool {
        switch status {
        case 1: has(.grpcCancelled)
        case 4: has(.grpcDeadlineExceeded)
        case 8: has(.grpcResourceExhausted)
        case 13: has(.grpcInternal)
        case 14: has(.grpcUnavailable)
        default: false
        }
    }
}

extension RetryBackOff {
    /// A random part of `base * (2^number - 1)` on top of the minimum, together at most the cap.
    /// - Parameter number: of the retry, from 1.
    package func pause(
        beforeRetry number: Int, using generator: inout some RandomNumberGenerator
    ) -> Duration {
        let doublings = (1 << min(max(number, 1), 16)) - 1
        let span = min(base * doublings, cap - minimum)
        let (seconds, attoseconds) = span.components
        let nanoseconds = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        guard nanoseconds > 0 else { return minimum }
        return minimum + .nanoseconds(Int64.random(in: 0..<nanoseconds, using: &generator))
    }
}

/// Retries that one event loop may have going towards one service.
package struct RetryBudget: Hashable, Sendable {
    /// `nil`: as many as there are.
    private let settings: RetryBudgetSettings?
    package private(set) var activeRequests = 0
    package private(set) var activeRetries = 0

    package init(_ settings: RetryBudgetSettings?) { self.settings = settings }

    package mutating func requestStarted() { activeRequests += 1 }

    package mutating func requestEnded() { activeRequests = max(0, activeRequests - 1) }

    /// Takes a retry, if there is one left.
    package mutating func takeRetry() -> Bool {
        if let settings {
            let share = activeRequests * Int(settings.percent) / 100
            guard activeRetries < max(share, settings.minimumConcurrency) else { return false }
        }
        activeRetries += 1
        return true
    }

    package mutating func retryEnded() { activeRetries = max(0, activeRetries - 1) }
}

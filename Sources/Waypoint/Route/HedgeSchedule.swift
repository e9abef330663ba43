package import MeshModel

/// The tries of one request that begin while its first is under way. Time comes in.
package struct HedgeSchedule: Hashable, Sendable {
    private let policy: HedgingPolicy
    /// Tries that have begun, the first included.
    package private(set) var attempts: UInt32 = 1

    /// `nil`: requests of this method are not sent twice.
    package init?(_ policy: HedgingPolicy, for method: RequestMethod) {
        guard case .known(let method) = method, policy.methods.contains(method) else { return nil }
        self.policy = policy
    }

    /// Before another try begins; `nil`: none does.
    package var delay: Duration? { attempts < policy.attemptsMax ? policy.delay : nil }

    /// Whether another try begins, now that the delay is over.
    /// - Parameters:
    ///   - bodyIsKept: all of the body is here, and can be sent again.
    ///   - budget: a retry is taken from it, to be given back by ``RetryBudget/retryEnded()``.
    package mutating func begins(bodyIsKept: Bool, budget: inout RetryBudget) -> Bool {
        guard attempts < policy.attemptsMax, bodyIsKept, budget.takeRetry() else { return false }
        attempts += 1
        return true
    }
}

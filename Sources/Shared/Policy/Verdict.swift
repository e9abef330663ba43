package import MeshModel

/// The answer of policy for one connection.
package enum Verdict: Hashable, Sendable {
    case allowed(Admission)
    case denied(Denial)

    /// The admission, or `nil` when denied.
    package var admission: Admission? {
        if case .allowed(let admission) = self { return admission }
        return nil
    }

    /// The denial, or `nil` when allowed.
    package var denial: Denial? {
        if case .denied(let denial) = self { return denial }
        return nil
    }
}

/// Proof that a policy set was asked and said yes. Only `PolicySet.decide` makes one, so whoever opens a connection
/// to an application asks for it as a parameter: no check, no bytes.
package struct Admission: Hashable, Sendable, CustomStringConvertible {
    /// What let the connection in.
    package enum Reason: Hashable, Sendable, CustomStringConvertible {
        /// No enforced ALLOW policy applies to the workload.
        case noAllowPolicyApplies
        /// This policy's rule, counted from 0.
        case rule(policy: String, index: Int)

        package var description: String {
            switch self {
            case .noAllowPolicyApplies: return "no allow policy applies"
            case .rule(let policy, let index): return "allowed by: \(policy), rule \(index)"
            }
        }
    }

    package let reason: Reason
    /// What was admitted.
    package let facts: ConnectionFacts

    init(reason: Reason, facts: ConnectionFacts) {
        self.reason = reason
        self.facts = facts
    }

    package var description: String { reason.description }
}

/// Why a connection was refused.
package enum Denial: Hashable, Sendable, CustomStringConvertible {
    /// A DENY policy's rule, counted from 0, matches.
    case policy(key: String, ruleIndex: Int)
    /// These ALLOW policies apply, and none of them matches.
    case noAllowMatched(keys: [String])
    /// The workload names a policy that discovery has not brought; refused until it comes.
    case policyNotReceived(key: String)

    /// The same as a reason for the log and the metric.
    package var rejection: PolicyRejection {
        switch self {
        case .policy(let key, _): return .explicitlyDenied(policy: key)
        case .noAllowMatched: return .noneAllowed
        case .policyNotReceived(let key): return .policyNotReceived(policy: key)
        }
    }

    /// How the connection ends when it is denied before its first byte.
    package var failure: ConnectionFailure { .policyRejection(rejection) }

    /// The reason as the log says it, without the prefix of `failure`.
    package var description: String { rejection.description }
}

/// What a dry-run policy would have done; it never touches the verdict.
package enum DryRunFinding: Hashable, Sendable, CustomStringConvertible {
    case wouldDeny(policy: String, ruleIndex: Int)
    case wouldAllow(policy: String, ruleIndex: Int)
    /// No dry-run ALLOW policy matches and no enforced one applies: enforcing these would refuse the connection.
    case wouldDenyUnmatched(policies: [String])

    package var description: String {
        switch self {
        case .wouldDeny(let policy, let index): return "dry-run: would be denied by: \(policy), rule \(index)"
        case .wouldAllow(let policy, let index): return "dry-run: would be allowed by: \(policy), rule \(index)"
        case .wouldDenyUnmatched(let policies):
            return "dry-run: would be denied: none of \(policies.joined(separator: ", ")) allows it"
        }
    }
}

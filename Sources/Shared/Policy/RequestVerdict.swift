package import MeshModel

/// A rule of a policy.
package struct RuleReference: Hashable, Sendable, CustomStringConvertible {
    /// `NAMESPACE/NAME` of the policy.
    package let policy: String
    /// Counted from 0.
    package let rule: Int

    package init(policy: String, rule: Int) {
        self.policy = policy
        self.rule = rule
    }

    package var description: String { "\(policy), rule \(rule)" }

    /// The name that the details of a refused response carry: `ns[shop]-policy[p]-rule[0]`.
    package var ruleName: String {
        let parts = policy.split(separator: "/", maxSplits: 1)
        return "ns[\(parts.first ?? "")]-policy[\(parts.last ?? "")]-rule[\(rule)]"
    }
}

/// What an external authorizer said about a request.
package enum AuthorizerAnswer: Hashable, Sendable {
    case allowed
    case denied
}

/// An external authorizer that must be asked about a request before it may be allowed.
package struct AuthorizerQuestion: Hashable, Sendable {
    /// Name of the provider, exact.
    package let provider: String
    /// What is behind the name; `nil`: nobody can be asked.
    package let authorizer: Authorizer?
    /// The first rule that asks for it.
    package let reason: RuleReference
}

/// The answer of policy for one request, or for a connection without requests.
package enum RequestVerdict: Hashable, Sendable {
    case allowed(RequestAdmission)
    case denied(RequestDenial)

    /// The admission, or `nil` when denied.
    package var admission: RequestAdmission? {
        if case .allowed(let admission) = self { return admission }
        return nil
    }

    /// The denial, or `nil` when allowed.
    package var denial: RequestDenial? {
        if case .denied(let denial) = self { return denial }
        return nil
    }
}

/// Proof that a policy set was asked about a request and said yes; only `RequestPolicySet.decide` makes one.
package struct RequestAdmission: Hashable, Sendable, CustomStringConvertible {
    package let reason: Admission.Reason

    init(_ reason: Admission.Reason) { self.reason = reason }

    package var description: String { reason.description }
}

/// Why a request was refused.
package enum RequestDenial: Hashable, Sendable, CustomStringConvertible {
    /// The authorizer that this CUSTOM rule asks said no.
    case authorizerDenied(provider: String, RuleReference)
    /// The authorizer that this CUSTOM rule asks is unknown, broken or was not asked.
    case authorizerSilent(provider: String, RuleReference)
    /// A DENY rule matches.
    case rule(RuleReference)
    /// These ALLOW policies apply, and none of them matches.
    case noAllowMatched(keys: [String])
    /// This policy should apply, but was not received.
    case policyNotReceived(key: String)

    package var description: String {
        switch self {
        case .authorizerDenied(let provider, let rule): return "external authorizer \(provider) denied it (\(rule))"
        case .authorizerSilent(let provider, let rule):
            let name = provider.isEmpty ? "without a name" : provider
            return "external authorizer \(name) gave no answer (\(rule))"
        case .rule(let rule): return "explicitly denied by: \(rule)"
        case .noAllowMatched(let keys):
            // Three are enough to know where to look.
            let more = keys.count > 3 ? " and \(keys.count - 3) more" : ""
            return "allow policies exist, but none allowed: \(keys.prefix(3).joined(separator: ", "))\(more)"
        case .policyNotReceived(let key): return "policy was not received: \(key)"
        }
    }

    /// The details that go with the refused response in the access log.
    package var responseDetails: String {
        switch self {
        case .rule(let rule): return "rbac_access_denied_matched_policy[\(rule.ruleName)]"
        case .authorizerDenied: return "ext_authz_denied"
        case .authorizerSilent: return "ext_authz_error"
        case .noAllowMatched, .policyNotReceived: return "rbac_access_denied_matched_policy[none]"
        }
    }
}

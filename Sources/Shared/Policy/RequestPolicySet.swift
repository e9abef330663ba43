package import MeshModel

/// The policies that apply to what a waypoint serves, ready to decide about requests and about connections that carry
/// none. Made when policies change; a copy is references only.
package struct RequestPolicySet: Sendable {
    /// Policies by what they do, in the order in which they are asked. A class: every request looks at them some times,
    /// and counting one reference is cheaper than five.
    final class Stages: Sendable {
        let custom: [(provider: String, policy: RequestPolicy)]
        let deny: PolicySequence
        let allow: PolicySequence
        let audit: [RequestPolicy]
        let dryRun: [RequestPolicy]

        init(_ policies: [RequestPolicy]) {
            var custom: [(provider: String, policy: RequestPolicy)] = []
            var (deny, allow): ([RequestPolicy], [RequestPolicy]) = ([], [])
            var (audit, dryRun): ([RequestPolicy], [RequestPolicy]) = ([], [])
            for policy in policies {
                switch policy.action {
                case .allow where policy.isDryRun, .deny where policy.isDryRun: dryRun.append(policy)
                case .allow: allow.append(policy)
                case .deny: deny.append(policy)
                case .audit: audit.append(policy)
                // The authorizer is asked before the token is checked, and must not be asked less for that.
                case .custom(let provider): custom.append((provider, policy.lowered { !$0.test.isOfToken }))
                }
            }
            self.custom = custom
            (self.deny, self.allow) = (PolicySequence(deny), PolicySequence(allow))
            (self.audit, self.dryRun) = (audit, dryRun)
        }
    }

    private let forRequests: Stages
    private let forConnections: Stages
    let missing: [String]

    /// - Parameters:
    ///   - policies: all that apply, in any order.
    ///   - missing: keys of policies that should apply but are not there. Any of them refuses everything.
    package init(applying policies: [RequestPolicy], missing: [String] = []) {
        forRequests = Stages(policies)
        let lowered = policies.map(\.forConnections)
        forConnections = Stages(lowered)
        judgesRequests = lowered != policies
        self.missing = missing
    }

    /// Policies as they hold for these facts: without HTTP, those parts are lowered that only a request can meet.
    func stages(_ facts: RequestFacts) -> Stages { facts.http == nil ? forConnections : forRequests }

    /// Whether a request may have to be asked about.
    package var hasAuthorizers: Bool { !forRequests.custom.isEmpty }

    /// Some policy looks at requests, and may say of one what it does not say of bytes.
    package let judgesRequests: Bool

    /// Authorizers that CUSTOM policies ask about this request, each once. They never look at the token, so that they
    /// can be asked before it is checked.
    package func questions(_ facts: RequestFacts) -> [AuthorizerQuestion] {
        var questions: [AuthorizerQuestion] = []
        for (provider, policy) in stages(facts).custom {
            guard !questions.contains(where: { $0.provider == provider }), let rule = policy.matchingRule(facts) else {
                continue
            }
            questions.append(
                AuthorizerQuestion(
                    provider: provider, authorizer: policy.authorizer,
                    reason: RuleReference(policy: policy.key, rule: rule)))
        }
        return questions
    }

    /// CUSTOM first, then DENY, then a missing policy, then, if any ALLOW policy applies, one of them must match. The
    /// order of the policies never changes whether a request is allowed.
    /// - Parameter answers: of authorizers by the provider's name. One that is asked for and not there denies.
    package func decide(_ facts: RequestFacts, answers: [String: AuthorizerAnswer] = [:]) -> RequestVerdict {
        if let denial = denialOfAuthorizers(facts, answers: answers) { return .denied(denial) }
        return decideWithoutAuthorizers(facts)
    }

    /// What all but the CUSTOM policies say, for whoever has asked ``denialOfAuthorizers(_:answers:)`` before.
    package func decideWithoutAuthorizers(_ facts: RequestFacts) -> RequestVerdict {
        let stages = stages(facts)
        if let reference = stages.deny.firstMatch(facts) { return .denied(.rule(reference)) }
        if let key = missing.first { return .denied(.policyNotReceived(key: key)) }
        if stages.allow.policies.isEmpty { return .allowed(RequestAdmission(.noAllowPolicyApplies)) }
        guard let reference = stages.allow.firstMatch(facts) else {
            return .denied(.noAllowMatched(keys: stages.allow.policies.map(\.key)))
        }
        return .allowed(RequestAdmission(.rule(policy: reference.policy, index: reference.rule)))
    }

    /// What CUSTOM policies alone say; `nil`: nothing against it. For whoever checks tokens between them and the rest.
    /// - Parameter answers: as for ``decide(_:answers:)``.
    package func denialOfAuthorizers(
        _ facts: RequestFacts, answers: [String: AuthorizerAnswer]
    ) -> RequestDenial? {
        for (provider, policy) in stages(facts).custom {
            guard let rule = policy.matchingRule(facts) else { continue }
            let reference = RuleReference(policy: policy.key, rule: rule)
            switch answers[provider] {
            case .allowed where !provider.isEmpty: continue
            case .denied: return .authorizerDenied(provider: provider, reference)
            case .allowed, nil: return .authorizerSilent(provider: provider, reference)
            }
        }
        return nil
    }

    /// The AUDIT policies that match, by their first matching rules. They never change the verdict.
    package func audits(_ facts: RequestFacts) -> [RuleReference] {
        stages(facts).audit.compactMap { policy in
            policy.matchingRule(facts).map { RuleReference(policy: policy.key, rule: $0) }
        }
    }

    /// What the dry-run policies would have done, for the log; never enforced.
    package func dryRun(_ facts: RequestFacts) -> [DryRunFinding] {
        let stages = stages(facts)
        guard !stages.dryRun.isEmpty else { return [] }
        var findings: [DryRunFinding] = []
        var unmatched: [String] = []
        var allowMatched = false
        for policy in stages.dryRun {
            let rule = policy.matchingRule(facts)
            if policy.action == .allow {
                allowMatched = allowMatched || rule != nil
                if rule == nil { unmatched.append(policy.key) }
            }
            guard let rule else { continue }
            findings.append(
                policy.action == .allow
                    ? .wouldAllow(policy: policy.key, ruleIndex: rule)
                    : .wouldDeny(policy: policy.key, ruleIndex: rule))
        }
        if !allowMatched, !unmatched.isEmpty, stages.allow.policies.isEmpty {
            findings.append(.wouldDenyUnmatched(policies: unmatched))
        }
        return findings
    }
}

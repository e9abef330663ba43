package import MeshModel

/// The policies that apply to one destination workload, ready to decide. A value: making one copies references only.
package struct PolicySet: Hashable, Sendable {
    private let policies: [AuthorizationPolicy]
    private let missing: [String]

    /// - Parameters:
    ///   - policies: global ones, those of the workload's namespace and those it names, in any order.
    ///   - missing: keys the workload names but discovery has not brought. Any of them refuses every connection:
    ///     nobody can say what it would have forbidden.
    package init(applying policies: [AuthorizationPolicy], missing: [String] = []) {
        self.policies = policies
        self.missing = missing
    }

    /// Keys of the enforced policies, and of the missing ones.
    package var keys: [String] { policies.map(\.key) + missing }

    /// DENY first; then a missing policy; then, if any ALLOW policy applies, one of them must match.
    /// The order of the policies never changes whether a connection is allowed.
    package func decide(_ facts: ConnectionFacts) -> Verdict {
        guard !policies.isEmpty || !missing.isEmpty else {
            return .allowed(Admission(reason: .noAllowPolicyApplies, facts: facts))
        }
        let subject = Subject(facts)
        for policy in policies where policy.action == .deny && !policy.isDryRun {
            if let index = policy.matchingRule(subject) {
                return .denied(.policy(key: policy.key, ruleIndex: index))
            }
        }
        if let key = missing.first { return .denied(.policyNotReceived(key: key)) }
        var allowApplies = false
        for policy in policies where policy.action == .allow && !policy.isDryRun {
            allowApplies = true
            if let index = policy.matchingRule(subject) {
                return .allowed(Admission(reason: .rule(policy: policy.key, index: index), facts: facts))
            }
        }
        guard allowApplies else { return .allowed(Admission(reason: .noAllowPolicyApplies, facts: facts)) }
        return .denied(.noAllowMatched(keys: enforced(.allow).map(\.key)))
    }

    /// What the dry-run policies would have done, for the log.
    package func dryRun(_ facts: ConnectionFacts) -> [DryRunFinding] {
        guard policies.contains(where: \.isDryRun) else { return [] }
        let subject = Subject(facts)
        var findings: [DryRunFinding] = []
        var unmatched: [String] = []
        var allowMatched = false
        for policy in policies where policy.isDryRun {
            switch (policy.action, policy.matchingRule(subject)) {
            case (.deny, let index?): findings.append(.wouldDeny(policy: policy.key, ruleIndex: index))
            case (.deny, nil): continue
            case (.allow, let index?):
                allowMatched = true
                findings.append(.wouldAllow(policy: policy.key, ruleIndex: index))
            case (.allow, nil): unmatched.append(policy.key)
            }
        }
        if !allowMatched, !unmatched.isEmpty, enforced(.allow).isEmpty {
            findings.append(.wouldDenyUnmatched(policies: unmatched))
        }
        return findings
    }

    func enforced(_ action: AuthorizationPolicy.Action) -> [AuthorizationPolicy] {
        policies.filter { $0.action == action && !$0.isDryRun }
    }

    var dryRunPolicies: [AuthorizationPolicy] { policies.filter(\.isDryRun) }

    var missingKeys: [String] { missing }
}

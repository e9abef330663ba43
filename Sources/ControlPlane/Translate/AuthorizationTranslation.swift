import MeshModel

/// One AuthorizationPolicy resource as the policy of a waypoint or of a node. What cannot be judged closes: an ALLOW
/// rule with such a part never allows; in all other rules the part counts as matching. Source: Istio's documentation of
/// AuthorizationPolicy and of L4 policies in ambient mode.
struct AuthorizationTranslation {
    let resource: AuthorizationPolicyResource
    let settings: TranslateSettings
    private(set) var findings: [Finding] = []

    init(_ resource: AuthorizationPolicyResource, _ settings: TranslateSettings) {
        self.resource = resource
        self.settings = settings
    }

    /// `nil`: nothing to enforce at L4. Why stands in the findings.
    mutating func nodePolicy() -> AuthorizationPolicy? {
        if resource.hasTargetReferences {
            guard resource.selector != nil else {
                report(.warning, "targetRefs bind it to a waypoint; it is not enforced at L4")
                return nil
            }
            report(.error, "has both selector and targetRefs; expected one. It is enforced at L4 by its selector")
        }
        switch resource.action {
        case .allow: return compiled(.allow, isForNode: true).forNode(scope: scope)
        case .deny: return compiled(.deny, isForNode: true).forNode(scope: scope)
        case .custom:
            report(
                .error,
                "action CUSTOM asks an external authorizer, which L4 cannot; what its rules match is denied. Use"
                    + " targetRefs to bind it to a waypoint")
            return compiled(.deny, isForNode: true).forNode(scope: scope)
        case .audit:
            report(.warning, "action AUDIT is not supported; it never denies, so nothing is enforced")
            return nil
        case .unknown(let text): return denyingAll(unknownAction: text).forNode(scope: scope)
        }
    }

    /// `nil`: not bound to a waypoint, or in force nowhere. Why stands in the findings.
    mutating func requestPolicy() -> RequestPolicy? {
        guard resource.hasTargetReferences, resource.selector == nil else { return nil }
        let targets = enforcedTargets()
        guard !targets.isEmpty else { return nil }
        var policy: RequestPolicy
        switch resource.action {
        case .allow: policy = compiled(.allow)
        case .deny:
            policy = compiled(.deny)
            warnOfConnections(policy)
        case .audit: policy = compiled(.audit)
        case .custom:
            let provider = resource.provider ?? ""
            if provider.isEmpty {
                report(.error, "provider.name is missing; what the policy matches is denied")
            }
            policy = compiled(.custom(provider: provider))
        case .unknown(let text): policy = denyingAll(unknownAction: text)
        }
        policy.targets = targets
        return policy
    }

    private mutating func compiled(_ action: RequestPolicy.Action, isForNode: Bool = false) -> RequestPolicy {
        var policy = RequestPolicy(
            name: resource.metadata.name, namespace: resource.metadata.namespace, action: action, rules: [],
            isDryRun: isDryRun())
        let isAllow = action == .allow
        guard resource.problems.isEmpty else {
            for problem in resource.problems { report(problem, action.consequence.ofPolicy) }
            if !isAllow { policy.rules = [.everything] }
            return policy
        }
        if !isAllow, resource.rules.isEmpty {
            let verb = action == .deny ? ("denies", "deny") : ("matches", "match")
            report(.warning, "has no rules and so \(verb.0) nothing; rules: [{}] would \(verb.1) everything")
        }
        let values = AuthorizationValues(
            ownNamespace: resource.metadata.namespace, trustDomains: TrustDomains(settings))
        for written in resource.rules {
            let isCustom = !isForNode && resource.action == .custom
            let compiled = AuthorizationRuleCompiler(written, values, isCustom: isCustom)
            for problem in compiled.problems + (isForNode ? compiled.nodeProblems : []) {
                report(problem, action.consequence.ofRule)
            }
            for warning in compiled.warnings { report(warning, severity: .warning) }
            policy.rules.append(isAllow && !compiled.problems.isEmpty ? .never : compiled.rule)
        }
        return policy
    }

    private mutating func denyingAll(unknownAction text: String) -> RequestPolicy {
        report(
            .error,
            "action: expected ALLOW, DENY, AUDIT or CUSTOM, found \"\(text)\"; everything in its scope is denied")
        return RequestPolicy(
            name: resource.metadata.name, namespace: resource.metadata.namespace, action: .deny, rules: [.everything],
            isDryRun: isDryRun())
    }

    /// Without those that have no effect.
    private mutating func enforcedTargets() -> [RequestPolicy.Target] {
        var targets: [RequestPolicy.Target] = []
        for target in resource.targets {
            if case .gatewayClass(let name) = target, resource.metadata.namespace != settings.rootNamespace {
                report(
                    .error,
                    "targets the GatewayClass \(name), which only a policy of namespace \(settings.rootNamespace) can;"
                        + " it is not in force there")
            } else if !targets.contains(target) {
                targets.append(target)
            }
        }
        return targets
    }

    /// A DENY rule made of HTTP attributes alone matches every connection on a port that is not HTTP.
    private mutating func warnOfConnections(_ policy: RequestPolicy) {
        for (rule, lowered) in zip(policy.rules, policy.forConnections.rules)
        where !rule.clauses.isEmpty && lowered.clauses.isEmpty {
            report(.warning, "has a rule of HTTP attributes only: on ports that are not HTTP it denies everything")
            return
        }
    }

    /// An empty selector selects all, which is what no selector means.
    private var scope: AuthorizationPolicy.Scope {
        if resource.selector?.isEmpty == false { return .workloadSelector }
        return resource.metadata.namespace == settings.rootNamespace ? .global : .namespace
    }

    private mutating func isDryRun() -> Bool {
        guard let text = resource.metadata.annotations[Annotation.dryRun] else { return false }
        guard let value = boolean(text) else {
            report(.error, "annotation \(Annotation.dryRun): expected true or false, found \"\(text)\"; it is enforced")
            return false
        }
        guard value, resource.action == .custom || resource.action == .audit else { return value }
        report(.error, "annotation \(Annotation.dryRun) is for ALLOW and DENY only; it is enforced")
        return false
    }

    private mutating func report(_ severity: Finding.Severity, _ message: String) {
        findings.append(Finding(severity, resource.metadata.origin, resource: resource.title, message))
    }

    private mutating func report(
        _ problem: FieldProblem, _ consequence: String = "", severity: Finding.Severity = .error
    ) {
        let origin = ResourceOrigin(file: resource.metadata.origin.file, line: problem.line)
        let message = "\(problem.field) \(problem.reason)\(consequence.isEmpty ? "" : "; ")\(consequence)"
        findings.append(Finding(severity, origin, resource: resource.title, message))
    }
}

extension RequestPolicy.Action {
    /// What a part that cannot be judged does to the whole policy, or to its rule.
    fileprivate var consequence: (ofPolicy: String, ofRule: String) {
        switch self {
        case .allow: return ("the policy allows nothing", "this ALLOW rule allows nothing")
        case .deny:
            return (
                "everything in the policy's scope is denied",
                "it counts as matching, so this rule denies more than it says"
            )
        case .audit:
            return (
                "everything in the policy's scope is reported",
                "it counts as matching, so this rule reports more than it says"
            )
        case .custom:
            return (
                "the authorizer is asked about everything in the policy's scope",
                "it counts as matching, so the authorizer is asked about more than this rule says"
            )
        }
    }
}

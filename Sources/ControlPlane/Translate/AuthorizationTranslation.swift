import MeshModel

/// One AuthorizationPolicy resource as the node's L4 policy (reference 8.5). What cannot be judged at L4 closes: an
/// ALLOW rule with such a part never allows; in a DENY rule the part counts as matching, so the rule denies more.
struct AuthorizationTranslation {
    let resource: AuthorizationPolicyResource
    let rootNamespace: String
    private(set) var findings: [Finding] = []

    init(_ resource: AuthorizationPolicyResource, rootNamespace: String) {
        self.resource = resource
        self.rootNamespace = rootNamespace
    }

    /// `nil`: nothing to enforce at L4. Why stands in the findings.
    mutating func policy() -> AuthorizationPolicy? {
        if resource.hasTargetReferences {
            guard resource.selector != nil else {
                report(.warning, "targetRefs bind it to a waypoint; it is not enforced at L4")
                return nil
            }
            report(.error, "has both selector and targetRefs; expected one. It is enforced at L4 by its selector")
        }
        switch resource.action {
        case .allow: return allowing()
        case .deny: return denying()
        case .custom:
            report(
                .error,
                "action CUSTOM asks an external authorizer, which L4 cannot; what its rules match is denied. Use"
                    + " targetRefs to bind it to a waypoint")
            return denying()
        case .audit:
            report(.warning, "action AUDIT is not supported; it never denies, so nothing is enforced")
            return nil
        case .unknown(let text):
            report(
                .error,
                "action: expected ALLOW, DENY, AUDIT or CUSTOM, found \"\(text)\"; everything in its scope is denied")
            return enforced(.deny, [.everything])
        }
    }

    private mutating func allowing() -> AuthorizationPolicy {
        guard resource.problems.isEmpty else {
            for problem in resource.problems {
                report(problem, "the policy allows nothing")
            }
            return enforced(.allow, [])
        }
        var rules: [AuthorizationPolicy.Rule] = []
        for written in resource.rules {
            let compiled = AuthorizationRuleCompiler(written, namespace: resource.metadata.namespace)
            if compiled.problems.isEmpty {
                rules.append(compiled.rule)
            } else {
                for problem in compiled.problems {
                    report(problem, "this ALLOW rule allows nothing")
                }
            }
        }
        return enforced(.allow, rules)
    }

    private mutating func denying() -> AuthorizationPolicy {
        guard resource.problems.isEmpty else {
            for problem in resource.problems {
                report(problem, "everything in the policy's scope is denied")
            }
            return enforced(.deny, [.everything])
        }
        if resource.rules.isEmpty {
            report(.warning, "has no rules and so denies nothing; rules: [{}] would deny everything")
        }
        var rules: [AuthorizationPolicy.Rule] = []
        for written in resource.rules {
            let compiled = AuthorizationRuleCompiler(written, namespace: resource.metadata.namespace)
            for problem in compiled.problems {
                report(problem, "it counts as matching, so this rule denies more than it says")
            }
            rules.append(compiled.rule)
        }
        return enforced(.deny, rules)
    }

    private mutating func enforced(
        _ action: AuthorizationPolicy.Action, _ rules: [AuthorizationPolicy.Rule]
    ) -> AuthorizationPolicy {
        AuthorizationPolicy(
            name: resource.metadata.name, namespace: resource.metadata.namespace, scope: scope, action: action,
            rules: rules, isDryRun: isDryRun())
    }

    /// An empty selector selects all, which is what no selector means.
    private var scope: AuthorizationPolicy.Scope {
        if resource.selector?.isEmpty == false { return .workloadSelector }
        return resource.metadata.namespace == rootNamespace ? .global : .namespace
    }

    private mutating func isDryRun() -> Bool {
        guard let text = resource.metadata.annotations[Annotation.dryRun] else { return false }
        if let value = boolean(text) { return value }
        report(.error, "annotation \(Annotation.dryRun): expected true or false, found \"\(text)\"; it is enforced")
        return false
    }

    private mutating func report(_ severity: Finding.Severity, _ message: String) {
        findings.append(Finding(severity, resource.metadata.origin, resource: resource.title, message))
    }

    private mutating func report(_ problem: FieldProblem, _ consequence: String) {
        let origin = ResourceOrigin(file: resource.metadata.origin.file, line: problem.line)
        let message = "\(problem.field) \(problem.reason); \(consequence)"
        findings.append(Finding(.error, origin, resource: resource.title, message))
    }
}

extension AuthorizationPolicy.Rule {
    /// No clause: holds for every connection.
    fileprivate static let everything = AuthorizationPolicy.Rule(clauses: [])
}

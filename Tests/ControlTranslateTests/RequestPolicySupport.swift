import ControlTranslate
import MeshModel
import Testing

/// The policy that a waypoint gets for service `web`, and the findings beside those that are always there.
func translate(
    _ action: AuthorizationPolicyResource.Action, _ rules: [AuthorizationPolicyResource.Rule],
    _ fill: (inout AuthorizationPolicyResource) -> Void = { _ in },
    settings change: (inout TranslateSettings) -> Void = { _ in }
) -> (RequestPolicy?, [Finding]) {
    var resource = Make.policy(action, rules)
    resource.hasTargetReferences = true
    resource.targets = [.service("web")]
    if action == .custom { resource.provider = "opa" }
    fill(&resource)
    let world = Make.world { resources, settings in
        resources.authorizationPolicies = [resource]
        change(&settings)
    }
    #expect(world.policies.isEmpty)
    let known = [
        "targetRefs bind it to a waypoint; it is not enforced at L4",
        "targets the Service web, which does not exist; it is not enforced there",
        "provider.name: ConfigMap istio-system/istio has no extension provider opa that is an external authorizer;"
            + " what the policy matches is denied",
    ]
    return (world.requestPolicies.first, world.findings.filter { !known.contains($0.message) })
}

/// A rule with one source.
func source(_ fill: (inout AuthorizationPolicyResource.Source) -> Void) -> AuthorizationPolicyResource.Rule {
    var rule = AuthorizationPolicyResource.Rule()
    var source = AuthorizationPolicyResource.Source()
    fill(&source)
    rule.from = [source]
    return rule
}

/// A rule with one operation.
func operation(_ fill: (inout AuthorizationPolicyResource.Operation) -> Void) -> AuthorizationPolicyResource.Rule {
    var rule = AuthorizationPolicyResource.Rule()
    var operation = AuthorizationPolicyResource.Operation()
    fill(&operation)
    rule.to = [operation]
    return rule
}

/// A rule with one condition.
func condition(_ key: String, _ values: [String], not: [String] = []) -> AuthorizationPolicyResource.Rule {
    var rule = AuthorizationPolicyResource.Rule()
    var condition = AuthorizationPolicyResource.Condition()
    condition.key = key
    condition.values = Make.values(values, not: not)
    rule.when = [condition]
    return rule
}

/// Terms of the only match of each clause.
func terms(_ policy: RequestPolicy?) -> [[RequestPolicy.Term]]? {
    policy?.rules.first?.clauses.map { $0.matches.first?.terms ?? [] }
}

import ControlTranslate
import MeshModel
import Testing

@Suite struct AuthorizationTests {
    typealias Rule = AuthorizationPolicyResource.Rule

    private func policy(_ resource: AuthorizationPolicyResource) -> (AuthorizationPolicy?, [Finding]) {
        let world = Make.world { resources, _ in resources.authorizationPolicies = [resource] }
        return (world.policies.first, world.findings)
    }

    private func rule(_ fill: (inout AuthorizationPolicyResource.Source) -> Void) -> Rule {
        var source = AuthorizationPolicyResource.Source()
        fill(&source)
        var rule = Rule()
        rule.from = [source]
        return rule
    }

    @Test("scope follows namespace and selector")
    func scopes() {
        #expect(policy(Make.policy(.deny, [Rule()], namespace: "istio-system")).0?.scope == .global)
        #expect(policy(Make.policy(.deny, [Rule()])).0?.scope == .namespace)
        #expect(policy(Make.policy(.deny, [Rule()], selector: [:])).0?.scope == .namespace)
        #expect(policy(Make.policy(.deny, [Rule()], selector: ["app": "a"])).0?.scope == .workloadSelector)
    }

    struct Pattern: Sendable {
        let text: String
        let match: AuthorizationPolicy.StringMatch?
    }

    @Test(
        "a star at an end of a value is presence, prefix or suffix, and anything else closes",
        arguments: [
            Pattern(text: "*", match: .presence), Pattern(text: "a*", match: .prefix("a")),
            Pattern(text: "*a", match: .suffix("a")), Pattern(text: "a", match: .exact("a")),
            Pattern(text: "*a*", match: nil), Pattern(text: "a*b", match: nil), Pattern(text: "", match: nil),
            Pattern(text: "**", match: nil), Pattern(text: "spiffe://cluster.local/ns/a/sa/b", match: nil),
        ])
    func patterns(_ pattern: Pattern) {
        let written = rule { $0.principals = Make.values([pattern.text]) }
        let (allow, allowFindings) = policy(Make.policy(.allow, [written]))
        let (deny, denyFindings) = policy(Make.policy(.deny, [written]))
        if let match = pattern.match {
            #expect(allow?.rules.first?.clauses.first?.matches.first?.principals == [match])
            #expect(allowFindings.isEmpty)
        } else {
            #expect(allow?.rules == [], "an unreadable ALLOW rule must allow nothing")
            #expect(deny?.rules == [AuthorizationPolicy.Rule(clauses: [])], "an unreadable DENY rule must deny")
            #expect(allowFindings.count == 1 && denyFindings.count == 1)
        }
    }

    @Test("a negated value that cannot be read widens a DENY and voids an ALLOW")
    func negation() {
        let written = rule {
            $0.namespaces = Make.values(["bad"])
            $0.ipBlocks = Make.values([], not: ["10.0.0.0/8", "nonsense"])
        }
        var match = AuthorizationPolicy.Match()
        match.namespaces = [.exact("bad")]
        let clause = AuthorizationPolicy.Clause(matches: [match])
        #expect(policy(Make.policy(.deny, [written])).0?.rules == [AuthorizationPolicy.Rule(clauses: [clause])])
        #expect(policy(Make.policy(.allow, [written])).0?.rules == [])
    }

    @Test("a source that holds for everybody makes its clause hold, however narrow its neighbours")
    func wideNeighbour() {
        var written = rule { $0.namespaces = Make.values(["bad"]) }
        var unknown = AuthorizationPolicyResource.Source()
        unknown.problems = [FieldProblem(line: 3, field: "f", reason: "is not a known field")]
        written.from.append(unknown)
        let (deny, findings) = policy(Make.policy(.deny, [written]))
        #expect(deny?.rules == [AuthorizationPolicy.Rule(clauses: [])])
        #expect(findings.map(\.origin.line) == [3])
    }

    @Test("an empty source or condition never opens an ALLOW")
    func emptyParts() {
        #expect(policy(Make.policy(.allow, [rule { _ in }])).0?.rules == [])
        var written = Rule()
        written.when = [AuthorizationPolicyResource.Condition()]
        #expect(policy(Make.policy(.allow, [written])).0?.rules == [])
    }

    @Test("a service account without a namespace is one of the policy's own")
    func serviceAccounts() {
        let written = rule { $0.serviceAccounts = Make.values(["web", "data/db"]) }
        let match = policy(Make.policy(.allow, [written])).0?.rules.first?.clauses.first?.matches.first
        #expect(
            match?.serviceAccounts == [
                AuthorizationPolicy.ServiceAccountMatch(namespace: "shop", serviceAccount: "web"),
                AuthorizationPolicy.ServiceAccountMatch(namespace: "data", serviceAccount: "db"),
            ])
        for text in ["*", "a/b/c", "/a", "a/", "we*"] {
            let unreadable = rule { $0.serviceAccounts = Make.values([text]) }
            #expect(policy(Make.policy(.allow, [unreadable])).0?.rules == [], "\(text)")
        }
    }

    @Test("actions that L4 cannot take close, AUDIT enforces nothing", arguments: [true, false])
    func actions(_ hasRules: Bool) {
        let rules = hasRules ? [rule { $0.namespaces = Make.values(["a"]) }] : []
        let (custom, findings) = policy(Make.policy(.custom, rules))
        #expect(custom?.action == .deny && custom?.rules.count == rules.count)
        #expect(findings.contains { $0.severity == .error })
        #expect(policy(Make.policy(.audit, rules)).0 == nil)
        let (unknown, unknownFindings) = policy(Make.policy(.unknown("deny"), rules))
        #expect(unknown?.action == .deny && unknown?.rules == [AuthorizationPolicy.Rule(clauses: [])])
        #expect(unknownFindings.count == 1)
    }

    @Test("a workload names only policies that are sent")
    func references() {
        let world = Make.world { resources, _ in
            resources.pods = [Make.pod("web", labels: ["app": "web", "tier": "1"])]
            var all: [AuthorizationPolicyResource] = []
            for (index, action) in [AuthorizationPolicyResource.Action.allow, .audit, .deny].enumerated() {
                var policy = Make.policy(action, [Rule()], selector: ["app": "web"])
                policy.metadata.name = "p\(index)"
                all.append(policy)
            }
            var root = Make.policy(.deny, [Rule()], namespace: "istio-system", selector: ["tier": "1", "app": "web"])
            root.metadata.name = "root"
            var waypoint = Make.policy(.allow, [Rule()])
            waypoint.metadata.name = "waypoint"
            waypoint.hasTargetReferences = true
            var elsewhere = Make.policy(.deny, [Rule()], namespace: "other", selector: ["app": "web"])
            elsewhere.metadata.name = "elsewhere"
            resources.authorizationPolicies = all + [root, waypoint, elsewhere]
        }
        #expect(world.workloads.first?.authorizationPolicies == ["istio-system/root", "shop/p0", "shop/p2"])
        let sent = Set(world.policies.map(\.key))
        #expect(sent.isSuperset(of: ["istio-system/root", "shop/p0", "shop/p2"]))
        #expect(!sent.contains("shop/waypoint") && !sent.contains("shop/p1"))
    }

    @Test("the root namespace is a setting")
    func rootNamespace() {
        let world = Make.world { resources, settings in
            settings.rootNamespace = "apus-system"
            resources.authorizationPolicies = [Make.policy(.deny, [Rule()], namespace: "apus-system")]
        }
        #expect(world.policies.first?.scope == .global)
    }
}

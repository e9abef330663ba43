import ControlTranslate
import MeshModel
import Testing

@Suite("Trust domains and what a node cannot judge")
struct TrustDomainTests {
    typealias Resource = AuthorizationPolicyResource
    typealias Term = RequestPolicy.Term

    struct Alias: Sendable, CustomStringConvertible {
        let description: String
        let expanded: [String]

        init(_ text: String, _ expanded: [String]) { (description, self.expanded) = (text, expanded) }
    }

    @Test(
        "a principal of one name of the trust domain is one of all its names, at a waypoint and at a node",
        arguments: [
            Alias("td1/ns/a/sa/b", ["td1/ns/a/sa/b", "old/ns/a/sa/b", "very.old/ns/a/sa/b"]),
            Alias("old/ns/a/sa/b", ["td1/ns/a/sa/b", "old/ns/a/sa/b", "very.old/ns/a/sa/b"]),
            Alias("cluster.local/ns/a/sa/b", ["td1/ns/a/sa/b", "old/ns/a/sa/b", "very.old/ns/a/sa/b"]),
            Alias("*old/ns/a/sa/b", ["td1/ns/a/sa/b", "*old/ns/a/sa/b"]),
            Alias("old/ns/a/sa/*", ["td1/ns/a/sa/*", "old/ns/a/sa/*", "very.old/ns/a/sa/*"]),
            Alias("other/ns/a/sa/b", ["other/ns/a/sa/b"]), Alias("*/ns/a/sa/b", ["*/ns/a/sa/b"]),
            Alias("old/ns/*", ["old/ns/*"]), Alias("*", ["*"]), Alias("*/sa/b", ["*/sa/b"]),
        ])
    func aliases(_ alias: Alias) {
        let change = { (settings: inout TranslateSettings) in
            settings.trustDomain = "td1"
            settings.trustDomainAliases = ["old", "very.old", "td1"]
        }
        let rule = source { $0.principals = Make.values([alias.description], not: [alias.description]) }
        let expected = alias.expanded.compactMap { RequestPolicy.StringMatch($0) }
        let (policy, _) = translate(.deny, [rule], settings: change)
        #expect(terms(policy) == [[Term(.principals(expected)), Term(.principals(expected), isNegated: true)]])
        let node = Make.world { resources, settings in
            resources.authorizationPolicies = [Make.policy(.deny, [rule])]
            change(&settings)
        }
        let match = node.policies.first?.rules.first?.clauses.first?.matches.first
        #expect(match?.principals == expected && match?.notPrincipals == expected)
    }

    @Test("a trust domain of the mesh stands for all its names")
    func trustDomains() {
        let rule = source { $0.trustDomains = Make.values(["old", "o*"], not: ["other"]) }
        let (policy, _) = translate(.deny, [rule]) { _ in
        } settings: {
            $0.trustDomain = "td1"
            $0.trustDomainAliases = ["old"]
        }
        #expect(
            terms(policy) == [
                [
                    Term(.trustDomains([.exact("td1"), .exact("old"), .prefix("o")])),
                    Term(.trustDomains([.exact("other")]), isNegated: true),
                ]
            ])
    }

    @Test("at L4 a star inside a namespace and a trust domain close, and a service account key is enforced")
    func nodeParts() {
        let parts = [
            source { $0.namespaces = Make.values(["a*b"]) }, source { $0.trustDomains = Make.values(["td"]) },
            condition("connection.sni", ["a"]), condition("remote.ip", ["10.0.0.1"]),
        ]
        for rule in parts {
            let world = { (action: Resource.Action) in
                Make.world { resources, _ in resources.authorizationPolicies = [Make.policy(action, [rule])] }
            }
            #expect(world(.allow).policies.first?.rules == [])
            #expect(world(.deny).policies.first?.rules == [AuthorizationPolicy.Rule(clauses: [])])
            #expect(world(.deny).findings.map(\.severity) == [.error])
        }
        let account = Make.world { resources, _ in
            let rule = condition("source.serviceAccount", ["web"])
            resources.authorizationPolicies = [Make.policy(.allow, [rule])]
        }
        let match = account.policies.first?.rules.first?.clauses.first?.matches.first
        #expect(match?.serviceAccounts == [.init(namespace: "shop", serviceAccount: "web")])
        #expect(account.findings.isEmpty)
    }
}

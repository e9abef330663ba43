import MeshModel
import MeshPolicy
import Testing

private let web = Identity(namespace: "shop", serviceAccount: "web")

private func facts(_ identity: Identity? = web) -> ConnectionFacts {
    ConnectionFacts(
        source: IPAddress(v4: 0x0a00_0001), identity: identity,
        destination: TransportAddress(IPAddress(v4: 0x0a00_0002), port: 80))
}

private func policy(
    _ name: String, _ action: Policy.Action, dryRun: Bool = false, rules: [Policy.Rule]
) -> Policy {
    Policy(name: name, namespace: "shop", scope: .namespace, action: action, rules: rules, isDryRun: dryRun)
}

/// Matches everything.
private let always = [Policy.Rule(clauses: [])]
/// Matches nothing.
private let never: [Policy.Rule] = []

private func rule(_ fill: (inout Match) -> Void) -> Policy.Rule {
    var match = Match()
    fill(&match)
    return Policy.Rule(clauses: [Policy.Clause(matches: [match])])
}

@Suite("Policy decisions")
struct PolicySetTests {
    @Test("without policies everything is allowed")
    func none() {
        #expect(PolicySet(applying: []).decide(facts()).admission?.reason == .noAllowPolicyApplies)
    }

    @Test("a DENY that does not match leaves the connection allowed")
    func denyWithoutMatch() {
        let set = PolicySet(applying: [policy("d", .deny, rules: never)])
        #expect(set.decide(facts()).admission?.reason == .noAllowPolicyApplies)
    }

    @Test("a matching DENY wins over a matching ALLOW, in any order")
    func denyWins() {
        let deny = policy("d", .deny, rules: always)
        let allow = policy("a", .allow, rules: always)
        let expected = Verdict.denied(.policy(key: "shop/d", ruleIndex: 0))
        #expect(PolicySet(applying: [deny, allow]).decide(facts()) == expected)
        #expect(PolicySet(applying: [allow, deny]).decide(facts()) == expected)
    }

    @Test("one matching ALLOW is enough")
    func anyAllow() {
        let set = PolicySet(applying: [
            policy("a", .allow, rules: never),
            policy("b", .allow, rules: [rule { $0.destinationPorts = [1] }] + always),
        ])
        #expect(set.decide(facts()).admission?.reason == .rule(policy: "shop/b", index: 1))
    }

    @Test("ALLOW policies of which none matches refuse, and name themselves")
    func noneAllowed() {
        let set = PolicySet(applying: [policy("a", .allow, rules: never), policy("b", .allow, rules: never)])
        let denial = set.decide(facts()).denial
        #expect(denial == .noAllowMatched(keys: ["shop/a", "shop/b"]))
        #expect(
            denial?.failure.description
                == "connection closed due to policy rejection: allow policies exist, but none allowed")
        #expect(denial?.failure.flag == .denied)
    }

    @Test("an explicit denial says by which policy")
    func denialText() {
        let denial = PolicySet(applying: [policy("d", .deny, rules: always)]).decide(facts()).denial
        #expect(
            denial?.failure.description
                == "connection closed due to policy rejection: explicitly denied by: shop/d")
    }

    @Test("a policy that was named but not received refuses everything, with that reason")
    func missing() {
        let set = PolicySet(applying: [policy("a", .allow, rules: always)], missing: ["shop/later"])
        #expect(set.decide(facts()) == .denied(.policyNotReceived(key: "shop/later")))
        let alone = PolicySet(applying: [], missing: ["shop/later"])
        #expect(alone.decide(facts()) == .denied(.policyNotReceived(key: "shop/later")))
        #expect(alone.decide(facts()).denial?.failure.flag == .denied)
    }

    @Test("an explicit denial is named before a missing policy")
    func denialBeforeMissing() {
        let set = PolicySet(applying: [policy("d", .deny, rules: always)], missing: ["shop/later"])
        #expect(set.decide(facts()) == .denied(.policy(key: "shop/d", ruleIndex: 0)))
    }

    /// Whether an ALLOW policy with these rules lets the connection in.
    private func allows(_ rules: [Policy.Rule]) -> Bool {
        PolicySet(applying: [policy("a", .allow, rules: rules)]).decide(facts()).admission != nil
    }

    @Test("empty levels: no rules never match, no clauses and no matches always do, an empty match never does")
    func emptyLevels() {
        #expect(!allows([]))
        #expect(allows([Policy.Rule(clauses: [])]))
        #expect(allows([Policy.Rule(clauses: [Policy.Clause(matches: [])])]))
        #expect(!allows([Policy.Rule(clauses: [Policy.Clause(matches: [Match()])])]))
        var port = Match()
        port.destinationPorts = [80]
        #expect(allows([Policy.Rule(clauses: [Policy.Clause(matches: [Match(), port])])]))
        #expect(!allows([Policy.Rule(clauses: [Policy.Clause(matches: [port]), Policy.Clause(matches: [Match()])])]))
    }

    @Test("STRICT peer authentication refuses plain text and nothing else")
    func strict() {
        let strict = policy("strict", .deny, rules: [rule { $0.notPrincipals = [.presence] }])
        let set = PolicySet(applying: [strict])
        #expect(set.decide(facts(nil)).denial == .policy(key: "shop/strict", ruleIndex: 0))
        #expect(set.decide(facts()).admission != nil)
    }

    @Test("dry-run policies are reported and never change the verdict")
    func dryRun() {
        let set = PolicySet(applying: [
            policy("d", .deny, dryRun: true, rules: always), policy("a", .allow, dryRun: true, rules: always),
            policy("b", .allow, dryRun: true, rules: never),
        ])
        #expect(set.decide(facts()).admission?.reason == .noAllowPolicyApplies)
        #expect(
            set.dryRun(facts()) == [
                .wouldDeny(policy: "shop/d", ruleIndex: 0), .wouldAllow(policy: "shop/a", ruleIndex: 0),
            ])
    }

    @Test("dry-run ALLOW policies of which none matches are reported when no enforced one applies")
    func dryRunUnmatched() {
        let dry = policy("a", .allow, dryRun: true, rules: never)
        #expect(PolicySet(applying: [dry]).dryRun(facts()) == [.wouldDenyUnmatched(policies: ["shop/a"])])
        #expect(PolicySet(applying: [dry, policy("b", .allow, rules: always)]).dryRun(facts()) == [])
    }

    @Test("the explanation names each policy, why it matched or not, and ends with the verdict")
    func explanation() {
        let set = PolicySet(applying: [
            policy("no-api", .deny, rules: [rule { $0.principals = [.suffix("/sa/api")] }]),
            policy(
                "web", .allow,
                rules: [rule { $0.destinationPorts = [443] }, rule { $0.namespaces = [.exact("shop")] }]),
        ])
        #expect(
            set.explain(facts()) == [
                "from 10.0.0.1, spiffe://cluster.local/ns/shop/sa/web (mutual TLS), to 10.0.0.2:80",
                "DENY policy shop/no-api (Namespace) does not match: rule 0: clause 0: "
                    + "cluster.local/ns/shop/sa/web is none of [*/sa/api]",
                "ALLOW policy shop/web (Namespace) matches by rule 1",
                "allowed: allowed by: shop/web, rule 1",
            ])
        let refused = PolicySet(applying: [], missing: ["shop/x"]).explain(facts(nil))
        #expect(refused.first == "from 10.0.0.1, no identity (plain text), to 10.0.0.2:80")
        #expect(refused.last == "denied: policy named by the workload was not received: shop/x")
    }
}

import MeshModel
import MeshPolicy
import Testing

/// Holds for every request of `Asked`.
private let get = [Term(.methods([.exact("GET")]))]
private let post = [Term(.methods([.exact("POST")]))]

@Suite("Decisions about requests")
struct RequestPolicySetTests {
    private let facts = Asked().facts

    private func decide(
        _ policies: [RequestPolicy], missing: [String] = [], answers: [String: AuthorizerAnswer] = [:]
    ) -> RequestVerdict {
        RequestPolicySet(applying: policies, missing: missing).decide(facts, answers: answers)
    }

    @Test("without policies, and with DENY policies that do not match, everything is allowed")
    func open() {
        #expect(decide([]).admission?.reason == .noAllowPolicyApplies)
        #expect(decide([.make(.deny, post)]).admission?.reason == .noAllowPolicyApplies)
    }

    @Test("CUSTOM refuses before DENY, DENY before ALLOW, in any order of the policies")
    func order() {
        let custom = RequestPolicy.make("c", .custom(provider: "opa"), get)
        let deny = RequestPolicy.make("d", .deny, get)
        let allow = RequestPolicy.make("a", .allow, get)
        let rule = RuleReference(policy: "shop/c", rule: 0)
        for policies in [[custom, deny, allow], [allow, deny, custom], [deny, custom, allow]] {
            #expect(decide(policies) == .denied(.authorizerSilent(provider: "opa", rule)))
            #expect(
                decide(policies, answers: ["opa": .denied]) == .denied(.authorizerDenied(provider: "opa", rule)))
            #expect(
                decide(policies, answers: ["opa": .allowed])
                    == .denied(.rule(RuleReference(policy: "shop/d", rule: 0))))
        }
        let asked = decide([custom, allow], answers: ["opa": .allowed])
        #expect(asked.admission?.reason == .rule(policy: "shop/a", index: 0))
        let unmatched = decide([custom, .make("a", .allow, post)], answers: ["opa": .allowed])
        #expect(unmatched.denial == .noAllowMatched(keys: ["shop/a"]), "an authorizer's yes is no ALLOW")
    }

    @Test("ALLOW policies of which none matches refuse; one that matches is enough")
    func allow() {
        let never = RequestPolicy.make("a", .allow, post)
        #expect(decide([never]).denial == .noAllowMatched(keys: ["shop/a"]))
        #expect(decide([never, .make("b", .allow, get)]).admission?.reason == .rule(policy: "shop/b", index: 0))
    }

    @Test("empty levels: no rules never match, an empty rule always does, an empty match never")
    func emptyLevels() {
        let none = RequestPolicy(name: "p", namespace: "shop", action: .allow, rules: [])
        #expect(decide([none]).denial == .noAllowMatched(keys: ["shop/p"]), "ALLOW without rules allows nothing")
        var deny = none
        deny.action = .deny
        #expect(decide([deny]).denial == nil, "DENY without rules denies nothing")
        deny.rules = [.everything]
        #expect(decide([deny]).denial != nil, "DENY with {} denies all")
        #expect(decide([.make(.allow)]).admission != nil)
        #expect(decide([.make(.allow, [])]).admission == nil)
        #expect(decide([.make(.deny, [])]).denial == nil)
        let noMatches = RequestPolicy.Rule(clauses: [.init(matches: [])])
        #expect(decide([RequestPolicy(name: "p", namespace: "n", action: .allow, rules: [noMatches])]).admission != nil)
    }

    @Test("fields of a match and clauses of a rule must all hold, one match of a clause is enough")
    func levels() {
        let (yes, no) = (Term(.methods([.exact("GET")])), Term(.hosts([.exact("other")])))
        #expect(decide([.make(.allow, [yes, no])]).admission == nil)
        #expect(decide([.make(.allow, [yes], [no])]).admission == nil)
        #expect(decide([.make(.allow, [yes], [yes, yes])]).admission != nil)
        let either = RequestPolicy.Clause(matches: [.init(terms: [no]), .init(terms: [yes])])
        let rule = RequestPolicy.Rule(clauses: [either])
        let first = RequestPolicy.Rule(clauses: [.init(matches: [.init(terms: [no])])])
        let second = RequestPolicy(name: "p", namespace: "n", action: .allow, rules: [first, rule])
        #expect(decide([second]).admission?.reason == .rule(policy: "n/p", index: 1))
    }

    @Test("a policy that was not received refuses everything that no DENY refuses first")
    func missing() {
        #expect(decide([.make(.allow, get)], missing: ["shop/x"]).denial == .policyNotReceived(key: "shop/x"))
        let denied = decide([.make("d", .deny, get)], missing: ["shop/x"]).denial
        #expect(denied == .rule(RuleReference(policy: "shop/d", rule: 0)))
    }

    @Test("each authorizer is asked once, when a rule of a CUSTOM policy matches")
    func questions() {
        let set = RequestPolicySet(applying: [
            .make("a", .custom(provider: "opa"), post), .make("b", .custom(provider: "opa"), get),
            .make("c", .custom(provider: "opa"), get), .make("d", .custom(provider: "other"), get),
        ])
        #expect(set.questions(facts).map(\.provider) == ["opa", "other"])
        #expect(set.questions(facts).map(\.reason.description) == ["shop/b, rule 0", "shop/d, rule 0"])
        #expect(set.decide(facts, answers: ["opa": .allowed]).denial != nil, "both must allow")
        #expect(set.decide(facts, answers: ["opa": .allowed, "other": .allowed]).admission != nil)
    }

    @Test("providers are known by their exact names, and nobody answers for an empty one")
    func exactProviders() {
        let set = RequestPolicySet(applying: [.make(.custom(provider: "opa-2"), get)])
        #expect(set.decide(facts, answers: ["opa": .allowed]).denial != nil)
        #expect(set.decide(facts, answers: ["opa-2": .allowed]).admission != nil)
        let unnamed = RequestPolicySet(applying: [.make(.custom(provider: ""), get)])
        #expect(unnamed.decide(facts, answers: ["": .allowed]).denial != nil)
    }

    @Test("CUSTOM never waits for a token: terms about one count as matching")
    func customWithoutToken() {
        let terms = [Term(.claim(path: ["a"], [.exact("b")])), Term(.methods([.exact("GET")]))]
        let set = RequestPolicySet(applying: [.make(.custom(provider: "opa"), terms)])
        #expect(set.questions(facts).count == 1)
        #expect(set.questions(Asked.with { $0.method = "POST" }.facts).isEmpty)
    }

    @Test("AUDIT is reported and never decides")
    func audit() {
        let set = RequestPolicySet(applying: [.make("x", .audit, post), .make("y", .audit, get)])
        #expect(set.audits(facts) == [RuleReference(policy: "shop/y", rule: 0)])
        #expect(set.decide(facts).admission?.reason == .noAllowPolicyApplies)
    }

    @Test("dry-run policies are reported, never enforced, and make no implicit deny")
    func dryRun() {
        let set = RequestPolicySet(applying: [
            .make("d", .deny, dryRun: true, get), .make("a", .allow, dryRun: true, get),
            .make("b", .allow, dryRun: true, post),
        ])
        #expect(set.decide(facts).admission?.reason == .noAllowPolicyApplies)
        #expect(
            set.dryRun(facts) == [
                .wouldDeny(policy: "shop/d", ruleIndex: 0), .wouldAllow(policy: "shop/a", ruleIndex: 0),
            ])
        let unmatched = RequestPolicy.make("b", .allow, dryRun: true, post)
        #expect(RequestPolicySet(applying: [unmatched]).dryRun(facts) == [.wouldDenyUnmatched(policies: ["shop/b"])])
        #expect(RequestPolicySet(applying: [unmatched, .make(.allow, get)]).dryRun(facts) == [])
        let custom = RequestPolicySet(applying: [.make(.custom(provider: "opa"), dryRun: true, get)])
        #expect(custom.decide(facts).denial != nil, "dry run means nothing for CUSTOM")
    }

    @Test("without HTTP, an ALLOW rule with an HTTP field is skipped, and other rules lose the field")
    func connections() {
        let plain = Asked.with { $0.isPlain = true }
        let port = Term(.destinationPorts([80]))
        #expect(!plain.isAllowed(by: get) && !plain.isAllowed(by: .methods([.exact("POST")]), not: true))
        #expect(!plain.isAllowed(by: [port] + get))
        #expect(plain.isAllowed(by: [port]))
        #expect(plain.isDenied(by: get) && plain.isDenied(by: post))
        #expect(plain.isDenied(by: .methods([.exact("GET")]), not: true))
        #expect(plain.isDenied(by: [port] + post))
        #expect(!plain.isDenied(by: [Term(.destinationPorts([81]))] + post))
        let set = RequestPolicySet(applying: [.make("x", .audit, post), .make(.custom(provider: "opa"), post)])
        #expect(set.audits(plain.facts).count == 1 && set.questions(plain.facts).count == 1)
        // The whole rule goes, not only the match that asks for HTTP.
        let mixed = RequestPolicy.Clause(matches: [.init(terms: [port]), .init(terms: get)])
        let policy = RequestPolicy(name: "p", namespace: "n", action: .allow, rules: [.init(clauses: [mixed])])
        #expect(RequestPolicySet(applying: [policy]).decide(plain.facts).admission == nil)
    }

    @Test("the details of a refused response name the rule")
    func details() {
        #expect(
            decide([.make("d", .deny, get)]).denial?.responseDetails
                == "rbac_access_denied_matched_policy[ns[shop]-policy[d]-rule[0]]")
        #expect(decide([.make(.allow, post)]).denial?.responseDetails == "rbac_access_denied_matched_policy[none]")
        #expect(decide([.make(.custom(provider: "x"), get)]).denial?.responseDetails == "ext_authz_error")
    }
}

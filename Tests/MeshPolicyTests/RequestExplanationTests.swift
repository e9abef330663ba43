import MeshModel
import MeshPolicy
import Testing

@Suite("Explanations of requests")
struct RequestExplanationTests {
    @Test("each policy says by which rule and fields it matches, or what keeps it from matching")
    func lines() throws {
        let api = try #require(RequestPolicy.PathMatch("/orders/{*}"))
        let set = RequestPolicySet(
            applying: [
                .make("ask", .custom(provider: "opa"), [Term(.hosts([.suffix(".shop")]))]),
                .make("no-posts", .deny, [Term(.methods([.exact("POST"), .prefix("P")]))]),
                .make(
                    "readers", .allow, [Term(.principals([.presence]))],
                    [Term(.paths([api])), Term(.header(name: "x-role", [.exact("guest")]), isNegated: true)]),
                .make("shadow", .deny, dryRun: true, [Term(.header(name: "x-role", [.presence]))]),
                .make("all", .audit),
            ], missing: [])
        let explanation = set.explain(Asked().facts, answers: ["opa": .allowed])
        #expect(
            explanation.lines == [
                #"CUSTOM policy shop/ask (asks opa) matches by rule 0: host "api.shop" is one of [*.shop]"#,
                #"DENY policy shop/no-posts does not match: rule 0: method "GET" is none of [POST, P*]"#,
                "ALLOW policy shop/readers matches by rule 0: identity spiffe://cluster.local/ns/shop/sa/web is one of "
                    + #"[*], path "/orders/7" is one of [/orders/{*}], header x-role is missing, so none of [guest]"#,
                "AUDIT policy shop/all matches by rule 0: it holds for everything",
                "DENY policy shop/shadow (dry run: not enforced) does not match: rule 0: header x-role is missing",
                "allowed: allowed by: shop/readers, rule 0",
            ])
        #expect(explanation.policies.map(\.matchingRule) == [0, nil, 0, 0, nil])
        #expect(explanation.policies[1].rules[0].fields.map(\.field) == ["methods"])
        let missing = RequestPolicySet(applying: [], missing: ["shop/x"]).explain(Asked().facts)
        #expect(
            missing.lines == [
                "policy shop/x should apply but was not received: everything is refused",
                "denied: policy was not received: shop/x",
            ])
    }

    @Test("what a client sent is escaped and bounded; header values and claims are not shown")
    func hostile() {
        let asked = Asked.with {
            $0.path = "/a\nb\u{1b}[31m\"\\é" + String(repeating: "x", count: 5000)
            $0.authority = "a\r\nb"
            $0.serverName = "evil\nallowed: yes"
            $0.headers = [("authorization", "Bearer s3cr3t")]
            $0.claims = ["iss": .string("s3cr3t"), "sub": .string("s3cr3t"), "a": .string("s3cr3t")]
        }
        let set = RequestPolicySet(applying: [
            .make("1", .deny, [Term(.paths([.text(.exact("/b"))]))]), .make("2", .deny, [Term(.hosts([.exact("b")]))]),
            .make("3", .deny, [Term(.header(name: "authorization", [.exact("b")]))]),
            .make("4", .deny, [Term(.claim(path: ["a"], [.exact("b")]))]),
            .make("5", .deny, [Term(.serverNames([.exact("b")]))]),
        ])
        let text = set.explain(asked.facts).lines
        #expect(text.count == 6)
        #expect(text.allSatisfy { $0.utf8.allSatisfy { (0x20..<0x7f).contains($0) } && $0.utf8.count < 1000 })
        #expect(!text.contains { $0.contains("s3cr3t") })
        #expect(text[0].contains(#"path "/a\x0ab\x1b[31m\"\\\xc3\xa9xxx"#))
    }

    @Test("a rule that is not in force on a connection without HTTP keeps its number")
    func numbers() {
        var policy = RequestPolicy.make("p", .allow, [Term(.methods([.exact("GET")]))])
        policy.rules.append(.init(clauses: [.init(matches: [.init(terms: [Term(.destinationPorts([80]))])])]))
        let plain = Asked.with { $0.isPlain = true }
        let set = RequestPolicySet(applying: [policy])
        #expect(set.decide(plain.facts).admission?.reason == .rule(policy: "shop/p", index: 1))
        let elsewhere = RequestPolicySet(applying: [.make("p", .allow, [Term(.methods([.exact("GET")]))])])
        #expect(
            elsewhere.explain(plain.facts).lines == [
                "ALLOW policy shop/p does not match: rule 0: not in force here",
                "denied: allow policies exist, but none allowed: shop/p",
            ])
    }

    @Test("an ambiguous header says so")
    func ambiguous() {
        let asked = Asked.with { $0.headers = [("x-role", "a"), ("x-role", "b")] }
        let set = RequestPolicySet(applying: [.make("r", .allow, [Term(.header(name: "x-role", [.exact("a")]))])])
        #expect(
            set.explain(asked.facts).lines.first
                == "ALLOW policy shop/r does not match: rule 0: header x-role can be read as one of [a] and as none")
    }
}

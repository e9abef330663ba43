import MeshModel
import MeshPolicy
import Testing

/// Holes that meshes had in their policies, one test each, named by the bulletin that closed it: 2022 and later.
@Suite("Security bulletins since 2022")
struct RecentBulletinTests {
    private func path(_ written: String) throws -> RequestPolicy.Test {
        .paths([try #require(RequestPolicy.PathMatch(written))])
    }

    @Test("ISTIO-SECURITY-2022-001: a host with a port is a value of its own")
    func hostPort() {
        let asked = Asked.with { $0.authority = "api.shop:443" }
        #expect(asked.holds(.hosts([.exact("api.shop")])) == false)
        #expect(asked.holds(.hosts([.exact("api.shop:443")])) == true)
        #expect(asked.holds(.hosts([.prefix("api.shop:")])) == true)
    }

    @Test("ISTIO-SECURITY-2022-008: an address proves no identity")
    func addressIsNoIdentity() {
        let local = Asked.with {
            $0.identity = nil
            $0.source = IPAddress(v4: 0x7f00_0001)
        }
        #expect(!local.isAllowed(by: .principals([.presence])))
    }

    @Test("ISTIO-SECURITY-2023-001: x-envoy-original-path is a header like any other")
    func originalPath() throws {
        let asked = Asked.with {
            $0.path = "/admin"
            $0.headers = [("x-envoy-original-path", "/public"), (":path", "/public")]
        }
        #expect(try asked.isDenied(by: path("/admin")))
        #expect(try !asked.isAllowed(by: path("/public")))
    }

    @Test("ISTIO-SECURITY-2024-001: bytes that are no UTF-8 are compared as they are")
    func invalidText() throws {
        struct Raw: RequestHeaders {
            func values(of name: String) -> [ArraySlice<UInt8>] { name == "x" ? [[0xff, 0xfe]] : [] }
        }
        let http = HTTPFacts(
            method: ArraySlice("GET".utf8), authority: [0xff], path: [0x2f, 0xff], headers: Raw())
        let facts = RequestFacts(connection: Asked().facts.connection, http: http)
        let replaced = RequestPolicy.make(.allow, [Term(.header(name: "x", [.exact("\u{fffd}\u{fffd}")]))])
        #expect(RequestPolicySet(applying: [replaced]).decide(facts).admission == nil)
        for test in [Term(.header(name: "x", [.presence])), Term(try path("/*")), Term(.hosts([.presence]))] {
            #expect(RequestPolicySet(applying: [.make(.deny, [test])]).decide(facts).denial != nil)
        }
    }

    @Test("ISTIO-SECURITY-2024-006: a private address is not trusted, and names of a client never break a log line")
    func privateAddress() {
        let asked = Asked.with {
            $0.identity = nil
            $0.serverName = "a\nb"
            $0.headers = [("x-envoy-internal", "true")]
        }
        #expect(!asked.isAllowed(by: .principals([.presence])))
        let set = RequestPolicySet(applying: [.make(.deny, [Term(.serverNames([.exact("x")]))])])
        let lines = set.explain(asked.facts).lines
        #expect(!lines.contains { $0.contains("\n") })
    }

    @Test("ISTIO-SECURITY-2026-001: a second header line skips no DENY and gains no ALLOW (CVE-2026-26308)")
    func concatenation() {
        let test = RequestPolicy.Test.header(name: "x", [.exact("bad")])
        for lines in [["bad", "other"], ["other", "bad"], ["bad", ""], ["", "bad"], ["bad", "bad"]] {
            let asked = Asked.with { $0.headers = lines.map { ("x", $0) } }
            #expect(asked.isDenied(by: test), "\(lines)")
            #expect(!asked.isAllowed(by: test, not: true), "\(lines)")
        }
        // The joined text is no line: neither may it open what no line opens.
        let split = Asked.with { $0.headers = [("x", "a"), ("x", "b")] }
        #expect(!split.isAllowed(by: .header(name: "x", [.exact("a,b")])))
        #expect(split.isDenied(by: .header(name: "x", [.exact("a,b")])))
        #expect(!split.isAllowed(by: .header(name: "x", [.prefix("a")])))
        // Lines that all match, and match joined, are no question.
        let alike = Asked.with { $0.headers = [("x", "a1"), ("x", "a2")] }
        #expect(alike.holds(.header(name: "x", [.prefix("a")])) == true)
        #expect(alike.holds(.header(name: "x", [.exact("b")])) == false)
    }

    @Test("ISTIO-SECURITY-2026-003: dots in service accounts and all other values are literal (CVE-2026-39350)")
    func literalDots() throws {
        let match = RequestPolicy.ServiceAccountMatch(namespace: "shop", serviceAccount: "a.b")
        let forged = Asked.with { $0.identity = Identity(namespace: "shop", serviceAccount: "aXb") }
        let longer = Asked.with { $0.identity = Identity(namespace: "shop", serviceAccount: "a.b-c") }
        #expect(forged.holds(.serviceAccounts([match])) == false)
        #expect(longer.holds(.serviceAccounts([match])) == false)
        let namespace = try #require(RequestPolicy.WildcardMatch("s.*"))
        #expect(Asked().holds(.namespaces([namespace])) == false)
        #expect(Asked.with { $0.authority = "apiXshop" }.holds(.hosts([.exact("api.shop")])) == false)
    }

    @Test("a release note: authorizers are told apart by their whole names, not by a prefix")
    func providerPrefix() {
        let set = RequestPolicySet(applying: [.make(.custom(provider: "opa-2"), [Term(.hosts([.presence]))])])
        #expect(set.questions(Asked().facts).map(\.provider) == ["opa-2"])
        #expect(set.decide(Asked().facts, answers: ["opa": .allowed]).denial != nil)
    }
}

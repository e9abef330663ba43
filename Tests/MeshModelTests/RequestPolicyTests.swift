import MeshModel
import Testing

@Suite("Values and lowering of request policies")
struct RequestPolicyTests {
    typealias Term = RequestPolicy.Term

    @Test(
        "a template has a leading slash, an operator, at most one {**} as the last, and only path characters",
        arguments: [
            ("/foo/{*}", true), ("/{**}", true), ("/foo/{*}/bar/{**}", true), ("/foo/{**}/", true),
            ("/{**}/foo", true), ("/a.b-c_d~e!$&'()+,;=:@%20/{*}", true), ("/{*}/{*}/{*}", true),
            ("/*/baz/{*}", false), ("/**/baz/{*}", false), ("/{**}/foo/{*}", false), ("/{**}/{**}", false),
            ("/foo/{*}.txt", false), ("/foo/x{*}", false), ("foo/{*}", false), ("{*}", false), ("/foo", false),
            ("/foo/{", false), ("/foo/{a}", false), ("/foo//{*}", false), ("/fo o/{*}", false), ("/{***}", false),
            ("/foo?/{*}", false), ("/é/{*}", false), ("", false), ("/", false), ("/{*}*", false), ("/{ * }", false),
        ])
    func templates(written: String, isTemplate: Bool) {
        let template = PathTemplate(written)
        #expect((template != nil) == isTemplate)
        if isTemplate { #expect(template?.description == written) }
    }

    @Test("a path is a template when it has braces, and a text otherwise")
    func paths() {
        #expect(RequestPolicy.PathMatch("/a*") == .text(.prefix("/a")))
        #expect(RequestPolicy.PathMatch("*/a") == .text(.suffix("/a")))
        #expect(RequestPolicy.PathMatch("/a/{*}") == PathTemplate("/a/{*}").map { .template($0) })
        for text in ["", "/a*b", "*/a*", "/a/{*", "/a/}", "/{x}"] {
            #expect(RequestPolicy.PathMatch(text) == nil, "\(text)")
        }
    }

    @Test("request principals part at the last slash and take one star at one end")
    func requestPrincipals() {
        let match = RequestPolicy.RequestPrincipalMatch("https://a/b/sub")
        #expect(match?.issuer == .exact("https://a/b") && match?.subject == .exact("sub"))
        for text in ["", "a", "/", "a/", "/a", "a*/b", "a/*b", "*/*", "*a/b*", "**", "a*b/c", "*/a*"] {
            #expect(RequestPolicy.RequestPrincipalMatch(text) == nil, "\(text)")
        }
        for text in ["*", "*/a", "a/*", "*a/b", "a/b*", "*a", "a*"] {
            #expect(RequestPolicy.RequestPrincipalMatch(text)?.description == text)
        }
    }

    @Test("wildcards are kept as written, and are simple only without a star inside")
    func wildcards() {
        #expect(RequestPolicy.WildcardMatch("a*b")?.pieces == ["a", "b"])
        #expect(RequestPolicy.WildcardMatch("a*b")?.simple == nil)
        #expect(RequestPolicy.WildcardMatch("a*")?.simple == .prefix("a"))
        #expect(RequestPolicy.WildcardMatch("*")?.simple == .presence)
        #expect(RequestPolicy.WildcardMatch("") == nil && RequestPolicy.WildcardMatch("é*") == nil)
    }

    private let port = Term(.destinationPorts([80]))
    private let path = Term(.paths([.text(.exact("/a"))]))
    private let principal = Term(.principals([.presence]))

    private func policy(_ action: RequestPolicy.Action, _ clauses: [[[Term]]]) -> RequestPolicy {
        let rule = RequestPolicy.Rule(
            clauses: clauses.map { clause in
                RequestPolicy.Clause(matches: clause.map { RequestPolicy.Match(terms: $0) })
            })
        return RequestPolicy(name: "p", namespace: "n", action: action, rules: [rule, .everything])
    }

    @Test("an ALLOW rule with a part that can't be judged is void as a whole; other rules stay, with their numbers")
    func allow() {
        #expect(policy(.allow, [[[port], [path]]]).forConnections.rules == [.never, .everything])
        #expect(policy(.allow, [[[port]], [[path]]]).forConnections.rules == [.never, .everything])
        let whole = policy(.allow, [[[port]], [[principal]]])
        #expect(whole.forConnections == whole)
        #expect(policy(.allow, [[[path]]]).forNode(scope: .global)?.rules == [.init(clauses: [])])
    }

    @Test(
        "in all other rules a part that can't be judged counts as holding",
        arguments: [RequestPolicy.Action.deny, .audit, .custom(provider: "x")])
    func others(action: RequestPolicy.Action) {
        #expect(policy(action, [[[port, path]]]).forConnections == policy(action, [[[port]]]))
        #expect(policy(action, [[[principal]], [[path]]]).forConnections == policy(action, [[[principal]]]))
        #expect(policy(action, [[[port], [path]]]).forConnections == policy(action, []))
        // An empty match never held, and doesn't begin to.
        #expect(policy(action, [[[]]]).forConnections == policy(action, [[[]]]))
    }

    @Test("a node gets DENY for CUSTOM, nothing for AUDIT, and the fields it has")
    func node() throws {
        #expect(policy(.audit, []).forNode(scope: .global) == nil)
        #expect(policy(.custom(provider: "x"), []).forNode(scope: .namespace)?.action == .deny)
        let inner = try Term(.namespaces([#require(RequestPolicy.WildcardMatch("a*b"))]))
        let outer = try Term(.namespaces([#require(RequestPolicy.WildcardMatch("a*"))]), isNegated: true)
        var match = AuthorizationPolicy.Match()
        match.notNamespaces = [.prefix("a")]
        match.destinationPorts = [80]
        let rule = AuthorizationPolicy.Rule(clauses: [.init(matches: [match])])
        #expect(policy(.deny, [[[outer, inner, port]]]).forNode(scope: .global)?.rules.first == rule)
        #expect(policy(.allow, [[[outer, inner, port]]]).forNode(scope: .global)?.rules.count == 1)
    }

    @Test("what a node's fields would say otherwise is not handed to it")
    func unsayable() {
        for terms in [[port, Term(.destinationPorts([81]))], [Term(.destinationPorts([]))]] {
            #expect(policy(.allow, [[terms]]).forNode(scope: .global)?.rules.count == 1)
            #expect(policy(.deny, [[terms]]).forNode(scope: .global)?.rules.first == .init(clauses: []))
        }
    }

    @Test("claims are found by their path")
    func claims() {
        let claims = TokenClaims(["a": .object(["b": .array([.string("x"), .null, .number("1")])]), "iss": .bool(true)])
        #expect(claims[path: ["a", "b"]]?.texts == ["x"])
        #expect(claims[path: ["a", "c"]] == nil && claims[path: []] == nil && claims[path: ["a", "b", "c"]] == nil)
        #expect(claims.issuer == nil)
    }
}

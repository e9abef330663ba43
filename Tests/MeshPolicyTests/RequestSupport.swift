import MeshModel
import MeshPolicy

/// Header fields as a list of lines.
struct HeaderLines: RequestHeaders {
    var lines: [(name: String, value: String)]

    func values(of name: String) -> [ArraySlice<UInt8>] {
        lines.filter { $0.name.lowercased() == name }.map { ArraySlice($0.value.utf8) }
    }
}

/// A request of shop/web from 10.0.0.1 to 10.0.0.2:80, `GET http://api.shop/orders/7`, with parts replaced.
struct Asked {
    var identity: Identity? = Identity(namespace: "shop", serviceAccount: "web")
    var source = IPAddress(v4: 0x0a00_0001)
    var remote: IPAddress?
    var destination = TransportAddress(IPAddress(v4: 0x0a00_0002), port: 80)
    var serverName: String?
    var method = "GET"
    var authority = "api.shop"
    var path = "/orders/7"
    var headers: [(name: String, value: String)] = []
    var claims: [String: JSONValue]?
    /// Bytes that flow without HTTP.
    var isPlain = false

    var facts: RequestFacts {
        let http = HTTPFacts(
            method: ArraySlice(method.utf8), authority: ArraySlice(authority.utf8), path: ArraySlice(path.utf8),
            headers: HeaderLines(lines: headers), claims: claims.map { TokenClaims($0) })
        return RequestFacts(
            connection: ConnectionFacts(source: source, identity: identity, destination: destination), remote: remote,
            serverName: serverName, http: isPlain ? nil : http)
    }

    /// With some parts replaced.
    static func with(_ fill: (inout Asked) -> Void) -> Asked {
        var asked = Asked()
        fill(&asked)
        return asked
    }
}

typealias Term = RequestPolicy.Term
typealias Text = AuthorizationPolicy.StringMatch

extension RequestPolicy {
    /// One rule with one clause for each list of terms.
    static func make(
        _ name: String, _ action: Action, dryRun: Bool = false, _ clauses: [Term]...
    ) -> RequestPolicy {
        make(name, action, isDryRun: dryRun, clauses: clauses)
    }

    static func make(_ action: Action, dryRun: Bool = false, _ clauses: [Term]...) -> RequestPolicy {
        make("p", action, isDryRun: dryRun, clauses: clauses)
    }

    private static func make(_ name: String, _ action: Action, isDryRun: Bool, clauses: [[Term]]) -> RequestPolicy {
        let rule = Rule(clauses: clauses.map { Clause(matches: [Match(terms: $0)]) })
        return RequestPolicy(name: name, namespace: "shop", action: action, rules: [rule], isDryRun: isDryRun)
    }
}

extension Asked {
    /// Whether an ALLOW policy with this test lets it in.
    func isAllowed(by test: RequestPolicy.Test, not: Bool = false) -> Bool {
        isAllowed(by: [Term(test, isNegated: not)])
    }

    func isAllowed(by terms: [Term]) -> Bool {
        RequestPolicySet(applying: [.make(.allow, terms)]).decide(facts).admission != nil
    }

    /// Whether a DENY policy with this test refuses it.
    func isDenied(by test: RequestPolicy.Test, not: Bool = false) -> Bool {
        isDenied(by: [Term(test, isNegated: not)])
    }

    func isDenied(by terms: [Term]) -> Bool {
        RequestPolicySet(applying: [.make(.deny, terms)]).decide(facts).denial != nil
    }

    /// Whether the test holds, which ALLOW, DENY and their negations must agree on; `nil` when they don't.
    func holds(_ test: RequestPolicy.Test) -> Bool? {
        let result = isAllowed(by: test)
        let isClear =
            isDenied(by: test) == result && isAllowed(by: test, not: true) != result
            && isDenied(by: test, not: true) != result
        return isClear ? result : nil
    }
}

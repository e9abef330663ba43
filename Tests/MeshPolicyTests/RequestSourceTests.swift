import MeshModel
import MeshPolicy
import Testing

@Suite("Single fields of a request's source and token")
struct RequestSourceTests {
    typealias Case = RequestFieldTests.Case

    @Test(
        "principals are compared on the identity without its scheme",
        arguments: [
            Case("cluster.local/ns/shop/sa/web", "", true), Case("*/ns/shop/sa/web", "", true),
            Case("cluster.local/ns/shop/*", "", true), Case("*", "", true), Case("*/sa/we", "", false),
            Case("cluster.local/ns/shop/sa/we", "", false), Case("Cluster.local/ns/shop/sa/web", "", false),
            Case("td/ns/shop/sa/web", "", false),
        ])
    func principals(_ row: Case) throws {
        #expect(try Asked().holds(.principals([text(row.written)])) == row.holds)
    }

    @Test(
        "namespaces take a star anywhere, and everything else literally",
        arguments: [
            Case("shop", "shop", true), Case("shop", "shop2", false), Case("sh*", "shop", true),
            Case("*op", "shop", true), Case("s*p", "shop", true), Case("s*h*p", "shop", true), Case("*", "shop", true),
            Case("s*s*p", "shop", false), Case("shop*shop", "shop", false), Case("*ho*", "shop", true),
            Case("a*b*a", "aba", true), Case("ab*ba", "aba", false), Case("s.op", "shop", false),
            Case("**op", "shop", true), Case("*a*a*", "ba", false), Case("a*bc*bc", "abcabc", true),
        ])
    func namespaces(_ row: Case) throws {
        let asked = Asked.with { $0.identity = Identity(namespace: row.actual, serviceAccount: "web") }
        let match = try #require(RequestPolicy.WildcardMatch(row.written))
        #expect(asked.holds(.namespaces([match])) == row.holds)
    }

    @Test(
        "trust domains are patterns over the first part of the identity",
        arguments: [
            Case("cluster.local", "", true), Case("*.local", "", true), Case("cluster*", "", true), Case("*", "", true),
            Case("local", "", false), Case("Cluster.Local", "", false),
        ])
    func trustDomains(_ row: Case) throws {
        #expect(try Asked().holds(.trustDomains([text(row.written)])) == row.holds)
    }

    @Test("without an identity no field of it matches, and every negation does")
    func nobody() throws {
        let asked = Asked.with { $0.identity = nil }
        let account = RequestPolicy.ServiceAccountMatch(namespace: "shop", serviceAccount: "web")
        let any = try #require(RequestPolicy.WildcardMatch("*"))
        let tests: [RequestPolicy.Test] = [
            .principals([.presence]), .namespaces([any]), .serviceAccounts([account]), .trustDomains([.presence]),
        ]
        for test in tests {
            #expect(asked.holds(test) == false, "\(test)")
        }
    }

    @Test("addresses: the peer, the client behind proxies, the destination")
    func addresses() throws {
        let block = try #require(IPBlock("10.0.0.0/31"))
        let v6 = try #require(IPBlock("::ffff:10.0.0.0/127"))
        let other = try #require(IPBlock("192.0.2.0/24"))
        for block in [block, v6] {
            #expect(Asked().holds(.sourceIPs([other, block])) == true)
            #expect(Asked().holds(.remoteIPs([block])) == true)
            #expect(Asked().holds(.destinationIPs([block])) == false)
        }
        let proxied = Asked.with { $0.remote = IPAddress(v4: 0xc000_0207) }
        #expect(proxied.holds(.remoteIPs([other])) == true)
        #expect(proxied.holds(.sourceIPs([other])) == false)
        let mapped = Asked.with { $0.remote = IPAddress(v6High: 0, low: 0xffff_c000_0207) }
        #expect(mapped.holds(.remoteIPs([other])) == true)
        #expect(Asked().holds(.destinationPorts([443, 80])) == true)
        #expect(Asked().holds(.destinationPorts([443])) == false)
    }

    private static let claims: [String: JSONValue] = [
        "iss": .string("https://accounts.example"), "sub": .string("alice"),
        "aud": .array([.string("shop"), .number("7")]), "azp": .string("client-1"),
        "groups": .array([.string("dev"), .string("ops")]), "level": .number("3"), "admin": .bool(true),
        "nested": .object(["a": .object(["b": .string("deep")]), "list": .array([.object(["c": .string("x")])])]),
        "nothing": .null, "empty": .string(""),
    ]

    @Test(
        "request principals: the issuer up to the last slash, and the subject",
        arguments: [
            Case("https://accounts.example/alice", "", true), Case("https://accounts.example/bob", "", false),
            Case("https://accounts.example/Alice", "", false), Case("*", "", true), Case("*/alice", "", true),
            Case("*accounts.example/alice", "", true), Case("*.example/alice", "", true), Case("*ice", "", true),
            Case("*bob", "", false), Case("https://accounts.example/*", "", true),
            Case("https://accounts.example/al*", "", true), Case("https://accounts.example/b*", "", false),
            Case("https://accounts.ex/*", "", false), Case("https*", "", true), Case("http:*", "", false),
            Case("*/lice", "", false),
        ])
    func requestPrincipals(_ row: Case) throws {
        let match = try #require(RequestPolicy.RequestPrincipalMatch(row.written))
        let asked = Asked.with { $0.claims = Self.claims }
        #expect(asked.holds(.requestPrincipals([match])) == row.holds)
        #expect(Asked().holds(.requestPrincipals([match])) == false, "no token")
        for missing in ["iss", "sub"] {
            let partial = Asked.with { $0.claims = Self.claims.filter { $0.key != missing } }
            #expect(partial.holds(.requestPrincipals([match])) == false, "no \(missing)")
            let other = Asked.with { $0.claims = Self.claims.merging([missing: .number("1")]) { $1 } }
            #expect(other.holds(.requestPrincipals([match])) == false, "\(missing) is no text")
        }
    }

    struct ClaimCase: Sendable, CustomStringConvertible {
        let path: [String]
        let written: String
        let holds: Bool

        init(_ path: String, _ written: String, _ holds: Bool) {
            self.path = path.split(separator: ".").map(String.init)
            (self.written, self.holds) = (written, holds)
        }

        var description: String { "\(path) \(written)" }
    }

    @Test(
        "claims: a text or a text in a list, at any depth; other kinds match nothing",
        arguments: [
            ClaimCase("aud", "shop", true), ClaimCase("aud", "7", false), ClaimCase("azp", "client-*", true),
            ClaimCase("groups", "ops", true), ClaimCase("groups", "o*", true), ClaimCase("groups", "dev,ops", false),
            ClaimCase("groups", "*", true), ClaimCase("level", "3", false), ClaimCase("level", "*", false),
            ClaimCase("admin", "true", false), ClaimCase("nested.a.b", "deep", true), ClaimCase("nested.a", "*", false),
            ClaimCase("nested.list.c", "x", false), ClaimCase("nested.a.b.c", "*", false),
            ClaimCase("azp.x", "*", false),
            ClaimCase("nothing", "*", false), ClaimCase("empty", "*", false), ClaimCase("unknown", "*", false),
            ClaimCase("azp", "Client-1", false),
        ])
    func claims(_ row: ClaimCase) throws {
        let asked = Asked.with { $0.claims = Self.claims }
        #expect(try asked.holds(.claim(path: row.path, [text(row.written)])) == row.holds)
        #expect(try Asked().holds(.claim(path: row.path, [text(row.written)])) == false, "no token")
    }
}

import MeshModel
import MeshPolicy
import Testing

typealias Policy = AuthorizationPolicy
typealias Match = AuthorizationPolicy.Match

/// Whether a match with these fields holds for a client of shop/web from 10.0.0.1 to 10.0.0.2:80.
private func holds(
    identity: Identity? = Identity(namespace: "shop", serviceAccount: "web"), source: String = "10.0.0.1",
    destination: String = "10.0.0.2:80", _ fill: (inout Match) -> Void
) throws -> Bool {
    var match = Match()
    fill(&match)
    let policy = Policy(
        name: "p", namespace: "n", scope: .global, action: .deny, rules: [.init(clauses: [.init(matches: [match])])])
    let facts = try ConnectionFacts(
        source: #require(IPAddress(source)), identity: identity, destination: #require(TransportAddress(destination)))
    return PolicySet(applying: [policy]).decide(facts).denial != nil
}

private func block(_ text: String) throws -> IPBlock { try #require(IPBlock(text)) }

@Suite("Single fields of a policy")
struct PolicyFieldTests {
    /// Value, then whether it matches "shop".
    static let namespaces: [(Policy.StringMatch, Bool)] = [
        (.exact("shop"), true), (.exact("Shop"), false), (.exact("sho"), false), (.exact(""), false),
        (.prefix("sh"), true), (.prefix(""), true), (.prefix("shop2"), false), (.prefix("hop"), false),
        (.suffix("op"), true), (.suffix(""), true), (.suffix("xshop"), false), (.suffix("sho"), false),
        (.presence, true),
    ]

    @Test("namespaces: exact, prefix, suffix and presence", arguments: namespaces.indices)
    func namespace(index: Int) throws {
        let (value, expected) = Self.namespaces[index]
        #expect(try holds { $0.namespaces = [value] } == expected)
        #expect(try holds { $0.notNamespaces = [value] } == !expected)
    }

    @Test("without an identity the namespace is the empty string")
    func namespaceOfNobody() throws {
        #expect(try !holds(identity: nil) { $0.namespaces = [.exact("shop")] })
        #expect(try !holds(identity: nil) { $0.namespaces = [.presence] })
        #expect(try holds(identity: nil) { $0.namespaces = [.exact("")] })
        #expect(try holds(identity: nil) { $0.notNamespaces = [.presence] })
    }

    static let principals: [(Policy.StringMatch, Bool)] = [
        (.exact("cluster.local/ns/shop/sa/web"), true), (.exact("spiffe://cluster.local/ns/shop/sa/web"), false),
        (.exact("td/ns/shop/sa/web"), false), (.prefix("cluster.local/ns/shop/"), true), (.suffix("/sa/web"), true),
        (.suffix("/sa/we"), false), (.presence, true),
    ]

    @Test("principals are compared without the scheme", arguments: principals.indices)
    func principal(index: Int) throws {
        let (value, expected) = Self.principals[index]
        #expect(try holds { $0.principals = [value] } == expected)
        #expect(try holds { $0.notPrincipals = [value] } == !expected)
    }

    @Test("no principal matches an absent identity, so positive lists fail and negative ones pass")
    func principalOfNobody() throws {
        for value in [Policy.StringMatch.exact(""), .prefix(""), .suffix(""), .presence, .exact("a")] {
            #expect(try !holds(identity: nil) { $0.principals = [value] })
            #expect(try holds(identity: nil) { $0.notPrincipals = [value] })
        }
    }

    @Test("service accounts are compared exactly, in any trust domain")
    func serviceAccounts() throws {
        let web = Policy.ServiceAccountMatch(namespace: "shop", serviceAccount: "web")
        let api = Policy.ServiceAccountMatch(namespace: "shop", serviceAccount: "api")
        let foreign = Identity(trustDomain: "elsewhere", namespace: "shop", serviceAccount: "web")
        #expect(try holds { $0.serviceAccounts = [api, web] })
        #expect(try holds(identity: foreign) { $0.serviceAccounts = [web] })
        #expect(try !holds { $0.serviceAccounts = [api] })
        #expect(try !holds { $0.notServiceAccounts = [web] })
        #expect(try !holds(identity: nil) { $0.serviceAccounts = [web] })
        #expect(try holds(identity: nil) { $0.notServiceAccounts = [web] })
    }

    static let sources: [(String, String, Bool)] = [
        ("10.0.0.0/8", "10.0.0.1", true), ("10.0.0.1/32", "10.0.0.1", true), ("10.0.0.2/32", "10.0.0.1", false),
        ("0.0.0.0/0", "10.0.0.1", true), ("::/0", "10.0.0.1", false), ("0.0.0.0/0", "2001:db8::1", false),
        ("2001:db8::/32", "2001:db8::1", true), ("10.0.0.0/8", "::ffff:10.0.0.1", true),
        ("::ffff:10.0.0.0/104", "10.0.0.1", true),
    ]

    @Test("addresses match by block, whichever way IPv4 came in", arguments: sources.indices)
    func addresses(index: Int) throws {
        let (text, address, expected) = Self.sources[index]
        let value = try block(text)
        #expect(try holds(source: address) { $0.sourceIPs = [value] } == expected)
        #expect(try holds(source: address) { $0.notSourceIPs = [value] } == !expected)
        let target = address.contains(":") ? "[\(address)]:80" : "\(address):80"
        #expect(try holds(destination: target) { $0.destinationIPs = [value] } == expected)
        #expect(try holds(destination: target) { $0.notDestinationIPs = [value] } == !expected)
    }

    @Test("ports match exactly")
    func ports() throws {
        #expect(try holds { $0.destinationPorts = [443, 80] })
        #expect(try !holds { $0.destinationPorts = [443] })
        #expect(try !holds { $0.notDestinationPorts = [443, 80] })
        #expect(try holds { $0.notDestinationPorts = [443] })
    }

    @Test("all populated fields must hold")
    func conjunction() throws {
        #expect(
            try holds {
                $0.namespaces = [.exact("shop")]
                $0.destinationPorts = [80]
            })
        #expect(
            try !holds {
                $0.namespaces = [.exact("shop")]
                $0.destinationPorts = [81]
            })
        #expect(
            try !holds {
                $0.namespaces = [.prefix("sh")]
                $0.notNamespaces = [.exact("shop")]
            })
    }

    @Test("strings are compared byte by byte, not by Unicode equivalence")
    func bytes() throws {
        let composed = Identity(namespace: "caf\u{e9}", serviceAccount: "a")
        #expect(try !holds(identity: composed) { $0.namespaces = [.exact("cafe\u{301}")] })
        #expect(try !holds(identity: composed) { $0.namespaces = [.suffix("e\u{301}")] })
        let decomposed = Identity(namespace: "cafe\u{301}", serviceAccount: "a")
        #expect(try holds(identity: decomposed) { $0.namespaces = [.prefix("cafe")] })
    }
}

import MeshModel
import MeshPolicy
import SeededTesting

/// Makes small worlds of requests in which values often coincide.
struct RequestMaker: SeededMaker {
    var generator: SeededGenerator

    mutating func text(_ values: [String]) -> Text {
        let value = pick(values, or: "")
        return pick([.exact(value), .exact(value), .prefix(value), .suffix(value), .presence], or: .presence)
    }

    mutating func texts(_ values: [String]) -> [Text] { list(2, from: 1) { $0.text(values) } }

    mutating func address() -> IPAddress { IPAddress(v4: 0x0a00_0000 + UInt32.random(in: 0...3, using: &generator)) }

    mutating func blocks() -> [IPBlock] {
        list(2, from: 1) { maker in
            let address = maker.address()
            return IPBlock(address, length: maker.pick([8, 31, 32], or: 32)) ?? IPBlock(address)
        }
    }

    mutating func wildcards() -> [RequestPolicy.WildcardMatch] {
        list(2, from: 1) { $0.pick(["a", "ab", "a*", "*b", "*", "a*b", "*a*", "b*a"], or: "a") }
            .compactMap { RequestPolicy.WildcardMatch($0) }
    }

    mutating func paths() -> [RequestPolicy.PathMatch] {
        let written = ["/a", "/a*", "*b", "*", "/a/{*}", "/{*}/b", "/a/{**}", "/{**}/b", "/{*}/{**}"]
        return list(2, from: 1) { $0.pick(written, or: "/a") }.compactMap { RequestPolicy.PathMatch($0) }
    }

    mutating func requestPrincipals() -> [RequestPolicy.RequestPrincipalMatch] {
        let written = ["i/s", "*", "*/s", "i/*", "*s", "i*", "i/t", "*i/s", "i/s*"]
        return list(2, from: 1) { $0.pick(written, or: "*") }.compactMap { RequestPolicy.RequestPrincipalMatch($0) }
    }

    mutating func test() -> RequestPolicy.Test {
        switch Int.random(in: 0..<18, using: &generator) {
        case 0: return .principals(texts(["td/ns/a/sa/x", "td/", "/sa/x"]))
        case 1: return .namespaces(wildcards())
        case 2:
            return .serviceAccounts(
                list(2, from: 1) { maker in
                    let namespace = maker.pick(["a", "ab"], or: "")
                    return .init(namespace: namespace, serviceAccount: maker.pick(["x", "xy"], or: ""))
                })
        case 3: return .trustDomains(texts(["td", "t", "d2"]))
        case 4: return .sourceIPs(blocks())
        case 5: return .remoteIPs(blocks())
        case 6: return .destinationIPs(blocks())
        case 7: return .destinationPorts(list(2, from: 1) { $0.pick([80, 443], or: 1) })
        case 8: return .serverNames(texts(["H", "h.s", ".S"]))
        case 9: return .hosts(texts(["H", "h.s", ".S"]))
        case 10: return .methods(texts(["GET", "POST", "T"]))
        case 11, 12: return .paths(paths())
        case 13, 14: return .header(name: pick(["h", "i"], or: "h"), texts(["v", "w", "v,w"]))
        case 15: return .requestPrincipals(requestPrincipals())
        default: return .claim(path: pick([["c"], ["d", "e"], ["aud"]], or: []), texts(["v", "w"]))
        }
    }

    mutating func policy() -> RequestPolicy {
        let rules = list(2) { maker in
            RequestPolicy.Rule(
                clauses: maker.list(2) { maker in
                    RequestPolicy.Clause(
                        matches: maker.list(2) { maker in
                            RequestPolicy.Match(
                                terms: maker.list(2) { Term($0.test(), isNegated: $0.chance(1, of: 3)) })
                        })
                })
        }
        let actions: [RequestPolicy.Action] = [
            .allow, .allow, .deny, .deny, .audit, .custom(provider: "x"), .custom(provider: ""),
        ]
        return RequestPolicy(
            name: pick(["p", "q"], or: ""), namespace: "n", action: pick(actions, or: .deny), rules: rules,
            isDryRun: chance(1, of: 6))
    }

    mutating func asked() -> Asked {
        var asked = Asked()
        asked.identity = Identity(
            trustDomain: pick(["td", "td2"], or: ""), namespace: pick(["a", "ab", "aab", "ba"], or: ""),
            serviceAccount: pick(["x", "xy"], or: ""))
        if chance(1, of: 5) { asked.identity = nil }
        asked.source = address()
        asked.remote = chance(1, of: 2) ? address() : nil
        asked.destination = TransportAddress(address(), port: pick([80, 443], or: 1))
        asked.serverName = pick([nil, "h", "h.s", "x.S"], or: nil)
        asked.method = pick(["GET", "POST", "get"], or: "")
        asked.authority = pick(["h", "h.s", "X.s"], or: "")
        asked.path = pick(["/a", "/a/b", "/a/b/b", "/a/", "/b?x", "/a#/b", "/", "/c/b", "//b"], or: "")
        asked.headers = list(3) { ($0.pick(["h", "i"], or: "h"), $0.pick(["v", "w", "vv", ""], or: "")) }
        if chance(2, of: 3) {
            asked.claims = [
                "iss": .string(pick(["i", "ii"], or: "")),
                "sub": pick([.string("s"), .string("t"), .number("1")], or: .null),
                "c": pick([.string("v"), .array([.string("w"), .number("3")]), .bool(true)], or: .null),
                "d": pick([.object(["e": .string("v")]), .string("v")], or: .null),
            ]
        }
        asked.isPlain = chance(1, of: 5)
        return asked
    }

    mutating func answers() -> [String: AuthorizerAnswer] {
        pick([["x": .allowed, "": .allowed], ["x": .allowed], ["x": .denied], [:]], or: [:])
    }

    /// No match names an attribute twice with the same sign, which a node's policy can't say.
    func attributesAreSingle(_ policy: RequestPolicy) -> Bool {
        policy.rules.allSatisfy { rule in
            rule.clauses.allSatisfy { clause in
                clause.matches.allSatisfy { match in
                    let names = match.terms.map { "\($0.isNegated)" + "\($0.test)".prefix { $0 != "(" } }
                    return Set(names).count == names.count
                }
            }
        }
    }
}

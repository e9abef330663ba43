import MeshModel
import SeededTesting

/// Makes policies of waypoints with everything that can be in one.
struct AttachedPolicyMaker {
    var generator: SeededGenerator

    mutating func attached() -> AttachedPolicy {
        let bindings = list(3) { maker -> PolicyBinding in
            let (namespace, name) = (maker.word(), maker.word())
            return maker.pick([
                .service(ServiceKey(namespace: namespace, hostname: "\(name).svc")),
                .waypoint(WaypointKey(namespace: namespace, name: name)), .waypoints(namespace: namespace),
            ]) ?? .waypoints(namespace: namespace)
        }
        return flag() ? AttachedPolicy(request(), bindings: bindings) : AttachedPolicy(token(), bindings: bindings)
    }

    mutating func request() -> RequestPolicy {
        let rules = list(2) { maker in
            RequestPolicy.Rule(
                clauses: maker.list(2) { maker in
                    RequestPolicy.Clause(
                        matches: maker.list(2) { maker in
                            RequestPolicy.Match(
                                terms: maker.list(3) { RequestPolicy.Term($0.test(), isNegated: $0.flag()) })
                        })
                })
        }
        let actions: [RequestPolicy.Action] = [
            .allow, .deny, .audit, .custom(provider: word()), .custom(provider: ""),
        ]
        var policy = RequestPolicy(
            name: word(), namespace: word(), action: pick(actions) ?? .deny, rules: rules, isDryRun: flag())
        if case .custom = policy.action, flag() { policy.authorizer = authorizer() }
        return policy
    }

    mutating func authorizer() -> Authorizer? {
        guard let prefix = try? ReplacementPath(flag() ? "/check" : "") else { return nil }
        let added = list(2) { maker in
            (try? HeaderName("x-\(maker.word())")).flatMap { try? HeaderField($0, maker.word()) }
        }
        let http = HTTPAuthorizer(
            pathPrefix: prefix, sent: selection(), added: added.compactMap(\.self), toUpstream: selection(),
            toCallerOnDenial: selection(), toCallerOnAdmission: selection())
        let target = RouteTarget(service: ServiceKey(namespace: word(), hostname: "\(word()).svc"), port: 9000)
        return Authorizer(
            target: target, transport: flag() ? .grpc(sent: selection()) : .http(http), timeoutNanoseconds: 7,
            failsOpen: flag(), statusOnError: flag() ? 403 : 599,
            body: flag() ? nil : CheckedBody(bytesMax: 10, mayBePartial: flag(), isBinary: flag()))
    }

    private mutating func selection() -> HeaderSelection { flag() ? .all : .listed(texts()) }

    mutating func token() -> TokenPolicy {
        let rules = list(2) { maker in
            let keys: [TokenRule.Keys] = [
                .inline("{\"keys\": []}"), .none("why"), .remote(uri: "https://\(maker.word())", timeoutNanoseconds: 7),
            ]
            var rule = TokenRule(
                issuer: maker.word(), audiences: maker.list(2) { $0.word() }, keys: maker.pick(keys) ?? .none(""))
            if maker.flag() {
                rule.locations = [
                    .header(name: maker.word(), prefix: maker.pick(["", "Bearer "]) ?? ""), .cookie(maker.word()),
                    .parameter(maker.word()),
                ]
            }
            rule.forwardsToken = maker.flag()
            rule.payloadHeader = maker.pick([nil, "x-payload"]) ?? nil
            rule.claimHeaders = maker.list(2) { maker in
                ClaimHeader(header: "x-\(maker.word())", path: [maker.word()] + maker.list(2) { $0.word() })
            }
            rule.spaceDelimitedClaims = maker.list(2) { $0.word() }
            return rule
        }
        return TokenPolicy(name: word(), namespace: word(), rules: rules)
    }

    private mutating func test() -> RequestPolicy.Test {
        switch Int.random(in: 0..<15, using: &generator) {
        case 0: .principals(texts())
        case 1: .namespaces(list(2) { $0.pick(["a*b", "*", "x"]) ?? "" }.compactMap { .init($0) })
        case 2: .serviceAccounts(list(2) { .init(namespace: $0.word(), serviceAccount: $0.word()) })
        case 3: .trustDomains(texts())
        case 4: .sourceIPs(blocks())
        case 5: .remoteIPs(blocks())
        case 6: .destinationIPs(blocks())
        case 7: .destinationPorts(list(2) { $0.pick([0, 80, 65_535]) ?? 1 })
        case 8: .serverNames(texts())
        case 9: .hosts(texts())
        case 10: .methods(texts())
        case 11: .paths(list(2) { $0.pick(["/a", "/a*", "*", "*b", "/{*}/b/{**}"]) ?? "" }.compactMap { .init($0) })
        case 12: .header(name: "x-\(word())", texts())
        case 13: .requestPrincipals(list(2) { $0.pick(["*", "i/s", "*/s", "i*"]) ?? "" }.compactMap { .init($0) })
        default: .claim(path: [word()] + list(2) { $0.word() }, texts())
        }
    }

    private mutating func texts() -> [RequestPolicy.StringMatch] {
        list(3) { maker in
            let text = maker.pick(["", "a", "ü/*"]) ?? ""
            return maker.pick([.exact(text), .prefix(text), .suffix(text), .presence]) ?? .presence
        }
    }

    private mutating func blocks() -> [IPBlock] {
        list(2) { $0.pick(["10.0.0.0/8", "192.0.2.1", "::/0", "2001:db8::/32"]) ?? "" }.compactMap { IPBlock($0) }
    }

    private mutating func word() -> String { pick(["a", "b", "c-d"]) ?? "" }

    private mutating func flag() -> Bool { Bool.random(using: &generator) }

    private mutating func pick<Value>(_ values: [Value]) -> Value? { values.randomElement(using: &generator) }

    private mutating func list<Value>(_ most: Int, _ make: (inout AttachedPolicyMaker) -> Value) -> [Value] {
        (0..<Int.random(in: 0...most, using: &generator)).map { _ in make(&self) }
    }
}

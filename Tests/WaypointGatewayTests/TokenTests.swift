import MeshDiscovery
import MeshModel
import MeshPolicy
import MeshWire
import Testing
import WaypointRoute
import WaypointToken

@testable import WaypointGateway

@Suite("Tokens of requests")
struct TokenTests {
    private let issuer = TokenIssuer()

    /// A waypoint that checks tokens by this policy, before a server that says ok.
    private func with(
        _ policies: [RequestPolicy] = [], tokens: TokenPolicy, _ body: (GatewayRig, WebServer) async throws -> Void
    ) async throws {
        let server = try await WebServer { _ in WebServer.text("ok") }
        let rig = try await GatewayRig(
            policies: RequestPolicySet(applying: policies), Make.pair(api: [("127.0.0.1", server.port)]))
        try await rig.onLoop { $0.tokenSource = { _, _ in [tokens] } }
        try await body(rig, server)
        server.stop()
        try await rig.stop()
    }

    @Test("a token that is not valid is refused as Envoy does it; without one the request goes on without claims")
    func refuses() async throws {
        let other = TokenIssuer(key: "k2")
        try await with(tokens: issuer.policy { $0.audiences = ["shop"] }) { rig, server in
            #expect(try await rig.get().hasPrefix("HTTP/1.1 200 "))
            let cases = [
                ("no-token", "Jwt is not in the form of Header.Payload.Signature", 401),
                (try issuer.token(#","aud":"shop""#, for: -600), "Jwt is expired", 401),
                (try issuer.token(#","aud":"shop""#, issuer: "x"), "Jwt issuer is not configured", 401),
                (try other.token(#","aud":"shop""#), "Jwks doesn't have key to match kid or alg from Jwt", 401),
                (try issuer.token(#","aud":"bar""#), "Audiences in Jwt are not allowed", 403),
            ]
            for (token, text, status) in cases {
                let answer = try await rig.get("/a", fields: token.asBearer)
                #expect(answer.hasPrefix("HTTP/1.1 \(status) ") && answer.hasSuffix("\r\n\r\n\(text)"), "\(answer)")
                let realm = "www-authenticate: Bearer realm=\"http://api/a\", error=\"invalid_token\"\r\n"
                #expect(answer.contains(realm), "\(answer)")
                let details = "jwt_authn_access_denied{\(text.replacing(" ", with: "_"))}"
                try await eventually("the log says why") { rig.log.text.contains(details) }
            }
            let good = try issuer.token(#","aud":["x","shop"]"#).asBearer
            #expect(try await rig.get(fields: good).hasPrefix("HTTP/1.1 200 "))
            #expect(server.requests.count == 2)
            let grpc = "Content-Type: application/grpc\r\n" + "no-token".asBearer
            #expect(try await rig.get(method: "POST", fields: grpc).contains("grpc-status: 16\r\n"))
        }
    }

    @Test("policy sees claims, and without a token there is no principal")
    func claims() async throws {
        let anybody = try #require(RequestPolicy.RequestPrincipalMatch("*"))
        let principal = RequestPolicyTests.policy(.allow, .requestPrincipals([anybody]))
        let team = RequestPolicyTests.policy(.allow, .claim(path: ["team"], [.exact("blue")]))
        for policy in [principal, team] {
            try await with([policy], tokens: issuer.policy()) { rig, _ in
                #expect(try await rig.get().hasSuffix("RBAC: access denied"))
                let blue = try issuer.token(#","team":"blue""#).asBearer
                #expect(try await rig.get(fields: blue).hasPrefix("HTTP/1.1 200 "))
                let red = try await rig.get(fields: try issuer.token(#","team":"red""#).asBearer)
                #expect(red.hasPrefix(policy == team ? "HTTP/1.1 403 " : "HTTP/1.1 200 "))
            }
        }
    }

    @Test("an authorizer's no comes before what the token is worth, and it never sees claims")
    func order() async throws {
        let check = try await CheckServer { question in
            question.attributes.request.http.headers["x-pass"] == nil ? .denied() : .allowed
        }
        try await with([Make.asking(Make.authorizer())], tokens: issuer.policy()) { rig, server in
            try await rig.learn(
                Make.pair(api: [("127.0.0.1", server.port)], other: [("127.0.0.1", check.port)]))
            #expect(try await rig.get("/asked", fields: "bad".asBearer).hasPrefix("HTTP/1.1 403 "))
            #expect(try await rig.get("/asked", fields: "X-Pass: 1\r\n" + "bad".asBearer).hasPrefix("HTTP/1.1 401 "))
            let good = try issuer.token().asBearer
            #expect(try await rig.get("/asked", fields: "X-Pass: 1\r\n" + good).hasPrefix("HTTP/1.1 200 "))
        }
        try await check.stop()
    }

    @Test("the token is taken out wherever it stands unless it is to go on")
    func forwarding() async throws {
        let places: [TokenLocation] = TokenLocation.standard + [.cookie("t")]
        let token = try issuer.token()
        try await with(tokens: issuer.policy { $0.locations = places }) { rig, server in
            _ = try await rig.get("/a", fields: token.asBearer + "X-Kept: 1\r\n")
            _ = try await rig.get("/b?x=1&access_token=\(token)&y=2")
            _ = try await rig.get("/c?access%5Ftoken=\(token)")
            _ = try await rig.get("/d", fields: "Cookie: s=1; t=\(token); u=2\r\n")
            let seen = server.requests
            try #require(seen.count == 4)
            #expect(seen.allSatisfy { !$0.text.contains(token) })
            #expect(seen[0].field("x-kept") == "1" && seen.map(\.path) == ["/a", "/b?x=1&y=2", "/c", "/d"])
            #expect(seen[3].field("cookie") == "s=1; u=2")
            try await eventually("the log is written") { rig.log.text.contains("/b?x=1&y=2") }
            #expect(!rig.log.text.contains(token))
        }
        try await with(tokens: issuer.policy { $0.forwardsToken = true }) { rig, server in
            _ = try await rig.get(fields: token.asBearer)
            #expect(server.requests.first?.field("authorization") == "Bearer \(token)")
        }
    }

    @Test("headers tell what the token claims, and nobody else can set them")
    func outputs() async throws {
        let policy = issuer.policy { rule in
            rule.payloadHeader = "x-payload"
            rule.claimHeaders = [
                ClaimHeader(header: "x-team", path: ["team"]),
                ClaimHeader(header: "x-forwarded-client-cert", path: ["sub"]),
            ]
        }
        try await with(tokens: policy) { rig, server in
            let forged = "X-Team: forged\r\nx-team: again\r\nX-Payload: forged\r\n"
            _ = try await rig.get(fields: forged)
            let token = try issuer.token(#","team":"blue""#)
            _ = try await rig.get(fields: forged + token.asBearer)
            let seen = server.requests
            try #require(seen.count == 2)
            #expect(!seen[0].text.contains("forged") && seen[0].field("x-team") == nil)
            #expect(seen[1].field("x-team") == "blue" && !seen[1].text.contains("again"))
            #expect(seen[1].field("x-payload").map { token.contains(".\($0).") } == true)
            for request in seen {
                #expect(request.field("x-forwarded-client-cert")?.contains("sa/web") == true, "\(request.text)")
            }
        }
    }

    @Test("what discovery says of a service is checked; keys are compiled once until their policy changes")
    func discovered() async throws {
        let server = try await WebServer { _ in WebServer.text("ok") }
        var world = try Make.pair(api: [("127.0.0.1", server.port)])
        let bindings = [PolicyBinding.waypoint(WaypointKey(namespace: Make.namespace, name: "waypoint"))]
        world.apply(.upsertAttachedPolicy(AttachedPolicy(issuer.policy(), bindings: bindings)))
        let rig = try await GatewayRig(world)
        try await rig.onLoop { $0.policySource = { RequestPolicySet(of: $0, for: $1, at: bindings[0].waypoint) } }
        let good = try issuer.token().asBearer
        #expect(try await rig.get(fields: good).hasPrefix("HTTP/1.1 200 "))
        #expect(try await rig.get(fields: "bad".asBearer).hasPrefix("HTTP/1.1 401 "))
        #expect(try await rig.onLoop { $0.tokens.count } == 1)
        world.apply(.upsertAttachedPolicy(AttachedPolicy(TokenIssuer().policy(), bindings: bindings)))
        try await rig.learn(world)
        #expect(try await rig.get(fields: good).hasSuffix("Jwt verification fails"))
        world.apply(.removeAttachedPolicy(name: "token/shop/tokens"))
        try await rig.learn(world)
        #expect(try await rig.get(fields: "bad".asBearer).hasPrefix("HTTP/1.1 200 "))
        #expect(try await rig.onLoop { $0.tokens.count } == 0)
        server.stop()
        try await rig.stop()
    }
}

extension PolicyBinding {
    fileprivate var waypoint: WaypointKey {
        if case .waypoint(let key) = self { key } else { WaypointKey(namespace: "", name: "") }
    }
}

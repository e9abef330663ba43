import ArgumentParser
import Foundation
import MeshModel
import Testing

@testable import apus

@Suite("apus explain")
struct ExplainTests {
    private let shop: ShopFixture

    init() throws { shop = try ShopFixture() }

    private func explanation(
        _ words: String, _ detail: (inout RequestQuestion) -> Void = { _ in }
    ) throws -> Explanation {
        let mesh = try MeshOptions.parse(["--offline", "--resources", shop.resources])
        let words = try ExplainWords(words.split(separator: " ").map(String.init))
        return try Inquiry(words: words, node: try NodeOptions.parse([]), mesh: mesh).explanation(detail)
    }

    /// Without the first line, which names the directory.
    private func text(_ words: String) throws -> [String] {
        try explanation(words).text.split(separator: "\n").dropFirst().map(String.init)
    }

    private static let way = [
        "from      shop/web, 10.80.1.10, spiffe://cluster.local/ns/shop/sa/web",
        "to        shop/api.shop.svc.cluster.local, 10.96.0.20:80",
        "node      in HBONE to waypoint shop/way, which is ready: shop/way-0 at 192.0.2.1:15008, "
            + "spiffe://cluster.local/ns/shop/sa/way",
        "waypoint  shop/way",
    ]

    @Test("a request that passes: policies, route, back ends with their shares, endpoints")
    func passes() throws {
        #expect(
            try text("shop/web shop/api GET /x/../orders/7?q=1") == Self.way + [
                "request   GET /orders/7, host api.shop.svc.cluster.local",
                #"policy    DENY policy shop/no-delete does not match: rule 0: method "GET" is none of [DELETE]"#,
                "          ALLOW policy shop/readers matches by rule 0: identity "
                    + "spiffe://cluster.local/ns/shop/sa/web is one of [shop/web], path \"/orders/7\" is none of "
                    + "[/private*]",
                "          allowed: allowed by: shop/readers, rule 0",
                "route     HTTPRoute shop/api, rule 0 (orders), match 0: path below /orders",
                "          90 of 100: shop/api.shop.svc.cluster.local:80, forwarded",
                "          10 of 100: shop/empty.shop.svc.cluster.local:80, answered 503 (no_healthy_upstream)",
                "          timeout of request: 10.0 seconds",
                "          retries: at most 2, for cancelled, connect-failure, refused-stream, unavailable",
                "endpoint  shop/api at 10.80.2.11:7080, HBONE",
                "            from 192.0.2.1, spiffe://cluster.local/ns/shop/sa/way (mutual TLS), to 10.80.2.11:7080",
                "            ALLOW policy shop/only-waypoint (WorkloadSelector) matches by rule 0",
                "            allowed: allowed by: shop/only-waypoint, rule 0",
                "note      a share of the requests does not arrive: see the back ends",
                "result    allowed: an endpoint answers",
            ])
    }

    @Test("rules of traffic: limits before the service, and what holds for its port")
    func traffic() throws {
        try shop.put(
            """
            apiVersion: apus.io/v1
            kind: TrafficGuard
            metadata: { name: api, namespace: shop }
            spec:
              targetRefs: [ { name: api } ]
              rateLimits: [ { key: { type: Identity }, maxTokens: 100 } ]
              globalRateLimit:
                service: { name: empty, port: 80 }
                domain: shop
                descriptors: [ { entries: [ { type: Namespace }, { type: Header, header: x-user } ] } ]
            ---
            apiVersion: networking.istio.io/v1
            kind: DestinationRule
            metadata: { name: api, namespace: shop }
            spec: { host: api, trafficPolicy: { connectionPool: { tcp: { maxConnections: 10 } } } }

            """, "resources/traffic.yaml")
        let lines = try text("shop/web shop/api GET /orders/7")
        let limits = lines.drop { !$0.hasPrefix("limit") }.prefix { !$0.hasPrefix("route") }
        #expect(
            Array(limits) == [
                "limit     shop/api.shop.svc.cluster.local",
                "            rate limit for each identity, here spiffe://cluster.local/ns/shop/sa/web: 100 requests, "
                    + "100 more each 1.0 seconds; 99 left after this one",
                "            global rate limit: asks shop/empty.shop.svc.cluster.local:80 in domain shop; without an "
                    + "answer in 0.02 seconds: 500",
                "              counted by source_namespace=shop, x-user=-",
            ])
        let traffic = lines.drop { !$0.hasPrefix("traffic") }.prefix { !$0.hasPrefix("endpoint") }
        #expect(
            Array(traffic) == [
                "traffic   shop/api.shop.svc.cluster.local:80",
                "            load balancing: of two endpoints by chance, the one with fewer requests under way",
                "            connection pool: at most 10 connections",
            ])
    }

    @Test("a request that no rule takes: what each of them wants")
    func unmatched() throws {
        #expect(
            try text("shop/web -> shop/api :80 GET /").suffix(5) == [
                "route     no rule of the attached routes matches",
                "          HTTPRoute shop/api, rule 0, match 0: expected path below /orders",
                "          HTTPRoute shop/api, rule 2, match 0: expected path below /broken",
                "          HTTPRoute shop/api, rule 1, match 0: expected path below /old",
                "result    refused: 404 (route_not_found)",
            ])
    }

    @Test("a connection past the waypoint: the endpoint's own policy lets only the waypoint in")
    func direct() throws {
        #expect(
            try text("shop/web 10.80.2.11:7080") == [
                "from    shop/web, 10.80.1.10, spiffe://cluster.local/ns/shop/sa/web",
                "to      10.80.2.11:7080",
                "node    in HBONE to shop/api at 10.80.2.11:7080, spiffe://cluster.local/ns/shop/sa/api",
                "policy  from 10.80.1.10, spiffe://cluster.local/ns/shop/sa/web (mutual TLS), to 10.80.2.11:7080",
                "        ALLOW policy shop/only-waypoint (WorkloadSelector) does not match: rule 0: clause 0: "
                    + "cluster.local/ns/shop/sa/web is none of [cluster.local/ns/shop/sa/way]",
                "        denied: allow policies exist, but none allowed",
                "result  refused: the connection is closed",
            ])
    }

    @Test("a caller that is not in the mesh passes by the waypoint, and is judged without a name")
    func outside() throws {
        let found = try explanation("shop/old shop/api GET /orders")
        #expect(found.connection.way == .plain && found.request == nil && !found.isAllowed)
        #expect(found.connection.notes.contains("the connection passes by waypoint shop/way"))
        #expect(found.connection.policies.first?.contains("no identity (plain text)") == true)
        #expect(found.notes.last?.hasPrefix("no waypoint stands before it") == true)
    }

    @Test("claims, headers and host are those of the request")
    func details() throws {
        let claims = try explanation("shop/web shop/api GET /private") { $0.claims = #"{"team":"blue"}"# }
        #expect(claims.request?.verdict?.rule == 1 && claims.request?.answer?.status == 404)
        let host = try explanation("shop/web shop/api GET /orders") { $0.host = "api.example:8080" }
        #expect(host.request?.request?.host == "api.example:8080")
        let bytes = try explanation("shop/web shop/api:81 GET /orders")
        #expect(bytes.request?.notes.first == "what comes to port 81 is carried as bytes: nobody looks for requests")
    }

    @Test("as JSON the verdict, the policy and the rule have names of their own")
    func json() throws {
        struct Answer: Decodable {
            let allowed: Bool
            let basis: [String: String]
            let connection: ConnectionReport
            let request: RequestReport
        }
        let text = try explanation("shop/web shop/api DELETE /orders").json()
        let answer = try JSONDecoder().decode(Answer.self, from: Data(text.utf8))
        #expect(!answer.allowed && answer.basis == ["connection": "resources", "request": "resources"])
        #expect(answer.connection.waypoint == "shop/way")
        #expect(answer.request.verdict?.policy == "shop/no-delete" && answer.request.verdict?.rule == 0)
        #expect(answer.request.answer?.status == 403)
    }

    @Test(
        "the exit status says whether the caller gets through",
        arguments: [
            ("shop/web shop/api GET /orders", 0), ("shop/web shop/api GET /old", 0), ("shop/web shop/api", 0),
            ("shop/web shop/api DELETE /orders", 1), ("shop/web shop/api GET /private", 1),
            ("shop/web shop/api GET /", 1), ("shop/web shop/api GET /broken", 1), ("shop/web shop/empty GET /", 1),
            ("shop/web 10.80.2.11:7080", 1), ("shop/nobody shop/api GET /", 2), ("shop/web shop/nothing GET /", 2),
            ("shop/web shop/api:82 GET /", 1),
        ] as [(String, Int32)])
    func status(words: String, status: Int32) throws {
        let arguments = words.split(separator: " ").map(String.init)
        let command = try Explain.parse(arguments + ["--offline", "--resources", shop.resources, "-o", "json"])
        var code: Int32 = 0
        do { try command.run() } catch let exit as ExitCode { code = exit.rawValue }
        #expect(code == status)
    }

    @Test("where no daemon answers, the resources do, and it is said; without them there is no answer")
    func fallback() throws {
        let nobody = ["--socket", "\(shop.path)/nobody.sock", "--state", shop.path]
        let words = ["shop/web", "shop/api", "GET", "/orders"]
        let command = try Explain.parse(words + nobody + ["--resources", shop.resources])
        let found = try Inquiry(words: ExplainWords(command.words), node: command.node, mesh: command.mesh)
            .explanation { _ in }
        #expect(found.isAllowed && found.basis.connection == "resources" && found.basis.request == "resources")
        #expect(found.notes.count == 2 && found.notes.allSatisfy { $0.contains(shop.resources) })
        let alone = try Explain.parse(words + nobody)
        #expect(throws: ExitCode(2)) { try alone.run() }
    }

    @Test(
        "what is no question is a mistake of its writer",
        arguments: [
            "", "a", "shop/web shop/api GET", "shop/web shop/api GET orders", "shop/web shop/api:0",
            "shop/web shop/api GET / more", "shop/web - GET /",
        ])
    func mistakes(words: String) {
        #expect(throws: ValidationError.self) { try ExplainWords(words.split(separator: " ").map(String.init)) }
    }

    @Test("ports and addresses are told apart")
    func words() throws {
        for (words, to, port) in [
            ("a/b c/d:81", "c/d", 81), ("a/b c/d :82", "c/d", 82), ("a/b -> 10.0.0.1:83", "10.0.0.1", 83),
            ("a/b fd00::1", "fd00::1", nil), ("a/b [fd00::1]:84", "fd00::1", 84),
            ("a/b api.example", "api.example", nil),
        ] as [(String, String, UInt16?)] {
            let found = try ExplainWords(words.split(separator: " ").map(String.init)).connection
            #expect(found == ConnectionQuestion(from: "a/b", to: to, port: port), "\(words)")
        }
    }
}

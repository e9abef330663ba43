import Foundation
import MeshDiscovery
import MeshModel
import MeshPolicy
import Testing
import WaypointRoute

@testable import WaypointGateway

@Suite("What a waypoint would do, and why")
struct ExplainTests {
    private static func question(_ method: String, _ target: String, from caller: Identity) -> RequestQuestion {
        var question = RequestQuestion(
            identity: caller.description, client: "10.0.0.1", authority: "10.1.0.1:80", method: method, target: target)
        question.host = "api"
        return question
    }

    private static func rules() throws -> [HTTPRouteRule] {
        [
            try Make.rule("/none", RouteBehaviour(.forward(to: []))),
            try Make.rule("/bad", at: 1, RouteBehaviour(.forward(to: [RouteBackend(.invalid(.backendNotFound))]))),
            try Make.rule(
                "/away", at: 2,
                RouteBehaviour(.redirect(try RequestRedirect(scheme: .https, status: .movedPermanently)))),
            try Make.rule("/gone", at: 3, RouteBehaviour(.forward(to: [try Make.forward("missing")]))),
            try Make.rule("/fault", at: 4, RouteBehaviour(.refuse(.other("no")))),
            try Make.rule("/api", at: 5, RouteBehaviour(.forward(to: [try Make.forward("api")]))),
            try Make.rule("/idle", at: 6, RouteBehaviour(.forward(to: [try Make.forward("other")]))),
        ]
    }

    private static let policies = [
        RequestPolicyTests.policy(.deny, .methods([.exact("DELETE")]), name: "no-delete"),
        RequestPolicyTests.policy(
            .allow, .paths([
                .text(.prefix("/api")), .text(.prefix("/none")), .text(.prefix("/bad")), .text(.prefix("/away")),
                .text(.prefix("/gone")), .text(.prefix("/fault")), .text(.prefix("/idle")), .text(.exact("/")),
            ]), name: "open"),
    ]

    @Test("says of every request what the request itself gets")
    func agrees() async throws {
        let server = try await WebServer { _ in WebServer.text("ok") }
        let rig = try await GatewayRig(
            policies: RequestPolicySet(applying: Self.policies),
            Make.pair(api: [("127.0.0.1", server.port)], routes: Self.rules()))
        for (method, target, expected) in [
            ("GET", "/api/x", 200), ("GET", "/x/../api", 200), ("GET", "/secret/../api?q=1", 200),
            ("DELETE", "/api", 403), ("GET", "/secret", 403), ("GET", "/api/../secret", 403),
            ("GET", "/api/%2e%2e/secret", 403), ("GET", "/", 404), ("GET", "/none", 500), ("GET", "/bad", 500),
            ("GET", "/away/b", 301), ("GET", "/gone", 503), ("GET", "/fault", 500), ("GET", "/idle", 503),
            ("GET", "/%zz", 400), ("get", "/api", 0),
        ] {
            let answer = try await rig.get(target, method: method)
            let beginning = expected == 0 ? "<reset>" : "HTTP/1.1 \(expected) "
            #expect(answer.hasPrefix(beginning), "\(method) \(target): \(answer)")
            let question = Self.question(method, target, from: rig.caller)
            let report = try await rig.onLoop { try RequestExplainer($0, nowSeconds: 0).explain(question) }
            #expect(report.answer.map { Int($0.status) } ?? 200 == expected, "\(method) \(target): \(report)")
            #expect(report.isAllowed == ((200..<400).contains(expected)), "\(method) \(target)")
            // What we answer ourselves has the same body.
            guard let own = report.answer, own.status > 0 else { continue }
            #expect(answer.hasSuffix("\r\n\r\n\(own.body)"), "\(answer)")
        }
        server.stop()
        try await rig.stop()
    }

    private func report(
        _ method: String, _ target: String, policies: [RequestPolicy] = Self.policies,
        _ change: (inout RequestQuestion) -> Void = { _ in }
    ) async throws -> RequestReport {
        let rig = try await GatewayRig(
            policies: RequestPolicySet(applying: policies),
            Make.pair(api: [("127.0.0.1", 7080)], routes: Self.rules()))
        var question = Self.question(method, target, from: rig.caller)
        change(&question)
        let asked = question
        let report = try await rig.onLoop { try RequestExplainer($0, nowSeconds: 0).explain(asked) }
        try await rig.stop()
        return report
    }

    @Test("names policy and rule of a refusal, and the condition that did not hold")
    func refusals() async throws {
        let denied = try await report("DELETE", "/api")
        #expect(denied.verdict?.policy == "shop/no-delete" && denied.verdict?.rule == 0)
        #expect(
            denied.text.lines == [
                "waypoint  shop/waypoint", "request   DELETE /api, host api",
                #"policy    DENY policy shop/no-delete matches by rule 0: method "DELETE" is one of [DELETE]"#,
                #"          ALLOW policy shop/open matches by rule 0: path "/api" is one of [/api*, /none*, /bad*, "#
                    + "/away*, /gone*, /fault*, /idle*, /]",
                "          denied: explicitly denied by: shop/no-delete, rule 0",
                #"result    refused: 403 "RBAC: access denied" (rbac_access_denied_matched_policy[ns[shop]-policy"#
                    + "[no-delete]-rule[0]])",
            ])
        let unmatched = try await report("GET", "/secret")
        #expect(unmatched.verdict?.reason == "allow policies exist, but none allowed: shop/open")
        #expect(unmatched.policies.last?.line.contains(#"rule 0: path "/secret" is none of [/api*"#) == true)
    }

    @Test("names the rule that was taken with what it does, and the endpoints")
    func routes() async throws {
        let report = try await report("GET", "/x/../api/y?q=1")
        #expect(report.request?.path == "/api/y")
        #expect(
            Array(report.text.lines.drop { !$0.hasPrefix("route") }) == [
                "route     HTTPRoute shop/route, rule 5, match 0: path below /api",
                "          1 of 1: shop/api.shop.svc.cluster.local:80, forwarded",
                "          retries: at most 2, for cancelled, connect-failure, refused-stream, unavailable",
                "endpoint  shop/api-0 at 127.0.0.1:7080, plain TCP", "result    allowed: an endpoint answers",
            ])
        let unmatched = try await self.report("GET", "/")
        #expect(unmatched.misses.count == 7)
        #expect(unmatched.misses.first == "HTTPRoute shop/route, rule 4, match 0: expected path below /fault")
    }

    @Test("claims that are given count as those of a token; a port of bytes has no requests")
    func claims() async throws {
        let team = RequestPolicyTests.policy(.allow, .claim(path: ["team"], [.exact("blue")]))
        let blue = try await report("GET", "/api", policies: [team]) { $0.claims = #"{"team":"blue"}"# }
        #expect(blue.isAllowed && blue.verdict?.policy == "shop/p")
        let none = try await report("GET", "/api", policies: [team])
        #expect(none.answer?.status == 403)
        await #expect(throws: ExplainProblem.self) {
            try await report("GET", "/api", policies: [team]) { $0.claims = "[" }
        }
    }

    @Test("a value cannot bring fields of its own, and what is no call of ours has no answer but that")
    func questions() async throws {
        await #expect(throws: ExplainProblem.self) {
            try await report("GET", "/api") { $0.headers = [.init("x-a", "1\r\nx-b: 2")] }
        }
        let elsewhere = try await report("GET", "/api") { $0.authority = "10.1.0.2:80" }
        #expect(elsewhere.answer?.status == 403 && elsewhere.request == nil)
    }

    @Test("asks nobody: an authorizer that can be asked is taken to agree, one that cannot refuses")
    func authorizers() async throws {
        var ask = RequestPolicyTests.policy(.custom(provider: "opa"), .methods([.exact("GET")]), name: "ask")
        let refused = try await report("GET", "/api", policies: [ask])
        #expect(refused.answer?.status == 403 && refused.verdict?.policy == "shop/ask")
        let opa = RouteTarget(service: ServiceKey(namespace: "shop", hostname: "opa.shop.svc.cluster.local"), port: 80)
        ask.authorizer = Authorizer(target: opa, transport: .grpc(sent: .all))
        let passed = try await report("GET", "/api", policies: [ask])
        #expect(passed.isAllowed && passed.notes == ["external authorizer opa is asked; taken to agree"])
    }
}

import Foundation
import MeshDiscovery
import MeshModel
import NIOCore
import Testing
import WaypointRoute

@testable import WaypointGateway

@Suite("What rules of traffic would do, and why")
struct ExplainTrafficTests {
    private func rig(
        _ endpoints: [(String, UInt16)], _ change: (inout TrafficRules) throws -> Void
    ) async throws -> GatewayRig {
        var rules = TrafficRules(service: Make.target("api").service)
        try change(&rules)
        var world = try Make.pair(api: endpoints, other: [("127.0.0.1", 1)])
        world.apply(.upsertTraffic(rules))
        return try await GatewayRig(world)
    }

    private func explain(
        _ rig: GatewayRig, _ headers: [(String, String)] = []
    ) async throws -> RequestReport {
        var question = RequestQuestion(
            identity: rig.caller.description, client: "10.0.0.1", authority: "10.1.0.1:80", method: "GET", target: "/")
        question.host = "api"
        question.headers = headers.map { RequestQuestion.Field($0.0, $0.1) }
        let asked = question
        return try await rig.onLoop { try RequestExplainer($0, nowSeconds: 0).explain(asked) }
    }

    private func lines(_ report: RequestReport, _ source: RequestReport.TrafficRule.Source) -> [String] {
        report.traffic.filter { $0.source == source }.map(\.line)
    }

    @Test("a rate limit: whom this request counts with, what is left, and the same answer as the request gets")
    func rateLimit() async throws {
        let server = try await WebServer { _ in WebServer.text("ok") }
        let rig = try await rig([("127.0.0.1", server.port)]) { rules in
            rules.limits.rateLimits = [
                RateLimit(key: .all, tokensMax: 9, tokensPerFill: 9, fillInterval: .seconds(3600)),
                RateLimit(
                    key: .header(try HeaderName("x-user")), tokensMax: 1, tokensPerFill: 1,
                    fillInterval: .seconds(3600)),
            ]
        }
        let user = ("x-user", "bob")
        for _ in 0..<2 {
            let report = try await explain(rig, [user])
            #expect(report.isAllowed)
            #expect(
                lines(report, .trafficGuard) == [
                    "rate limit for all requests: 9 requests, 9 more each 3600.0 seconds; 8 left after this one",
                    "rate limit for each value of x-user, here \"bob\": 1 requests, 1 more each 3600.0 seconds; "
                        + "0 left after this one",
                ])
        }
        #expect(try await rig.get("/", fields: "X-User: bob\r\n").hasPrefix("HTTP/1.1 200 "))
        let refused = try await explain(rig, [user])
        #expect(refused.answer?.status == 429 && refused.answer?.flag == "RL" && !refused.isAllowed)
        #expect(lines(refused, .trafficGuard).last?.hasSuffix("none left") == true)
        #expect(try await rig.get("/", fields: "X-User: bob\r\n").hasSuffix(refused.answer?.body ?? "-"))
        #expect(lines(try await explain(rig), .trafficGuard).last?.contains("here those without one") == true)
        server.stop()
        try await rig.stop()
    }

    @Test("a global rate limit: who would be asked about what; nobody is, and nobody to ask is a refusal")
    func globalRateLimit() async throws {
        var limit = GlobalRateLimit()
        limit.target = Make.target("other")
        limit.domain = "shop"
        limit.descriptors = [[.init(.identity), .init(.method)], [.init(.header(try HeaderName("x-user")))]]
        let asked = limit
        let rig = try await rig([("127.0.0.1", 1)]) { $0.limits.globalRateLimit = asked }
        let report = try await explain(rig)
        #expect(
            lines(report, .trafficGuard) == [
                "global rate limit: asks \(Make.target("other")) in domain shop; without an answer in "
                    + "0.02 seconds: 500",
                "  counted by source_identity=\(rig.caller), method=GET", "  counted by x-user=-",
            ])
        #expect(report.isAllowed && report.notes == ["the rate limit service is asked; taken to agree"])
        try await rig.stop()
        limit.target = nil
        for failsOpen in [false, true] {
            limit.failsOpen = failsOpen
            let (unaskable, expected) = (limit, failsOpen ? nil : UInt16(500))
            let rig = try await self.rig([("127.0.0.1", 1)]) { $0.limits.globalRateLimit = unaskable }
            #expect(try await explain(rig).answer?.status == expected)
            try await rig.stop()
        }
    }

    @Test("adaptive concurrency and faults; a fault for everybody is the answer")
    func faults() async throws {
        let half = try #require(RequestShare(percent: 50))
        for (percent, expected) in [(0.5, nil), (100, UInt16(418))] as [(Double, UInt16?)] {
            let share = try #require(RequestShare(percent: percent))
            let rig = try await rig([("127.0.0.1", 1)]) { rules in
                rules.limits.concurrency = AdaptiveConcurrencySettings()
                rules.limits.fault = FaultInjection(
                    delay: .init(duration: .seconds(2), share: half),
                    abort: .init(answer: .http(status: 418), share: share))
            }
            let report = try await explain(rig)
            #expect(report.answer?.status == expected)
            #expect(
                lines(report, .trafficGuard) == [
                    "adaptive concurrency: 0 requests under way of 3, which moves from 3 to 1000",
                    "fault: 50.0 % of requests are held for 2.0 seconds", "fault: \(percent) % of requests get 418",
                ])
            try await rig.stop()
        }
    }

    @Test("the rules of a port, and the endpoint of a key")
    func destinationRule() async throws {
        let rig = try await rig([("127.0.0.1", 7001), ("127.0.0.2", 7001), ("127.0.0.3", 7001)]) { rules in
            rules.policy.balancing = .consistentHash(ConsistentHash(key: .header(try HeaderName("x-user"))))
            rules.policy.connections.connectionsMax = 10
            rules.policy.connections.retriesMax = 3
            rules.policy.connections.connectTimeout = .milliseconds(500)
            rules.policy.outliers = OutlierDetection()
            rules.policy.retryBudget = RetryBudgetSettings(percent: 20, minimumConcurrency: 3)
        }
        let report = try await explain(rig, [("x-user", "bob")])
        let told = lines(report, .destinationRule)
        let hash = "load balancing: consistent hash by header x-user"
        #expect(told.first?.hasPrefix("\(hash): this one goes to shop/api-") == true)
        #expect(lines(try await explain(rig, [("x-user", "bob")]), .destinationRule).first == told.first)
        #expect(
            Array(told.dropFirst()) == [
                "connection pool: at most 10 connections, at most 3 retries, connect within 0.5 seconds",
                "outlier detection: after 5 answers of 500 and above in a row an endpoint is left out for "
                    + "30.0 seconds, at most 10 % of them",
                "retry budget: 20 % of the requests under way, at least 3",
            ])
        #expect(report.endpoints.count == 3 && report.isAllowed)
        #expect(lines(try await explain(rig), .destinationRule).first == hash)
        try await rig.stop()
    }

    @Test("an endpoint that is left out, one in quarantine, and rules that refuse")
    func endpoints() async throws {
        let server = try await WebServer { _ in WebServer.text("no", status: "500 Broken") }
        let rig = try await rig([("127.0.0.1", server.port), ("127.0.0.2", 7001)]) { rules in
            rules.policy.outliers = OutlierDetection()
            rules.policy.outliers?.consecutiveServerErrors = 1
            rules.quarantined = [try Make.workload("api-1", at: "127.0.0.2").uid]
        }
        let before = try await explain(rig)
        #expect(before.endpoints.map(\.name) == ["shop/api-0"])
        #expect(lines(before, .destinationRule).last == "quarantine: shop/api-1, where this caller is not sent")
        #expect(try await rig.get("/").hasPrefix("HTTP/1.1 500 "))
        let after = try await explain(rig)
        #expect(lines(after, .destinationRule).contains("outlier detection: shop/api-0 is left out now"))
        #expect(after.answer?.status == 503 && after.answer?.flag == "UH")
        server.stop()
        try await rig.stop()
        let refusing = try await self.rig([("127.0.0.1", 1)]) { $0.policy.refusal = "no TLS" }
        #expect(try await explain(refusing).answer?.status == 503)
        #expect(try await refusing.get("/").hasPrefix("HTTP/1.1 503 "))
        try await refusing.stop()
    }
}

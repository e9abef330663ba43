import Foundation
import MeshDiscovery
import MeshModel
import MeshWire
import NIOCore
import SwiftProtobuf
import Testing
import WaypointRoute

@testable import WaypointGateway

@Suite("Global rate limits")
struct GlobalRateLimitTests {
    private typealias Question = Envoy_Service_Ratelimit_V3_RateLimitRequest
    private typealias Answer = Envoy_Service_Ratelimit_V3_RateLimitResponse

    /// Refuses eve, never answers silent.
    private func service() async throws -> CheckServer {
        try await CheckServer(bytes: { bytes in
            guard let question = try? Question(serializedBytes: bytes), question.domain == "shop" else { return nil }
            let user = question.descriptors.first?.entries.last?.value
            if user == "silent" { return nil }
            let answer = Answer.with {
                $0.overallCode = user == "eve" ? .overLimit : .ok
                $0.statuses = [
                    .with {
                        $0.currentLimit.requestsPerUnit = 10
                        $0.limitRemaining = user == "eve" ? 0 : 7
                        $0.durationUntilReset = .with { $0.seconds = 30 }
                    }
                ]
                $0.requestHeadersToAdd = [.with { ($0.key, $0.value) = ("x-counted", "yes") }]
                $0.responseHeadersToAdd = [.with { ($0.key, $0.value) = ("x-limiter", "seen") }]
                $0.rawBody = .init("later".utf8)
            }
            return try? answer.serializedBytes()
        })
    }

    private func rules(_ change: (inout TrafficGuard) -> Void = { _ in }) throws -> TrafficRules {
        var limit = GlobalRateLimit()
        limit.target = Make.target("other")
        limit.domain = "shop"
        limit.timeout = .seconds(10)
        limit.descriptors = [[.init(.identity), .init(.header(try HeaderName("x-user")), key: "user")]]
        var rules = TrafficRules(service: Make.target("api").service)
        rules.limits.globalRateLimit = limit
        change(&rules.limits)
        return rules
    }

    private func with(
        _ change: (inout TrafficGuard) -> Void = { _ in },
        _ body: (GatewayRig, WebServer, CheckServer) async throws -> Void
    ) async throws {
        let service = try await service()
        let server = try await WebServer { WebServer.text("counted \($0.field("x-counted") ?? "no")") }
        var world = try Make.pair(api: [("127.0.0.1", server.port)], other: [("127.0.0.1", service.port)])
        world.apply(.upsertTraffic(try rules(change)))
        let rig = try await GatewayRig(world)
        try await body(rig, server, service)
        #expect(try await rig.onLoop { $0.questions.count } == 0)
        server.stop()
        try await service.stop()
        try await rig.stop()
    }

    @Test("the service is asked with the caller's identity, over one connection, and its answer is carried out")
    func asks() async throws {
        try await with { rig, server, service in
            let allowed = try await rig.get("/", fields: "X-User: bob\r\n")
            #expect(allowed.hasPrefix("HTTP/1.1 200 ") && allowed.hasSuffix("counted yes"), "\(allowed)")
            #expect(allowed.contains("x-limiter: seen\r\n") && allowed.contains("x-ratelimit-limit: 10\r\n"))
            #expect(allowed.contains("x-ratelimit-remaining: 7\r\n") && allowed.contains("x-ratelimit-reset: 30\r\n"))
            let limited = try await rig.get("/", fields: "X-User: eve\r\n")
            #expect(limited.hasPrefix("HTTP/1.1 429 ") && limited.hasSuffix("later"), "\(limited)")
            #expect(limited.contains("x-envoy-ratelimited: true\r\n") && limited.contains("x-limiter: seen\r\n"))
            #expect(limited.contains("x-ratelimit-remaining: 0\r\n"))
            #expect(try await rig.get("/").hasSuffix("counted yes") && service.connectionCount == 1)
            let questions = service.messages.compactMap { try? Question(serializedBytes: $0) }
            let entries = questions.map { $0.descriptors.flatMap { $0.entries.map { "\($0.key)=\($0.value)" } } }
            let caller = "source_identity=\(rig.caller)"
            #expect(entries == [[caller, "user=bob"], [caller, "user=eve"], [caller, "user=-"]])
            #expect(server.requests.count == 2)
            let grpc = try await rig.get(
                "/", method: "POST", fields: "X-User: eve\r\nContent-Type: application/grpc\r\n", body: "x")
            #expect(grpc.hasPrefix("HTTP/1.1 200 ") && grpc.contains("grpc-status: 14\r\n"), "\(grpc)")
            try await eventually("the log says so") {
                rig.log.text.contains("response_flags=RL") && rig.log.text.contains("request_rate_limited")
            }
        }
    }

    @Test("without an answer the request is refused")
    func closes() async throws {
        try await with({ $0.globalRateLimit?.timeout = .milliseconds(100) }) { rig, server, service in
            let silent = try await rig.get("/", fields: "X-User: silent\r\n")
            #expect(silent.hasPrefix("HTTP/1.1 500 "), "\(silent)")
            try await service.stop()
            #expect(try await rig.get("/", fields: "X-User: bob\r\n").hasPrefix("HTTP/1.1 500 "))
            #expect(server.requests.isEmpty)
            try await eventually("the log says why") {
                rig.log.text.contains("response_flags=RLSE")
                    && rig.log.text.contains("gave no answer: no answer in time")
            }
        }
        try await with({ limits in
            limits.globalRateLimit?.target = nil
            limits.globalRateLimit?.statusOnError = 503
        }) { rig, server, _ in
            let answer = try await rig.get("/")
            #expect(answer.hasPrefix("HTTP/1.1 503 ") && server.requests.isEmpty, "\(answer)")
        }
    }

    @Test("one that is said to fail open lets requests through without an answer, and says so in the log")
    func opens() async throws {
        try await with({ $0.globalRateLimit?.failsOpen = true }) { rig, _, service in
            try await service.stop()
            #expect(try await rig.get("/").hasSuffix("counted no"))
            try await eventually("the log says so") { rig.log.text.contains("let through") }
        }
    }

    @Test("the waypoint's own limits come first; a place under the adaptive limit is taken only afterwards")
    func order() async throws {
        try await with({ limits in
            limits.rateLimits = [RateLimit(key: .all, tokensMax: 2, tokensPerFill: 1, fillInterval: .seconds(3600))]
            var settings = AdaptiveConcurrencySettings()
            (settings.limitMin, settings.limitMax) = (1, 1)
            limits.concurrency = settings
        }) { rig, _, service in
            let held = try await rig.open("10.1.0.1:80")
            try await held.executeThenClose { _, outbound in
                let head = "GET / HTTP/1.1\r\nHost: api\r\nX-User: silent\r\n\r\n"
                try await outbound.write(ByteBuffer(string: head))
                try await eventually("it is asked about") { service.messages.count == 1 }
                let other = try await rig.get("/")
                #expect(other.hasPrefix("HTTP/1.1 200 ") && other.contains("x-ratelimit-limit: 2\r\n"), "\(other)")
                let limited = try await rig.get("/")
                #expect(limited.hasSuffix("local_rate_limited") && service.messages.count == 2, "\(limited)")
            }
            try await eventually("a caller that leaves ends its question") {
                try await rig.onLoop { $0.questions.count } == 0
            }
        }
    }
}

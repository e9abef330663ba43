import Foundation
import MeshDiscovery
import MeshModel
import NIOCore
import Synchronization
import Testing
import WaypointResilience

@testable import WaypointGateway

@Suite("Limits and faults before a service")
struct ShieldTests {
    private func rig(_ server: WebServer, _ change: (inout TrafficGuard) throws -> Void) async throws -> GatewayRig {
        var rules = TrafficRules(service: Make.target("api").service)
        try change(&rules.limits)
        var world = try Make.pair(api: [("127.0.0.1", server.port)])
        world.apply(.upsertTraffic(rules))
        return try await GatewayRig(world)
    }

    private func whole() throws -> RequestShare { try #require(RequestShare(percent: 100)) }

    @Test("a request too many: 429 RL, and each key has its own bucket")
    func rateLimit() async throws {
        let server = try await WebServer { _ in WebServer.text("ok") }
        let rig = try await rig(server) { limits in
            let key = RateLimit.Key.header(try HeaderName("x-user"))
            limits.rateLimits = [RateLimit(key: key, tokensMax: 2, tokensPerFill: 1, fillInterval: .seconds(3600))]
        }
        for user in ["a", "b"] {
            for left in [1, 0] {
                let answer = try await rig.get("/", fields: "X-User: \(user)\r\n")
                #expect(answer.hasSuffix("ok") && answer.contains("x-ratelimit-limit: 2\r\n"), "\(answer)")
                #expect(answer.contains("x-ratelimit-remaining: \(left)\r\n"), "\(answer)")
            }
            let answer = try await rig.get("/", fields: "X-User: \(user)\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 429 ") && answer.hasSuffix("local_rate_limited"), "\(answer)")
            let reset = answer.components(separatedBy: "\r\n").first { $0.hasPrefix("x-ratelimit-reset: ") }
            let seconds = try #require(reset.flatMap { Int($0.dropFirst("x-ratelimit-reset: ".count)) })
            #expect(answer.contains("x-ratelimit-remaining: 0\r\n") && (1...3600).contains(seconds), "\(answer)")
        }
        #expect(server.requests.count == 4)
        try await eventually("the log says so") { rig.log.text.contains("response_flags=RL") }
        server.stop()
        try await rig.stop()
    }

    @Test("each identity has a bucket of its own")
    func rateLimitOfIdentities() async throws {
        let server = try await WebServer { _ in WebServer.text("ok") }
        let rig = try await rig(server) { limits in
            limits.rateLimits = [
                RateLimit(key: .identity, tokensMax: 1, tokensPerFill: 1, fillInterval: .seconds(3600))
            ]
        }
        #expect(try await rig.get("/").hasPrefix("HTTP/1.1 200 "))
        #expect(try await rig.get("/").hasPrefix("HTTP/1.1 429 "))
        let tunnel = try await rig.connect(as: Identity(namespace: Make.namespace, serviceAccount: "other"))
        let other = try await rig.openHTTP2(on: tunnel)
        #expect(try await rig.call(other, "/").status == 200)
        let refused = try await rig.call(other, "/")
        #expect(refused.status == 429 && refused.field("x-ratelimit-limit") == "1")
        server.stop()
        try await rig.stop()
    }

    @Test("what is to fail fails, by its share, and a gRPC caller hears it in its own words")
    func abort() async throws {
        let server = try await WebServer { _ in WebServer.text("ok") }
        let share = try whole()
        let rig = try await rig(server) {
            $0.fault = FaultInjection(abort: .init(answer: .http(status: 418), share: share))
        }
        let answer = try await rig.get("/")
        #expect(answer.hasPrefix("HTTP/1.1 418 ") && answer.hasSuffix("fault filter abort"), "\(answer)")
        try await eventually("the log says so") { rig.log.text.contains("response_flags=FI") }
        try await rig.stop()
        let grpc = try await self.rig(server) {
            $0.fault = FaultInjection(abort: .init(answer: .grpc(status: 14), share: share))
        }
        let fields = "Content-Type: application/grpc\r\n"
        let trailersOnly = try await grpc.get("/", method: "POST", fields: fields, body: "x")
        #expect(
            trailersOnly.hasPrefix("HTTP/1.1 200 ") && trailersOnly.contains("grpc-status: 14\r\n"), "\(trailersOnly)")
        #expect(try await grpc.get("/").hasPrefix("HTTP/1.1 503 "))
        #expect(server.requests.isEmpty)
        try await grpc.stop()
        let none = try await self.rig(server) {
            let nobody = try #require(RequestShare(percent: 0))
            $0.fault = FaultInjection(abort: .init(answer: .http(status: 418), share: nobody))
        }
        for _ in 0..<5 { #expect(try await none.get("/").hasSuffix("ok")) }
        server.stop()
        try await none.stop()
    }

    @Test("a delay comes before the request goes on, with its body")
    func delay() async throws {
        let server = try await WebServer { WebServer.text("ok \($0.text.suffix(4))") }
        let share = try whole()
        let rig = try await rig(server) {
            $0.fault = FaultInjection(delay: .init(duration: .milliseconds(300), share: share))
        }
        let start = ContinuousClock.now
        #expect(try await rig.get("/", method: "POST", body: "body").hasSuffix("ok body"))
        #expect(ContinuousClock.now - start >= .milliseconds(300))
        try await eventually("the log says so") { rig.log.text.contains("response_flags=DI") }
        server.stop()
        try await rig.stop()
    }

    @Test("the adaptive limit grows while answers come as fast as without load, and falls when they slow down")
    func adapts() async throws {
        // Far more than what a busy machine adds by chance.
        let isSlow = SlowSwitch()
        let server = try await PlainServer { inbound, outbound in
            for try await _ in inbound {
                try await Task.sleep(for: .milliseconds(isSlow.isOn ? 1500 : 50))
                try await outbound.write(ByteBuffer(string: WebServer.text("ok")))
            }
            outbound.finish()
        }
        var rules = TrafficRules(service: Make.target("api").service)
        var settings = AdaptiveConcurrencySettings()
        (settings.limitMin, settings.quietRequests, settings.updateInterval) = (2, 5, .milliseconds(20))
        settings.bufferPercent = 100
        rules.limits.concurrency = settings
        var world = try Make.pair(api: [("127.0.0.1", server.port)])
        world.apply(.upsertTraffic(rules))
        let rig = try await GatewayRig(world)
        func limit() async throws -> Int? {
            try await rig.onLoop { loop in
                guard case .shield(let shield) = loop.traffic.shield(Make.target("api").service) else { return nil }
                return shield.state.concurrency?.limit
            }
        }
        try await eventually("it grows", seconds: 60) {
            _ = try await rig.get("/")
            return try await limit() ?? 0 >= 4
        }
        isSlow.turnOn()
        let grown = try #require(try await limit())
        try await eventually("it falls", seconds: 60) {
            _ = try await rig.get("/")
            return try await limit() ?? 0 < grown
        }
        server.stop()
        try await rig.stop()
    }

    private final class SlowSwitch: Sendable {
        private let state = Mutex(false)
        var isOn: Bool { state.withLock { $0 } }
        func turnOn() { state.withLock { $0 = true } }
    }

    @Test("beyond the adaptive limit: 503")
    func concurrency() async throws {
        let server = try await WebServer { $0.path == "/hold" ? "" : WebServer.text("ok") }
        let rig = try await rig(server) { limits in
            var settings = AdaptiveConcurrencySettings()
            settings.limitMin = 1
            settings.limitMax = 1
            limits.concurrency = settings
        }
        let held = try await rig.open("10.1.0.1:80")
        try await held.executeThenClose { _, outbound in
            try await outbound.write(ByteBuffer(string: "GET /hold HTTP/1.1\r\nHost: api\r\n\r\n"))
            try await eventually("one is under way") { !server.requests.isEmpty }
            let answer = try await rig.get("/")
            #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.hasSuffix("reached concurrency limit"), "\(answer)")
        }
        server.stop()
        try await rig.stop()
    }
}

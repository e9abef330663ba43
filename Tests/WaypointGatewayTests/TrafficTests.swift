import Foundation
import MeshDiscovery
import MeshModel
import NIOCore
import Testing
import WaypointRoute

@testable import WaypointGateway

@Suite("Rules of traffic in the path of requests")
struct TrafficTests {
    /// Endpoints of `api` at one address each, with rules for it.
    private func rig(
        _ servers: [WebServer], routes: [HTTPRouteRule]? = nil, _ change: (inout TrafficRules) throws -> Void
    ) async throws -> GatewayRig {
        let places = servers.map { ("127.0.0.1", $0.port) }
        return try await rig(Make.pair(api: places, routes: routes), change)
    }

    private func rig(_ world: World, _ change: (inout TrafficRules) throws -> Void) async throws -> GatewayRig {
        var rules = TrafficRules(service: Make.target("api").service)
        try change(&rules)
        var world = world
        world.apply(.upsertTraffic(rules))
        return try await GatewayRig(world)
    }

    private func named(_ count: Int) async throws -> [WebServer] {
        var servers: [WebServer] = []
        for number in 0..<count { servers.append(try await WebServer { _ in WebServer.text("\(number)") }) }
        return servers
    }

    private func stop(_ rig: GatewayRig, _ servers: [WebServer]) async throws {
        for server in servers { server.stop() }
        try await rig.stop()
    }

    @Test("round robin takes turns, and chance finds everybody")
    func turns() async throws {
        let servers = try await named(2)
        let rig = try await rig(servers) { $0.policy.balancing = .roundRobin }
        for _ in 0..<6 { _ = try await rig.get("/") }
        #expect(servers.map(\.requests.count) == [3, 3])
        try await rig.stop()
        let chance = try await self.rig(servers) { $0.policy.balancing = .random }
        for _ in 0..<40 { _ = try await chance.get("/") }
        #expect(servers.allSatisfy { $0.requests.count > 3 })
        try await stop(chance, servers)
    }

    @Test("a client stays where its address leads", arguments: [
        ConsistentHash.Table.maglev(size: 1009), .ring(minimumSize: 1024),
    ])
    func sourceHash(_ table: ConsistentHash.Table) async throws {
        let servers = try await named(3)
        let rig = try await rig(servers) { rules in
            rules.policy.balancing = .consistentHash(ConsistentHash(key: .sourceAddress, table: table))
        }
        for _ in 0..<12 { _ = try await rig.get("/") }
        #expect(servers.map(\.requests.count).sorted() == [0, 0, 12])
        try await stop(rig, servers)
    }

    @Test("near endpoints first, far ones when the near are unwell")
    func failover() async throws {
        let near = try await WebServer { _ in WebServer.text("near", status: "500 No") }
        let far = try await WebServer { _ in WebServer.text("far") }
        var world = try Make.pair(api: [("127.0.0.1", near.port), ("127.0.0.1", far.port)])
        let places = [
            ("waypoint-0", "here"), ("api-0", "here"), ("api-1", "there"),
        ]
        for (name, region) in places {
            let known = world.workload(uid: "c//Pod/shop/\(name)")
            var workload = try known ?? Make.workload(name, at: "10.0.9.9")
            workload.locality.region = region
            world.apply(.upsertWorkload(workload))
        }
        let rig = try await rig(world) { rules in
            var outliers = OutlierDetection()
            (outliers.consecutiveServerErrors, outliers.ejectedPercentMax) = (3, 100)
            rules.policy.outliers = outliers
        }
        for _ in 0..<8 { _ = try await rig.get("/") }
        #expect(near.requests.count == 3 && far.requests.count == 5)
        try await stop(rig, [near, far])
    }

    @Test("no more are left out than may be, and with too few well ones nobody is")
    func caps() async throws {
        var servers: [WebServer] = []
        for _ in 0..<3 { servers.append(try await WebServer { _ in WebServer.text("bad", status: "500 No") }) }
        var outliers = OutlierDetection()
        (outliers.consecutiveServerErrors, outliers.ejectedPercentMax) = (1, 34)
        let capped = outliers
        let rig = try await rig(servers) { ($0.policy.balancing, $0.policy.outliers) = (.roundRobin, capped) }
        for _ in 0..<9 { #expect(try await rig.get("/").hasPrefix("HTTP/1.1 500 ")) }
        #expect(servers.map(\.requests.count).min() == 1 && servers.map(\.requests.count).max() ?? 0 < 6)
        try await rig.stop()
        (outliers.ejectedPercentMax, outliers.healthyPercentMin) = (100, 50)
        let panicking = outliers
        let panic = try await self.rig(servers) { ($0.policy.balancing, $0.policy.outliers) = (.roundRobin, panicking) }
        // Two are out before fewer than half are left: from then on all three are asked.
        for _ in 0..<12 { #expect(try await panic.get("/").hasPrefix("HTTP/1.1 500 ")) }
        #expect(servers.allSatisfy { $0.requests.count >= 4 })
        try await stop(panic, servers)
    }

    @Test("an endpoint that takes no connection is passed over by a retry")
    func connectRetry() async throws {
        let good = try await WebServer { _ in WebServer.text("good") }
        let gone = try await WebServer { _ in WebServer.text("gone") }
        gone.stop()
        let rig = try await rig([gone, good]) { $0.policy.balancing = .roundRobin }
        try await eventually("its port is closed") {
            _ = try await rig.get("/")
            return rig.log.text.contains("attempts=2") || good.requests.count > 4
        }
        for _ in 0..<6 { #expect(try await rig.get("/").hasPrefix("HTTP/1.1 200 ")) }
        try await stop(rig, [good])
    }

    @Test("endpoints in quarantine are for the named callers only")
    func quarantine() async throws {
        let servers = try await named(2)
        let rig = try await rig(servers) { rules in
            rules.quarantined = ["c//Pod/shop/api-1"]
            rules.limits.quarantineCallers = [Identity(namespace: "ops", serviceAccount: "doctor")]
        }
        for _ in 0..<6 { #expect(try await rig.get("/").last == "0") }
        let tunnel = try await rig.connect(as: Identity(namespace: "ops", serviceAccount: "doctor"))
        let doctor = try await rig.openHTTP2(on: tunnel)
        for _ in 0..<6 { #expect(try await rig.call(doctor, "/").body == "1") }
        try await stop(rig, servers)
    }

    @Test("a service without rules keeps nothing on its loop")
    func without() async throws {
        let servers = try await named(1)
        let rig = try await GatewayRig(try Make.pair(api: [("127.0.0.1", servers[0].port)]))
        #expect(try await rig.get("/").hasPrefix("HTTP/1.1 200 "))
        let isNone = try await rig.onLoop { loop in
            if case .none = loop.traffic.port(Make.target("api"), now: .sinceStart) { true } else { false }
        }
        #expect(isNone)
        try await stop(rig, servers)
    }

    @Test("the endpoint with nothing to do is preferred")
    func leastRequest() async throws {
        let servers = [
            try await WebServer { $0.path == "/hold" ? "" : WebServer.text("0") },
            try await WebServer { $0.path == "/hold" ? "" : WebServer.text("1") },
        ]
        let rig = try await rig(servers) { $0.policy.balancing = .leastRequest }
        let held = try await rig.open("10.1.0.1:80")
        try await held.executeThenClose { _, outbound in
            try await outbound.write(ByteBuffer(string: "GET /hold HTTP/1.1\r\nHost: api\r\n\r\n"))
            try await eventually("one is busy") { servers.contains { !$0.requests.isEmpty } }
            let idle = servers[0].requests.isEmpty ? "0" : "1"
            for _ in 0..<20 { #expect(try await rig.get("/").hasSuffix("\r\n\r\n\(idle)")) }
        }
        try await stop(rig, servers)
    }

    @Test("equal keys go to the same endpoint, others elsewhere too")
    func headerHash() async throws {
        let servers = try await named(3)
        let rig = try await rig(servers) { rules in
            rules.policy.balancing = .consistentHash(ConsistentHash(key: .header(try HeaderName("x-user"))))
        }
        var places: Set<Character> = []
        for user in 0..<12 {
            let first = try await rig.get("/", fields: "X-User: \(user)\r\n").last
            for _ in 0..<3 { #expect(try await rig.get("/", fields: "X-User: \(user)\r\n").last == first) }
            if let first { places.insert(first) }
        }
        #expect(places.count > 1)
        try await stop(rig, servers)
    }

    @Test("a client without the cookie gets one, and stays with it; a query parameter does as well")
    func cookieHash() async throws {
        let servers = try await named(3)
        let cookie = HashCookie(name: try HTTPToken("stay"), lifetime: .seconds(60))
        let rig = try await rig(servers) { rules in
            rules.policy.balancing = .consistentHash(ConsistentHash(key: .cookie(cookie)))
        }
        let first = try await rig.get("/")
        let field = try #require(first.components(separatedBy: "\r\n").first { $0.hasPrefix("set-cookie: stay=") })
        let pair = try #require(field.dropFirst("set-cookie: ".count).split(separator: ";").first)
        for _ in 0..<8 {
            let answer = try await rig.get("/", fields: "Cookie: other=1; \(pair)\r\n")
            #expect(answer.last == first.last && !answer.contains("set-cookie"))
        }
        try await rig.stop()
        let query = try await self.rig(servers) { rules in
            rules.policy.balancing = .consistentHash(ConsistentHash(key: .queryParameter("user")))
        }
        let once = try await query.get("/?user=a").last
        for _ in 0..<8 { #expect(try await query.get("/?user=a").last == once) }
        try await stop(query, servers)
    }

    @Test("an endpoint that answers 500 is left out")
    func outlier() async throws {
        let bad = try await WebServer { _ in WebServer.text("bad", status: "500 No") }
        let good = try await WebServer { _ in WebServer.text("good") }
        let rig = try await rig([bad, good]) { rules in
            rules.policy.balancing = .roundRobin
            var outliers = OutlierDetection()
            outliers.consecutiveServerErrors = 1
            outliers.ejectedPercentMax = 100
            rules.policy.outliers = outliers
        }
        for _ in 0..<6 { _ = try await rig.get("/") }
        #expect(bad.requests.count == 1 && good.requests.count == 5)
        try await stop(rig, [bad, good])
    }

    @Test("more requests than the limit overflow: 503 UO")
    func overflow() async throws {
        let server = try await WebServer { $0.path == "/hold" ? "" : WebServer.text("ok") }
        let rig = try await rig([server]) { $0.policy.connections.requestsMax = 1 }
        let held = try await rig.open("10.1.0.1:80")
        try await held.executeThenClose { _, outbound in
            try await outbound.write(ByteBuffer(string: "GET /hold HTTP/1.1\r\nHost: api\r\n\r\n"))
            try await eventually("one is under way") { !server.requests.isEmpty }
            let answer = try await rig.get("/")
            #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("x-envoy-overloaded: true"), "\(answer)")
            #expect(answer.hasSuffix("reset reason: overflow"), "\(answer)")
            try await eventually("the log says so") { rig.log.text.contains("response_flags=UO") }
        }
        try await stop(rig, [server])
    }

    @Test("retries are bounded by the circuit breaker, or by the service's own budget")
    func retries() async throws {
        let bad = try await WebServer { _ in WebServer.text("no", status: "503 Busy") }
        let behaviour = RouteBehaviour(
            .forward(to: [try Make.forward("api")]), retry: try .gateway(statuses: [503]))
        let changes: [@Sendable (inout TrafficPolicy) -> Void] = [
            { $0.connections.retriesMax = 0 },
            { $0.retryBudget = RetryBudgetSettings(percent: 0, minimumConcurrency: 0) },
        ]
        for (index, change) in changes.enumerated() {
            let rig = try await rig([bad], routes: [try Make.rule("/", behaviour)]) { change(&$0.policy) }
            #expect(try await rig.get("/").hasPrefix("HTTP/1.1 503 ") && bad.requests.count == index + 1)
            try await rig.stop()
        }
        bad.stop()
    }

    @Test("an endpoint that takes no connection in time is given up")
    func connectTimeout() async throws {
        let full = try await FullListener()
        let rig = try await rig(Make.pair(api: [("127.0.0.1", full.port)])) { rules in
            rules.policy.connections.connectTimeout = .milliseconds(50)
        }
        let start = ContinuousClock.now
        let answer = try await rig.get("/")
        #expect(answer.hasPrefix("HTTP/1.1 503 "), "\(answer)")
        #expect(ContinuousClock.now - start < .seconds(9))
        try await rig.stop()
        try await full.stop()
    }

    @Test("rules that are not understood, and TLS that is not made, let nothing through")
    func refused() async throws {
        let server = try await WebServer { _ in WebServer.text("ok") }
        let rig = try await rig([server]) { $0.policy.refusal = "TLS" }
        #expect(try await rig.get("/").hasPrefix("HTTP/1.1 503 "))
        try await rig.stop()
        var world = try Make.pair(api: [("127.0.0.1", server.port)])
        world.apply(.refuseTraffic(name: TrafficScope(Make.target("api").service).description))
        let refused = try await GatewayRig(world)
        #expect(try await refused.get("/").hasPrefix("HTTP/1.1 503 "))
        #expect(server.requests.isEmpty)
        try await stop(refused, [server])
    }
}

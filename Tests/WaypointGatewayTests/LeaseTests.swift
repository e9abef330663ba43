import HBONE
import MeshDiscovery
import MeshModel
import NIOCore
import Testing
import WaypointHTTP2
import WaypointResilience
import WaypointRoute

@testable import WaypointGateway

/// A limit of one request, and of one place before the service: each way a request can end gives both back.
@Suite("Room comes back however a request ends")
struct LeaseTests {
    private static let service = Make.target("api").service

    private func rig(
        _ world: World, settings: GatewaySettings = Make.settings,
        _ change: (inout TrafficRules) throws -> Void = { _ in }
    ) async throws -> GatewayRig {
        var rules = TrafficRules(service: Self.service)
        rules.policy.connections.requestsMax = 1
        var concurrency = AdaptiveConcurrencySettings()
        (concurrency.limitMin, concurrency.limitMax) = (1, 1)
        rules.limits.concurrency = concurrency
        try change(&rules)
        var world = world
        world.apply(.upsertTraffic(rules))
        return try await GatewayRig(settings: settings, world)
    }

    private func world(_ port: UInt16, routes: [HTTPRouteRule]? = nil) throws -> World {
        try Make.pair(api: [("127.0.0.1", port)], routes: routes)
    }

    /// What is taken of each resource, and of the places before the service.
    private func taken(_ rig: GatewayRig, _ target: RouteTarget = Make.target("api")) async throws -> [Int] {
        try await rig.onLoop { loop in
            var counts: [Int] = []
            if case .cluster(let cluster) = loop.traffic.port(target, now: .sinceStart) {
                counts = [cluster.count(.requests), cluster.count(.pending), cluster.count(.retries)]
            }
            if case .shield(let shield) = loop.traffic.shield(target.service) {
                counts.append(shield.state.concurrency?.active ?? -1)
            }
            return counts
        }
    }

    private func isFree(_ rig: GatewayRig) async throws -> Bool { try await taken(rig) == [0, 0, 0, 0] }

    /// Sends some bytes, waits, and cuts the tunnel under the call.
    private func leave(
        _ rig: GatewayRig, after text: String, until isUnderWay: () async throws -> Bool
    ) async throws {
        let tunnel = try await rig.connect()
        let held = try await rig.open("10.1.0.1:80", on: tunnel)
        try? await held.executeThenClose { _, outbound in
            try await outbound.write(ByteBuffer(string: text))
            try await eventually("it is under way") { try await isUnderWay() }
            try await cut(tunnel, rig)
        }
    }

    private func cut(_ tunnel: NIOLoopBound<HBONEConnection>, _ rig: GatewayRig) async throws {
        try await rig.eventLoop.submit { tunnel.value.close(.cut(.drainDeadline)) }.get()
    }

    /// The next request is served; before, all was given back.
    private func expectRoom(_ rig: GatewayRig) async throws {
        try await eventually("all is given back") { try await isFree(rig) }
        let answer = try await rig.get("/next")
        #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(answer)")
        try await eventually("all is given back again") { try await isFree(rig) }
    }

    private func server() async throws -> WebServer {
        try await WebServer { request in
            switch request.path {
            case "/hold": ""
            case "/part": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"
            case "/gone": nil
            case "/busy": WebServer.text("no", status: "503 Busy")
            default: WebServer.text("ok")
            }
        }
    }

    @Test("the caller leaves: before an answer, in the middle of the request, in the middle of the answer", arguments: [
        "GET /hold HTTP/1.1\r\nHost: api\r\n\r\n", "POST /body HTTP/1.1\r\nHost: api\r\nContent-Length: 100\r\n\r\nabc",
        "GET /part HTTP/1.1\r\nHost: api\r\n\r\n",
    ])
    func caller(_ text: String) async throws {
        let server = try await server()
        let rig = try await rig(world(server.port))
        try await leave(rig, after: text) { try await taken(rig) == [1, 0, 0, 1] && server.connectionCount == 1 }
        try await expectRoom(rig)
        server.stop()
        try await rig.stop()
    }

    @Test("the caller leaves while the connection is made, and while it waits for one")
    func callerWhilePending() async throws {
        let full = try await FullListener()
        let rig = try await rig(world(full.port)) { $0.policy.connections.connectTimeout = .seconds(60) }
        let text = "GET / HTTP/1.1\r\nHost: api\r\n\r\n"
        try await leave(rig, after: text) { try await taken(rig) == [1, 1, 0, 1] }
        try await eventually("all is given back") { try await isFree(rig) }
        try await rig.stop()
        try await full.stop()

        let server = try await server()
        let waiting = try await self.rig(world(server.port)) { rules in
            rules.policy.connections.requestsMax = nil
            rules.policy.connections.connectionsMax = 1
            rules.limits = TrafficGuard()
        }
        let tunnel = try await waiting.connect()
        let held = try await waiting.open("10.1.0.1:80", on: tunnel)
        try? await held.executeThenClose { _, outbound in
            try await outbound.write(ByteBuffer(string: "GET /hold HTTP/1.1\r\nHost: api\r\n\r\n"))
            try await eventually("one is under way") { server.requests.count == 1 }
            try await leave(waiting, after: text) { try await taken(waiting) == [2, 1, 0] }
            try await eventually("the one that waited is gone") { try await taken(waiting) == [1, 0, 0] }
            try await cut(tunnel, waiting)
        }
        try await eventually("all is given back") { try await taken(waiting) == [0, 0, 0] }
        #expect(try await waiting.get("/next").hasPrefix("HTTP/1.1 200 "))
        server.stop()
        try await waiting.stop()
    }

    @Test("the caller leaves between two tries")
    func callerWhileRetrying() async throws {
        let server = try await server()
        let backOff = try RetryBackOff(minimum: .seconds(3600))
        let retry = try RetryPolicy.gateway(statuses: [503], backOff: backOff)
        let behaviour = RouteBehaviour(.forward(to: [try Make.forward("api")]), retry: retry)
        let rig = try await rig(world(server.port, routes: [try Make.rule("/", behaviour)]))
        try await leave(rig, after: "GET /busy HTTP/1.1\r\nHost: api\r\n\r\n") {
            try await taken(rig) == [0, 0, 1, 1]
        }
        try await expectRoom(rig)
        server.stop()
        try await rig.stop()
    }

    @Test("the caller leaves during a delay on purpose")
    func callerWhileDelayed() async throws {
        let server = try await server()
        let share = try #require(RequestShare(percent: 100))
        let rig = try await rig(world(server.port)) {
            $0.limits.fault = FaultInjection(delay: .init(duration: .seconds(3600), share: share))
        }
        try await leave(rig, after: "GET / HTTP/1.1\r\nHost: api\r\n\r\n") { try await taken(rig).last == 1 }
        try await eventually("all is given back") { try await taken(rig).last == 0 }
        server.stop()
        try await rig.stop()
    }

    @Test("a caller of HTTP/2 gives a request up, and another leaves whole")
    func streams() async throws {
        let server = try await server()
        let rig = try await rig(world(server.port))
        let tunnel = try await rig.connect()
        let connection = try await rig.openHTTP2(on: tunnel)
        _ = try await rig.call(connection, "/hold") { server.requests.count == 1 }
        try await eventually("all is given back") { try await isFree(rig) }
        async let held = rig.call(connection, "/hold")
        try await eventually("another is under way") { server.requests.count == 2 }
        try await cut(tunnel, rig)
        _ = try await held
        try await expectRoom(rig)
        server.stop()
        try await rig.stop()
    }

    @Test("the endpoint goes, and times run out", arguments: ["/gone", "/hold"])
    func endpoint(_ path: String) async throws {
        let server = try await server()
        let timeouts = try RouteTimeouts(request: RouteTimeout(.milliseconds(500)), backendRequest: nil)
        let behaviour = RouteBehaviour(.forward(to: [try Make.forward("api")]), timeouts: timeouts)
        let rig = try await rig(world(server.port, routes: [try Make.rule("/", behaviour)]))
        #expect(try await rig.get(path).hasPrefix("HTTP/1.1 50"))
        try await eventually("all is given back") { try await isFree(rig) }
        let attempt = try RouteTimeouts(request: nil, backendRequest: RouteTimeout(.milliseconds(200)))
        let tried = RouteBehaviour(
            .forward(to: [try Make.forward("api")]), timeouts: attempt, retry: try .gateway(statuses: [504]))
        let again = try await self.rig(world(server.port, routes: [try Make.rule("/", tried)]))
        #expect(try await again.get(path).hasPrefix("HTTP/1.1 50"))
        try await eventually("all is given back") { try await isFree(again) }
        server.stop()
        try await rig.stop()
        try await again.stop()
    }

    @Test("after a change of protocols the request counts until its bytes end")
    func upgrade() async throws {
        let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        let server = try await WebServer { $0.path == "/next" ? WebServer.text("ok") : head }
        let rig = try await rig(world(server.port))
        let text = "GET / HTTP/1.1\r\nHost: api\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        // The place before the service is free: how long bytes go on says nothing of its latency.
        try await leave(rig, after: text) { try await taken(rig) == [1, 0, 0, 0] && server.requests.count == 1 }
        try await expectRoom(rig)
        server.stop()
        try await rig.stop()
    }

    @Test("a copy counts where it goes, and gives back when its time is over")
    func mirror() async throws {
        let server = try await server()
        let mirror = RequestMirror(target: Make.target("other"))
        let behaviour = RouteBehaviour(.forward(to: [try Make.forward("api")]), mirrors: [mirror])
        var world = try Make.pair(
            api: [("127.0.0.1", server.port)], other: [("127.0.0.1", server.port)],
            routes: [try Make.rule("/", behaviour)])
        var rules = TrafficRules(service: Make.target("other").service)
        rules.policy.connections.requestsMax = 1
        world.apply(.upsertTraffic(rules))
        var settings = Make.settings
        settings.mirrorTimeout = .milliseconds(500)
        let rig = try await rig(world, settings: settings)
        try await leave(rig, after: "GET /hold HTTP/1.1\r\nHost: api\r\n\r\n") {
            try await taken(rig, Make.target("other")) == [1, 0, 0]
        }
        try await eventually("the copy is over") { try await taken(rig, Make.target("other")) == [0, 0, 0] }
        try await eventually("all is given back") { try await isFree(rig) }
        server.stop()
        try await rig.stop()
    }

    @Test("the loop ends with requests under way")
    func shutdown() async throws {
        let server = try await server()
        let rig = try await rig(world(server.port))
        let held = try await rig.open("10.1.0.1:80")
        try? await held.executeThenClose { _, outbound in
            try await outbound.write(ByteBuffer(string: "GET /hold HTTP/1.1\r\nHost: api\r\n\r\n"))
            try await eventually("one is under way") { server.requests.count == 1 }
            try await rig.onLoop { $0.close() }
            try await eventually("all is given back") { try await isFree(rig) }
            let connections = try await rig.onLoop { loop in
                if case .cluster(let cluster) = loop.traffic.port(Make.target("api"), now: .sinceStart) {
                    return cluster.count(.connections)
                }
                return -1
            }
            #expect(connections == 0)
        }
        server.stop()
        try await rig.stop()
    }
}

import HBONE
import MeshDiscovery
import MeshModel
import Testing
import WaypointRoute

@testable import WaypointGateway

/// Named after the conformance tests of the Gateway API.
@Suite("gRPC routes")
struct GRPCTests {
    private let servers: (StreamServer, StreamServer)
    private let rig: GatewayRig

    /// Rules for calls of `api`; `other` listens on the same port of another address.
    init() async throws {
        let api = try await StreamServer()
        servers = (api, try await StreamServer(host: "127.0.0.2", port: Int(api.port)))
        rig = try await GatewayRig(World())
    }

    private func route(_ rules: [(GRPCMatch, RouteBehaviour)]) async throws -> CallerConnection {
        let port = servers.0.port
        var world = try Make.pair(api: [("127.0.0.1", port)], other: [("127.0.0.2", port)], declared: .grpc)
        let rules = try rules.enumerated().map { number, rule in
            try GRPCRouteRule(
                origin: RouteOrigin(kind: .grpc, namespace: Make.namespace, name: "grpc", ruleIndex: number),
                matches: [rule.0], behaviour: rule.1)
        }
        world.apply(
            contentsOf: [.upsertRoutes(AttachedRoutes(RouteTable(target: Make.target("api"), grpc: rules)))])
        try await rig.learn(world)
        return try await rig.openHTTP2()
    }

    private func forward(_ name: String) throws -> RouteBehaviour {
        RouteBehaviour(.forward(to: [try Make.forward(name)]))
    }

    private func stop() async throws {
        servers.0.stop()
        servers.1.stop()
        try await rig.stop()
    }

    /// Calls answered by `api` and by `other`.
    private var counts: [Int] { [servers.0.requests.count, servers.1.requests.count] }

    @Test("GRPCExactMethodMatching; what no rule matches is not implemented")
    func exactMethod() async throws {
        let connection = try await route([
            (GRPCMatch(method: try GRPCMethodMatch(exactService: "p.Echo", method: "Get")), try forward("api")),
            (GRPCMatch(method: try GRPCMethodMatch(exactService: "p.Echo", method: "Set")), try forward("other")),
        ])
        #expect(try await rig.callGRPC(connection, "/p.Echo/Get").trailer("grpc-status") == "0" && counts == [1, 0])
        #expect(try await rig.callGRPC(connection, "/p.Echo/Set").trailer("grpc-status") == "0" && counts == [1, 1])
        let unmatched = try await rig.callGRPC(connection, "/p.Echo/Other")
        #expect(unmatched.status == 200 && unmatched.isHeadOnly && unmatched.field("grpc-status") == "12")
        #expect(unmatched.field("content-type") == "application/grpc" && counts == [1, 1])
        try await stop()
    }

    @Test("GRPCRouteHeaderMatching")
    func headers() async throws {
        let match = { (value: String) in
            GRPCMatch(headers: [HeaderMatch(try HeaderName("version"), .exact(value))])
        }
        let connection = try await route([(match("one"), try forward("api")), (match("two"), try forward("other"))])
        for (version, status, expected) in [("one", nil, [1, 0]), ("two", nil, [1, 1]), ("six", "12", [1, 1])]
            as [(String, String?, [Int])]
        {
            let answer = try await rig.callGRPC(connection, "/p.Echo/Get", [("version", version)])
            #expect(answer.field("grpc-status") == status && counts == expected, "\(version)")
        }
        try await stop()
    }

    @Test("GRPCRouteWeight")
    func weights() async throws {
        let backends = [try Make.forward("api", weight: 70), try Make.forward("other", weight: 30)]
        let connection = try await route([(GRPCMatch(), RouteBehaviour(.forward(to: backends)))])
        for _ in 0..<500 {
            #expect(try await rig.callGRPC(connection, "/p.Echo/Get").trailer("grpc-status") == "0")
        }
        let share = Double(counts[0]) / 500
        #expect((0.6...0.8).contains(share), "\(counts)")
        #expect(servers.0.connectionCount == 1 && servers.1.connectionCount == 1)
        try await stop()
    }

    @Test("GRPCRouteRequestHeaderModifier")
    func modifier() async throws {
        let modifier = try HeaderModifier(
            set: [HeaderField(HeaderName("x-set"), "new")],
            add: [HeaderField(HeaderName("x-add"), "more")], remove: [HeaderName("x-remove")])
        let behaviour = RouteBehaviour(.forward(to: [try Make.forward("api")]), requestHeaders: modifier)
        let connection = try await route([(GRPCMatch(), behaviour)])
        let fields = [("x-set", "old"), ("x-add", "one"), ("x-remove", "gone")]
        #expect(try await rig.callGRPC(connection, "/p.Echo/Get", fields).trailer("grpc-status") == "0")
        let seen = try #require(servers.0.requests.first)
        #expect(seen.field("x-set") == "new" && seen.field("x-remove") == nil && seen.body == "message")
        #expect(HeaderList(seen.head.fields)["x-add"] == "one,more")
        try await stop()
    }

    @Test("no endpoint is told as gRPC tells it")
    func unavailable() async throws {
        try await rig.learn(try Make.pair(api: [], declared: .grpc))
        let answer = try await rig.callGRPC(try await rig.openHTTP2(), "/p.Echo/Get")
        #expect(answer.status == 200 && answer.isHeadOnly && answer.field("grpc-status") == "14")
        #expect(answer.field("grpc-message")?.isEmpty == false)
        try await stop()
    }
}

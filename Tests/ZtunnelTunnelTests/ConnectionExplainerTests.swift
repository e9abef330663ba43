import MeshDiscovery
import MeshModel
import Testing

@testable import ZtunnelTunnel

@Suite("What nodes would do with a connection, and why")
struct ConnectionExplainerTests {
    private func mesh(waypoint status: WorkloadStatus) throws -> World {
        let way = try service(
            "way", at: "10.1.0.9", ports: [ServicePort(servicePort: 15008, targetPort: 15008)])
        let api = try service("api", at: "10.1.0.1") { $0.waypoint = GatewayReference(.hostname(way.key)) }
        let open = try service("open", at: "10.1.0.2")
        let pods = [
            try pod("client", at: "10.0.0.1"), try pod("outside", at: "10.0.0.2", tunnel: .none),
            try pod("api", at: "10.0.0.3") { $0.services = [api.key: api.ports, open.key: open.ports] },
            try pod("way-0", at: "10.0.0.9") {
                $0.services = [way.key: way.ports]
                $0.status = status
            },
        ]
        return world(way, api, open, pods[0], pods[1], pods[2], pods[3])
    }

    private func report(
        _ from: String, _ to: String, port: UInt16? = nil, waypoint status: WorkloadStatus = .healthy,
        policies: [AuthorizationPolicy] = []
    ) throws -> ConnectionReport {
        var world = try mesh(waypoint: status)
        world.apply(contentsOf: policies.map(WorldChange.upsertPolicy))
        return try ConnectionExplainer(world: world, network: "")
            .explain(ConnectionQuestion(from: from, to: to, port: port))
    }

    @Test("a service's waypoint comes first; one that is not ready refuses, and it is said")
    func waypoint() throws {
        let ready = try report("ns/client", "ns/api")
        #expect(ready.way == .waypoint && ready.waypoint == "ns/way" && ready.isAllowed)
        #expect(ready.hop?.address == "10.0.0.9:15008" && ready.policies.isEmpty)
        let refused = try report("ns/client", "api.example.com", waypoint: .unhealthy)
        #expect(refused.way == .refused && refused.waypoint == "ns/way" && !refused.isAllowed)
        #expect(refused.notes == ["waypoint ns/way is not ready: nobody healthy stands behind its name"])
    }

    @Test("without one the destination's policies judge: by name from the mesh, without a name from outside")
    func direct() throws {
        let inside = try report("10.0.0.1", "10.1.0.2")
        #expect(inside.way == .tunnel && inside.waypoint == nil && inside.isAllowed)
        #expect(inside.hop?.address == "10.0.0.3:8080" && inside.service == "ns/open.example.com")
        #expect(inside.policies.first == "from 10.0.0.1, \(inside.source.identity) (mutual TLS), to 10.0.0.3:8080")
        let denied = try report("ns/client", "ns/open", policies: [denyAll])
        #expect(!denied.isAllowed && denied.policies.last?.hasPrefix("denied: ") == true)
        let outside = try report("ns/outside", "ns/api")
        #expect(outside.way == .plain && outside.notes.contains("the connection passes by waypoint ns/way"))
        #expect(outside.policies.first == "from 10.0.0.2, no identity (plain text), to 10.0.0.3:8080")
    }

    @Test("names and ports that nobody knows are mistakes of whoever asks")
    func problems() throws {
        for (from, to) in [("ns/nobody", "ns/api"), ("ns/client", "ns/nothing"), ("ns/client", "10.0.0.3")] {
            #expect(throws: ExplainProblem.self, "\(from) \(to)") { try report(from, to) }
        }
    }
}

import MeshDiscovery
import MeshModel
import SeededTesting
import Testing

@testable import ZtunnelTunnel

private func decide(
    _ original: String, in world: World, source: Workload, client: String, excluding: Set<String> = [],
    seed: UInt64 = 1
) throws -> OutboundRoute {
    var generator = SeededGenerator(seed: seed)
    return OutboundRouter(world: world, source: source, network: "").route(
        try address(original), client: try address(client), excluding: excluding, using: &generator)
}

@Suite("Outbound: waypoints")
struct OutboundWaypointTests {
    private let client: Workload
    private let waypoint: Workload
    private let gateway: Service

    init() throws {
        client = try pod("client", at: "10.0.0.1")
        gateway = try service("gateway", at: "10.1.0.9", ports: [ServicePort(servicePort: 15008, targetPort: 15008)])
        waypoint = try pod("waypoint", at: "10.0.0.9").serving(gateway)
    }

    private func route(_ original: String, _ world: World, excluding: Set<String> = []) throws -> String {
        summary(
            try decide(original, in: world, source: client, client: "10.0.0.1:5000", excluding: excluding))
    }

    private var references: [GatewayReference] {
        get throws {
            [
                GatewayReference(.address(network: "", try ip("10.0.0.9"))),
                GatewayReference(.address(network: "", try ip("10.1.0.9"))),
                GatewayReference(.hostname(gateway.key)),
            ]
        }
    }

    @Test("a workload with a waypoint is reached through it, however the waypoint is named")
    func workloadBehind() throws {
        for reference in try references {
            let web = try pod("web", at: "10.0.0.2") { $0.waypoint = reference }
            let world = world(client, gateway, waypoint, web)
            #expect(try route("10.0.0.2:80", world) == "HBONE 10.0.0.9:15008 for 10.0.0.2:80", "\(reference)")
            guard
                case .tunnel(let hop) = try decide("10.0.0.2:80", in: world, source: client, client: "10.0.0.1:5000")
            else { return wrong("no tunnel") }
            #expect(hop.workload == waypoint && hop.service == nil && hop.expected == [waypoint.identity])
        }
    }

    @Test("a service with a waypoint is reached through it, with its own address as authority")
    func serviceBehind() throws {
        for reference in try references {
            let front = try service("front", at: "10.1.0.1") { $0.waypoint = reference }
            let web = try pod("web", at: "10.0.0.2").serving(front)
            let world = world(client, gateway, waypoint, front, web)
            #expect(try route("10.1.0.1:80", world) == "HBONE 10.0.0.9:15008 for 10.1.0.1:80", "\(reference)")
            guard
                case .tunnel(let hop) = try decide("10.1.0.1:80", in: world, source: client, client: "10.0.0.1:5000")
            else { return wrong("no tunnel") }
            #expect(hop.service == front, "telemetry names what was asked for, not the waypoint's service")
        }
    }

    @Test("a waypoint that is a workload known by its hostname")
    func workloadByHostname() throws {
        let named = try pod("named", at: "10.0.0.8") { $0.hostname = "waypoint.example.org" }
        let key = ServiceKey(namespace: "ns", hostname: "waypoint.example.org")
        let web = try pod("web", at: "10.0.0.2") { $0.waypoint = GatewayReference(.hostname(key), hbonePort: 15009) }
        #expect(try route("10.0.0.2:80", world(client, named, web)) == "HBONE 10.0.0.8:15009 for 10.0.0.2:80")
    }

    @Test("the waypoint's service may map its port to another one")
    func mappedPort() throws {
        let mapping = try service(
            "mapping", at: "10.1.0.8", ports: [ServicePort(servicePort: 15008, targetPort: 16000)])
        let backend = try pod("backend", at: "10.0.0.8").serving(mapping)
        let web = try pod("web", at: "10.0.0.2") { $0.waypoint = GatewayReference(.hostname(mapping.key)) }
        let world = world(client, mapping, backend, web)
        #expect(try route("10.0.0.2:80", world) == "HBONE 10.0.0.8:16000 for 10.0.0.2:80")
    }

    @Test("an IPv6 destination and a waypoint of IPv4 only: the waypoint's address is used")
    func otherFamily() throws {
        let reference = GatewayReference(.address(network: "", try ip("10.0.0.9")))
        let web = try pod("web", at: "2001:db8::2") { $0.waypoint = reference }
        let world = world(client, gateway, waypoint, web)
        #expect(try route("[2001:db8::2]:80", world) == "HBONE 10.0.0.9:15008 for [2001:db8::2]:80")
    }

    @Test("the caller's own waypoint does not matter")
    func sourceWaypoint() throws {
        var source = client
        source.waypoint = GatewayReference(.hostname(gateway.key))
        let web = try pod("web", at: "10.0.0.2")
        let route = try decide(
            "10.0.0.2:80", in: world(source, gateway, waypoint, web), source: source, client: "10.0.0.1:5000")
        #expect(summary(route) == "HBONE 10.0.0.2:15008 for 10.0.0.2:80")
    }

    @Test("what the waypoint itself sends goes straight to the workload")
    func fromWaypoint() throws {
        for reference in try references {
            let web = try pod("web", at: "10.0.0.2") { $0.waypoint = reference }
            let world = world(client, gateway, waypoint, web)
            let own = try decide("10.0.0.2:80", in: world, source: waypoint, client: "10.0.0.9:5000")
            #expect(summary(own) == "HBONE 10.0.0.2:15008 for 10.0.0.2:80", "\(reference)")
            // Identity alone is not enough, nor is the address.
            let elsewhere = try decide("10.0.0.2:80", in: world, source: waypoint, client: "10.0.0.7:5000")
            #expect(summary(elsewhere) == "HBONE 10.0.0.9:15008 for 10.0.0.2:80", "\(reference)")
            let impostor = try decide("10.0.0.2:80", in: world, source: client, client: "10.0.0.9:5000")
            #expect(summary(impostor) == "HBONE 10.0.0.9:15008 for 10.0.0.2:80", "\(reference)")
        }
    }

    @Test("a workload's waypoint does not stand before a service without one")
    func serviceWithoutWaypoint() throws {
        let front = try service("front", at: "10.1.0.1")
        let web = try pod("web", at: "10.0.0.2") { $0.waypoint = GatewayReference(.hostname(gateway.key)) }
        let world = world(client, gateway, waypoint, front, web.serving(front))
        #expect(try route("10.1.0.1:80", world) == "HBONE 10.0.0.2:15008 for 10.0.0.2:8080")
    }

    @Test("a waypoint nobody knows, or without endpoints, refuses: traffic must not pass by it")
    func unknownWaypoint() throws {
        let key = ServiceKey(namespace: "ns", hostname: "nowhere.example.org")
        let reference = GatewayReference(.hostname(key))
        let web = try pod("web", at: "10.0.0.2") { $0.waypoint = reference }
        let front = try service("front", at: "10.1.0.1") { $0.waypoint = reference }
        let expected = "refused: \(ConnectionFailure.unknownWaypoint(key.description))"
        let world = world(client, front, web.serving(front))
        #expect(try route("10.0.0.2:80", world) == expected)
        #expect(try route("10.1.0.1:80", world) == expected)
    }

    @Test("a waypoint in another network is refused")
    func farWaypoint() throws {
        var far = waypoint
        far.network = "remote"
        let web = try pod("web", at: "10.0.0.2") { $0.waypoint = GatewayReference(.hostname(gateway.key)) }
        let expected = "refused: \(ConnectionFailure.unknownWaypoint(gateway.key.description))"
        #expect(try route("10.0.0.2:80", world(client, gateway, far, web)) == expected)
    }

    @Test("a waypoint endpoint that just failed is left out, until none is left")
    func excluded() throws {
        let second = try pod("second", at: "10.0.0.8").serving(gateway)
        let front = try service("front", at: "10.1.0.1") {
            $0.waypoint = GatewayReference(.hostname(gateway.key))
        }
        let world = world(client, gateway, waypoint, second, front)
        let failed: Set = [waypoint.uid]
        #expect(try route("10.1.0.1:80", world, excluding: failed) == "HBONE 10.0.0.8:15008 for 10.1.0.1:80")
        let expected = "refused: \(ConnectionFailure.unknownWaypoint(gateway.key.description))"
        #expect(try route("10.1.0.1:80", world, excluding: [waypoint.uid, second.uid]) == expected)
    }

    @Test("several waypoints share by weight; one of weight 0 gets nothing")
    func weighted() throws {
        let others = [try pod("a", at: "10.0.1.1"), try pod("b", at: "10.0.1.2"), try pod("c", at: "10.0.1.3")]
        let front = try service("front", at: "10.1.0.1") {
            $0.waypoint = GatewayReference(.hostname(gateway.key))
            $0.weightedWaypoints = try zip(others, [30, 0, 10]).map { workload, weight in
                WeightedWaypoint(
                    GatewayReference(.address(network: "", try #require(workload.addresses.first))), weight: weight)
            }
        }
        let world = world(client, gateway, waypoint, front, others[0], others[1], others[2])
        var counts: [String: Int] = [:]
        for seed in 0..<400 as Range<UInt64> {
            let route = try decide("10.1.0.1:80", in: world, source: client, client: "10.0.0.1:5000", seed: seed)
            counts[summary(route), default: 0] += 1
        }
        #expect(counts.count == 2)
        #expect((240...360).contains(counts["HBONE 10.0.1.1:15008 for 10.1.0.1:80", default: 0]))
    }
}

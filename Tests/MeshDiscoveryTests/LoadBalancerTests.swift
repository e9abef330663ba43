import MeshDiscovery
import MeshModel
import SeededTesting
import Testing

@Suite("Load balancing")
struct LoadBalancerTests {
    private let key = ServiceKey(namespace: "ns", hostname: "h")

    private func member(
        _ name: String, region: String = "", zone: String = "", network: String = "",
        ports: [ServicePort] = [], _ change: (inout Workload) -> Void = { _ in }
    ) throws -> Workload {
        try pod(name, at: ["10.0.0.1"]) {
            $0.locality = Locality(region: region, zone: zone)
            $0.network = network
            $0.services = [key: ports]
            change(&$0)
        }
    }

    private func names(
        _ workloads: [Workload], _ loadBalancing: LoadBalancing = LoadBalancing(), port: UInt16 = 80,
        ports: [ServicePort] = [ServicePort(servicePort: 80, targetPort: 8080)],
        rule: LoadBalancer.PortRule = .service, excluding: Set<String> = []
    ) throws -> [String: Int] {
        let service = try service("h", ports: ports) { $0.loadBalancing = loadBalancing }
        var world = World()
        world.apply(contentsOf: workloads.map(WorldChange.upsertWorkload) + [.upsertService(service)])
        let source = try member("source", region: "r", zone: "z", network: "n")
        var generator = SeededGenerator(seed: 7)
        var chosen: [String: Int] = [:]
        for _ in 0..<1000 {
            let endpoint = LoadBalancer.choose(
                service: service, port: port, source: source, from: world, rule: rule, excluding: excluding,
                using: &generator)
            chosen[endpoint?.workload.name ?? "none", default: 0] += 1
        }
        return chosen
    }

    private let failover = LoadBalancing(routingPreferences: [.network, .region, .zone], mode: .failover)

    @Test("failover takes the nearest group and nothing else")
    func failoverGroups() throws {
        let ranked = [
            try member("all", region: "r", zone: "z", network: "n"), try member("region", region: "r", network: "n"),
            try member("network", region: "x", network: "n"), try member("far", region: "r", zone: "z", network: "m"),
            try member("farther", region: "r", network: "m"), try member("farthest", region: "x", network: "m"),
        ]
        for index in ranked.indices {
            #expect(try names(Array(ranked[index...].reversed()), failover) == [ranked[index].name: 1000])
        }
    }

    @Test("ranks are those of Istio's ztunnel", arguments: [
        ("n", "r", "z", 5, true), ("n", "r", "", 4, false), ("n", "", "z", 3, false), ("", "r", "z", 2, false),
        ("", "r", "", 1, false), ("", "", "z", 0, false),
    ])
    func ranks(network: String, region: String, zone: String, rank: Int, isComplete: Bool) throws {
        let source = try member("source", region: "r", zone: "z", network: "n")
        let other = try member("other", region: region, zone: zone, network: network)
        let result = LocalityRank(of: other, from: source, by: [.network, .region, .zone])
        #expect(result.rank == rank)
        #expect(result.isComplete == isComplete)
    }

    @Test("equal empty names count as shared, and counting stops at the first difference")
    func rankOrder() throws {
        let source = try pod("a", node: "n1") { $0.clusterID = "c1" }
        let other = try pod("b", node: "n2") { $0.clusterID = "c1" }
        #expect(LocalityRank(of: other, from: source, by: [.subzone, .cluster, .node, .network]).rank == 2)
        #expect(LocalityRank(of: other, from: source, by: [.node, .cluster]).rank == 0)
        #expect(LocalityRank(of: other, from: source, by: []) == LocalityRank(of: source, from: source, by: []))
    }

    @Test("strict takes only endpoints that share every scope")
    func strict() throws {
        let strict = LoadBalancing(routingPreferences: [.network, .zone], mode: .strict)
        let near = try member("near", zone: "z", network: "n")
        let others = [try member("zone", zone: "z", network: "m"), try member("network", zone: "y", network: "n")]
        #expect(try names(others + [near], strict) == ["near": 1000])
        #expect(try names(others, strict) == ["none": 1000])
        #expect(try names(others, LoadBalancing(routingPreferences: [], mode: .strict)).keys.contains("none") == false)
    }

    @Test("without a mode every endpoint is chosen, by its weight")
    func weights() throws {
        let chosen = try names([
            try member("light", region: "far"), try member("heavy") { $0.capacity = 3 },
        ])
        #expect((200...300).contains(chosen["light"] ?? 0))
        #expect((700...800).contains(chosen["heavy"] ?? 0))
    }

    @Test("weights at the limit of their type do not overflow")
    func largeWeights() throws {
        let chosen = try names(["a", "b", "c"].map { name in try member(name) { $0.capacity = .max } })
        #expect(chosen.keys.sorted() == ["a", "b", "c"])
    }

    @Test("an unhealthy endpoint is not chosen unless the service allows all")
    func health() throws {
        let ill = try member("ill") { $0.status = .unhealthy }
        #expect(try names([ill]) == ["none": 1000])
        #expect(try names([ill], LoadBalancing(healthPolicy: .allowAll)) == ["ill": 1000])
    }

    @Test("an endpoint needs an address, a hostname, or a gateway to another network")
    func reachability() throws {
        let gateway = GatewayReference(.address(network: "m", try ip("192.0.2.1")))
        #expect(try names([try member("bare") { $0.addresses = [] }]) == ["none": 1000])
        #expect(try names([try member("named") { $0.addresses = []; $0.hostname = "x" }]) == ["named": 1000])
        let remote = try member("remote", network: "m") { $0.addresses = []; $0.networkGateway = gateway }
        #expect(try names([remote]) == ["remote": 1000])
        let sameNetwork = try member("same", network: "n") { $0.addresses = []; $0.networkGateway = gateway }
        #expect(try names([sameNetwork]) == ["none": 1000])
    }

    @Test("a port that the service does not list has no endpoint")
    func unknownPort() throws {
        #expect(try names([try member("a")], port: 81) == ["none": 1000])
        #expect(try names([try member("a")], port: 81, rule: .waypoint) == ["none": 1000])
        let tunnelled = try member("a") { $0.applicationTunnel = ApplicationTunnel(form: .proxy) }
        #expect(try names([tunnelled], port: 81) == ["none": 1000])
        #expect(try names([tunnelled], port: 81, rule: .waypoint) == ["a": 1000])
    }

    @Test("a named port needs the endpoint's own mapping")
    func namedPort() throws {
        let named = [ServicePort(servicePort: 80, targetPort: nil)]
        let mapped = try member("mapped", ports: [ServicePort(servicePort: 80, targetPort: 9090)])
        #expect(try names([mapped, try member("unmapped")], ports: named) == ["mapped": 1000])
    }

    @Test("endpoints that were tried already are left out")
    func excluding() throws {
        let both = [try member("a"), try member("b")]
        #expect(try names(both, excluding: ["c//Pod/ns/a"]) == ["b": 1000])
        #expect(try names(both, excluding: ["c//Pod/ns/a", "c//Pod/ns/b"]) == ["none": 1000])
    }

    @Test("a service that is not known has no endpoint")
    func unknownService() throws {
        var generator = SeededGenerator(seed: 1)
        let endpoint = LoadBalancer.choose(
            service: try service("h"), port: 80, source: try pod("a"), from: World(), using: &generator)
        #expect(endpoint == nil)
    }
}

@Suite("The port and address of an endpoint")
struct EndpointTargetTests {
    private let key = ServiceKey(namespace: "ns", hostname: "h")

    private func port(
        service target: UInt16?, endpoint mapped: UInt16? = nil, tunnel: ApplicationTunnel? = nil
    ) throws -> UInt16? {
        let service = try service("h", ports: [ServicePort(servicePort: 80, targetPort: target)])
        let workload = try pod("a", at: ["10.0.0.1"]) {
            $0.services = [key: mapped.map { [ServicePort(servicePort: 80, targetPort: $0)] } ?? []]
            $0.applicationTunnel = tunnel
        }
        let world = world(.upsertService(service), .upsertWorkload(workload))
        let endpoint = try #require(world.endpoint(of: key, uid: workload.uid))
        return EndpointTarget.port(service: service, endpoint: endpoint, servicePort: 80)
    }

    @Test("the endpoint's mapping comes before the service's target, an application tunnel last")
    func targetPort() throws {
        #expect(try port(service: 8080) == 8080)
        #expect(try port(service: 8080, endpoint: 9090) == 9090)
        #expect(try port(service: nil, endpoint: 9090) == 9090)
        #expect(try port(service: nil) == nil)
        #expect(try port(service: nil, tunnel: ApplicationTunnel(form: .proxy, port: 15088)) == 80)
        #expect(try port(service: nil, tunnel: ApplicationTunnel(form: .proxy)) == nil)
        #expect(try port(service: 8080, tunnel: ApplicationTunnel(form: .proxy, port: 15088)) == 8080)
    }

    @Test("the original destination, then its family, then any admitted family, a hostname, a gateway")
    func address() throws {
        let dual = try pod("a", at: ["10.0.0.1", "2001:db8::1"])
        let v4 = try ip("10.9.9.9")
        let v6 = try ip("2001:db8::9")
        func address(
            _ workload: Workload, _ original: IPAddress, _ families: IPFamilies = .automatic
        ) throws -> EndpointTarget.Address {
            EndpointTarget.address(
                of: workload, service: try service("h") { $0.ipFamilies = families }, originalDestination: original)
        }
        #expect(try address(dual, v4) == .ip(try ip("10.0.0.1")))
        #expect(try address(dual, v6) == .ip(try ip("2001:db8::1")))
        #expect(try address(dual, v4, .v6Only) == .ip(try ip("2001:db8::1")))
        #expect(try address(dual, try ip("10.0.0.1"), .v6Only) == .ip(try ip("10.0.0.1")))
        #expect(try address(try pod("b", at: ["10.0.0.1"]), v6) == .ip(try ip("10.0.0.1")))
        #expect(try address(try pod("b", at: ["10.0.0.1"]), v6, .v6Only) == .none)
        let gateway = GatewayReference(.address(network: "m", v4))
        let named = try pod("c") { $0.hostname = "x"; $0.networkGateway = gateway }
        #expect(try address(named, v6) == .hostname("x", preferring: .v6))
        #expect(try address(try pod("d") { $0.networkGateway = gateway }, v4) == .networkGateway(gateway))
        #expect(try address(try pod("e"), v4) == .none)
    }
}

import MeshDiscovery
import MeshModel
import SeededTesting
import Testing

@testable import ZtunnelTunnel

/// A route in one line: how, where to, with which authority.
func summary(_ route: OutboundRoute) -> String {
    switch route {
    case .tunnel(let hop): return "HBONE \(hop.peer) for \(hop.authority)"
    case .plain(let hop): return "TCP \(hop.destination)"
    case .refused(let failure): return "refused: \(failure)"
    }
}

/// Decides for a client at 127.0.0.1 in namespace `ns`, unless told otherwise.
private func decide(
    _ original: String, in world: World, source: Workload? = nil, client: String = "127.0.0.1:5000",
    excluding: Set<String> = [], seed: UInt64 = 1
) throws -> OutboundRoute {
    let router = OutboundRouter(world: world, source: try source ?? pod("client", at: "127.0.0.1"), network: "")
    var generator = SeededGenerator(seed: seed)
    return router.route(
        try address(original), client: try address(client), excluding: excluding, using: &generator)
}

private func check(
    _ original: String, in world: World, source: Workload? = nil, _ expected: String,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    for seed in 0..<8 as Range<UInt64> {
        let route = try decide(original, in: world, source: source, seed: seed)
        #expect(summary(route) == expected, sourceLocation: sourceLocation)
    }
}

@Suite("Outbound: addresses of workloads")
struct OutboundWorkloadTests {
    @Test("an address nobody described gets plain TCP, unchanged")
    func unknown() throws {
        let world = world(try pod("web", at: "10.0.0.2"))
        try check("1.2.3.4:80", in: world, "TCP 1.2.3.4:80")
        guard case .plain(let hop) = try decide("1.2.3.4:80", in: world) else { return wrong("not plain") }
        #expect(hop.workload == nil && hop.service == nil)
    }

    @Test("a workload is reached as its protocol says, on whichever node it is", arguments: ["local", "remote"])
    func known(node: String) throws {
        let plain = try pod("plain", at: "10.0.0.2", node: node, tunnel: .none)
        let meshed = try pod("meshed", at: "10.0.0.3", node: node)
        let world = world(plain, meshed)
        try check("10.0.0.2:80", in: world, "TCP 10.0.0.2:80")
        try check("10.0.0.3:80", in: world, "HBONE 10.0.0.3:15008 for 10.0.0.3:80")
        guard case .tunnel(let hop) = try decide("10.0.0.3:80", in: world) else { return wrong("no tunnel") }
        #expect(hop.workload == meshed && hop.service == nil && hop.expected == [meshed.identity])
        #expect(hop.target == (try address("10.0.0.3:80")))
        guard case .plain(let hop) = try decide("10.0.0.2:80", in: world) else { return wrong("not plain") }
        #expect(hop.workload == plain)
    }

    @Test("IPv6 stands in brackets in the authority")
    func v6() throws {
        let world = world(try pod("web", at: "2001:db8::2"))
        try check("[2001:db8::2]:80", in: world, "HBONE [2001:db8::2]:15008 for [2001:db8::2]:80")
    }

    @Test("of several addresses the one that was asked for is used")
    func severalAddresses() throws {
        let world = world(try pod("web", at: "10.0.0.2", "2001:db8::2"))
        try check("10.0.0.2:80", in: world, "HBONE 10.0.0.2:15008 for 10.0.0.2:80")
        try check("[2001:db8::2]:80", in: world, "HBONE [2001:db8::2]:15008 for [2001:db8::2]:80")
    }

    @Test("a workload of another network is refused: no gateway leads there")
    func wrongNetwork() throws {
        let far = try pod("far", at: "10.0.0.2") { $0.network = "remote" }
        let front = try service("front", at: "10.1.0.1")
        let world = world(far.serving(front), front)
        // Its address means nothing in our network.
        try check("10.0.0.2:80", in: world, "TCP 10.0.0.2:80")
        guard case .refused(.unsupported) = try decide("10.1.0.1:80", in: world) else {
            return wrong("not refused")
        }
    }

    @Test("a pod on the host's network is found through its service only")
    func hostNetwork() throws {
        let front = try service("front", at: "10.1.0.1")
        let agent = try pod("agent", at: "192.0.2.9", tunnel: .none) { $0.networkMode = .hostNetwork }
        let world = world(agent.serving(front), front)
        try check("192.0.2.9:80", in: world, "TCP 192.0.2.9:80")
        try check("10.1.0.1:80", in: world, "TCP 192.0.2.9:8080")
        guard case .plain(let direct) = try decide("192.0.2.9:80", in: world),
            case .plain(let routed) = try decide("10.1.0.1:80", in: world)
        else { return wrong("not plain") }
        #expect(direct.workload == nil && routed.workload?.name == "agent" && routed.service == front)
    }

    @Test("our own ports on loopback are refused, other ports and other addresses are not", arguments: [
        ("127.0.0.1:15001", true), ("127.9.9.9:15006", true), ("[::1]:15008", true), ("127.0.0.1:15000", false),
        ("127.0.0.1:80", false), ("10.9.9.9:15001", false),
    ])
    func recursion(original: String, isRefused: Bool) throws {
        let expected = isRefused ? "refused: \(ConnectionFailure.recursion)" : "TCP \(original)"
        let source = try pod("client", at: "10.0.0.1")
        try check(original, in: world(), source: source, expected)
    }

    @Test("a workload without an address that is ours to resolve is refused")
    func noAddress() throws {
        let front = try service("front", at: "10.1.0.1")
        let named = try pod("named") { $0.hostname = "db.example.org" }
        try check(
            "10.1.0.1:80", in: world(named.serving(front), front),
            "refused: \(ConnectionFailure.noResolvedAddress(workload: named.uid))")
    }
}

@Suite("Outbound: services")
struct OutboundServiceTests {
    @Test("a virtual address leads to an endpoint and its target port")
    func virtualAddress() throws {
        let front = try service("front", at: "10.1.0.1")
        let web = try pod("web", at: "10.0.0.2").serving(front)
        let world = world(front, web)
        try check("10.1.0.1:80", in: world, "HBONE 10.0.0.2:15008 for 10.0.0.2:8080")
        guard case .tunnel(let hop) = try decide("10.1.0.1:80", in: world) else { return wrong("no tunnel") }
        #expect(hop.service == front && hop.workload == web)
    }

    @Test("further names of the service are accepted at the other end; what is no SPIFFE id is not")
    func subjectAltNames() throws {
        let front = try service("front", at: "10.1.0.1") {
            $0.subjectAltNames = ["spiffe://td/ns/other/sa/db", "db.example.org"]
        }
        let web = try pod("web", at: "10.0.0.2").serving(front)
        guard case .tunnel(let hop) = try decide("10.1.0.1:80", in: world(front, web)) else {
            return wrong("no tunnel")
        }
        let other = Identity(trustDomain: "td", namespace: "other", serviceAccount: "db")
        #expect(hop.expected == [web.identity, other])
    }

    @Test("a port the service does not have, a service without endpoints, unhealthy ones only: refused")
    func noEndpoint() throws {
        let front = try service("front", at: "10.1.0.1")
        let empty = try service("empty", at: "10.1.0.2")
        let sick = try service("sick", at: "10.1.0.3")
        let web = try pod("web", at: "10.0.0.2").serving(front)
        let ill = try pod("ill", at: "10.0.0.3") { $0.status = .unhealthy }.serving(sick)
        let world = world(front, empty, sick, web, ill)
        for original in ["10.1.0.1:81", "10.1.0.2:80", "10.1.0.3:80"] {
            let failure = ConnectionFailure.noHealthyUpstream(try address(original))
            try check(original, in: world, "refused: \(failure)")
        }
    }

    @Test("a named port uses only endpoints that say which port it is")
    func namedPort() throws {
        let front = try service("front", at: "10.1.0.1", ports: [ServicePort(servicePort: 80, targetPort: nil)])
        let mapped = try pod("mapped", at: "10.0.0.2")
            .serving(front, ports: [ServicePort(servicePort: 80, targetPort: 9090)])
        let unmapped = try pod("unmapped", at: "10.0.0.3").serving(front)
        try check("10.1.0.1:80", in: world(front, mapped, unmapped), "HBONE 10.0.0.2:15008 for 10.0.0.2:9090")
    }

    @Test("an endpoint's own mapping goes before the service's")
    func ownMapping() throws {
        let front = try service("front", at: "10.1.0.1")
        let web = try pod("web", at: "10.0.0.2")
            .serving(front, ports: [ServicePort(servicePort: 80, targetPort: 9090)])
        try check("10.1.0.1:80", in: world(front, web), "HBONE 10.0.0.2:15008 for 10.0.0.2:9090")
    }

    @Test("a passthrough service keeps the destination, unless a waypoint stands before it")
    func passthrough() throws {
        let open = try service("open", at: "10.1.0.1") { $0.loadBalancing = LoadBalancing(mode: .passthrough) }
        let web = try pod("web", at: "10.0.0.2").serving(open)
        try check("10.1.0.1:80", in: world(open, web), "TCP 10.1.0.1:80")
        let waypoint = try pod("waypoint", at: "10.0.0.9")
        let fronted = try service("open", at: "10.1.0.1") {
            $0.loadBalancing = LoadBalancing(mode: .passthrough)
            $0.waypoint = GatewayReference(.address(network: "", try ip("10.0.0.9")))
        }
        try check("10.1.0.1:80", in: world(fronted, web, waypoint), "HBONE 10.0.0.9:15008 for 10.1.0.1:80")
    }

    @Test("the service's address families decide, and without a word the caller's family", arguments: [
        (IPFamilies.v6Only, "2001:db8::2", "2001:db8::2"), (.v4Only, "10.0.0.2", "10.0.0.2"),
        (.dual, "10.0.0.2", "2001:db8::2"), (.automatic, "10.0.0.2", "2001:db8::2"),
    ])
    func families(families: IPFamilies, forV4: String, forV6: String) throws {
        let front = try service("front", at: "10.1.0.1", "2001:db8:1::1") { $0.ipFamilies = families }
        let web = try pod("web", at: "10.0.0.2", "2001:db8::2").serving(front)
        let world = world(front, web)
        for (original, expected) in [("10.1.0.1:80", forV4), ("[2001:db8:1::1]:80", forV6)] {
            let peer = TransportAddress(try ip(expected), port: 15008)
            let target = TransportAddress(try ip(expected), port: 8080)
            try check(original, in: world, "HBONE \(peer) for \(target)")
        }
    }

    @Test("an endpoint that just failed is left out, until none is left")
    func excluded() throws {
        let front = try service("front", at: "10.1.0.1")
        let first = try pod("first", at: "10.0.0.2").serving(front)
        let second = try pod("second", at: "10.0.0.3").serving(front)
        let world = world(front, first, second)
        for seed in 0..<16 as Range<UInt64> {
            let route = try decide("10.1.0.1:80", in: world, excluding: [first.uid], seed: seed)
            #expect(summary(route) == "HBONE 10.0.0.3:15008 for 10.0.0.3:8080")
        }
        guard case .refused = try decide("10.1.0.1:80", in: world, excluding: [first.uid, second.uid]) else {
            return wrong("both failed, and still a route")
        }
    }

    @Test("a workload's address that is a virtual address too leads to the service")
    func both() throws {
        let front = try service("front", at: "10.0.0.2")
        let web = try pod("web", at: "10.0.0.2")
        let other = try pod("other", at: "10.0.0.3").serving(front)
        try check("10.0.0.2:80", in: world(front, web, other), "HBONE 10.0.0.3:15008 for 10.0.0.3:8080")
    }
}

import MeshDiscovery
import MeshModel
import Testing

@testable import ZtunnelTunnel

private func decide(
    _ authority: String, for workload: Workload, in world: World, local: String = "10.0.0.2", forwarded: String? = nil
) throws -> Result<InboundTarget, InboundRefusal> {
    let router = InboundRouter(world: world, workload: workload, network: "", local: try ip(local))
    do throws(InboundRefusal) {
        return .success(try router.target(authority: authority, forwarded: forwarded))
    } catch {
        return .failure(error)
    }
}

/// Where it goes, or the status that refuses it.
private func outcome(
    _ authority: String, for workload: Workload, in world: World, local: String = "10.0.0.2"
) throws -> String {
    switch try decide(authority, for: workload, in: world, local: local) {
    case .success(let target): return "\(target.destination)"
    case .failure(let refusal): return "\(refusal.status)"
    }
}

@Suite("Inbound: what a CONNECT asks for")
struct InboundRouterTests {
    @Test("our own address with any port, in both families")
    func ownAddress() throws {
        let web = try pod("web", at: "10.0.0.2", "2001:db8::2")
        let world = world(web)
        #expect(try outcome("10.0.0.2:80", for: web, in: world) == "10.0.0.2:80")
        #expect(try outcome("10.0.0.2:65535", for: web, in: world) == "10.0.0.2:65535")
        #expect(try outcome("[2001:db8::2]:80", for: web, in: world, local: "2001:db8::2") == "[2001:db8::2]:80")
        #expect(try outcome("[::ffff:10.0.0.2]:80", for: web, in: world) == "10.0.0.2:80")
    }

    @Test("another address is refused, known or not, with words that name both")
    func foreignAddress() throws {
        let web = try pod("web", at: "10.0.0.2", "10.0.0.22")
        let other = try pod("other", at: "10.0.0.3")
        let world = world(web, other)
        for authority in ["10.0.0.3:80", "10.9.9.9:80", "127.0.0.1:80", "10.0.0.22:80", "[2001:db8::3]:80"] {
            #expect(try outcome(authority, for: web, in: world) == "400", "\(authority)")
        }
        let refusal = try decide("10.0.0.3:80", for: web, in: world)
        #expect(
            refusal
                == .failure(
                    InboundRefusal(
                        status: 400, failure: .addressMismatch(local: "10.0.0.2", requested: "10.0.0.3"))))
    }

    @Test("our own ports are refused, behind an address and behind a name", arguments: [
        UInt16(15001), 15006, 15008,
    ])
    func reservedPort(port: UInt16) throws {
        let front = try service("front", ports: [ServicePort(servicePort: 80, targetPort: port)])
        let web = try pod("web", at: "10.0.0.2").serving(front)
        let world = world(web, front)
        let expected = Result<InboundTarget, InboundRefusal>.failure(InboundRefusal(status: 503, failure: .recursion))
        #expect(try decide("10.0.0.2:\(port)", for: web, in: world) == expected)
        #expect(try decide("front.example.com:80", for: web, in: world) == expected)
    }

    @Test("what is no address and port, or name and port, is refused", arguments: [
        "", ":", ":80", "10.0.0.2", "10.0.0.2:", "10.0.0.2:0", "10.0.0.2:65536", "10.0.0.2:80x", "10.0.0.2:-1",
        "10.0.0.2:+80", "2001:db8::2:80", "[2001:db8::2]", "[10.0.0.2]:80", "[]:80", "http://10.0.0.2:80",
        "front.example.com", "front.example.com:", "[10.0.0.2:80", "10.0.0.2]:80",
    ])
    func badAuthority(text: String) throws {
        let web = try pod("web", at: "10.0.0.2", "2001:db8::2")
        guard case .failure(let refusal) = try decide(text, for: web, in: world(web)) else {
            return wrong("accepted")
        }
        #expect(refusal == InboundRefusal(status: 400, failure: .invalidAuthority(text)))
    }

    @Test("a service's name leads to our port for it: our own mapping, else the service's")
    func hostname() throws {
        let front = try service("front", ports: [
            ServicePort(servicePort: 80, targetPort: 8080), ServicePort(servicePort: 81, targetPort: nil),
            ServicePort(servicePort: 82, targetPort: nil), ServicePort(servicePort: 83, targetPort: 8083),
        ])
        let web = try pod("web", at: "10.0.0.2").serving(
            front,
            ports: [ServicePort(servicePort: 81, targetPort: 9081), ServicePort(servicePort: 83, targetPort: 9083)])
        let world = world(web, front)
        #expect(try outcome("front.example.com:80", for: web, in: world) == "10.0.0.2:8080")
        #expect(try outcome("front.example.com:81", for: web, in: world) == "10.0.0.2:9081", "named port")
        #expect(try outcome("front.example.com:83", for: web, in: world) == "10.0.0.2:9083", "ours goes first")
        for port: UInt16 in [82, 84] {
            let failure = ConnectionFailure.noPortForService(hostname: "front.example.com", port: port)
            let refusal = try decide("front.example.com:\(port)", for: web, in: world)
            #expect(refusal == .failure(InboundRefusal(status: 503, failure: failure)))
        }
        let unknown = try decide("nowhere.example.com:80", for: web, in: world)
        #expect(
            unknown == .failure(InboundRefusal(status: 503, failure: .noSuchHostname("nowhere.example.com"))))
    }

    @Test("a name in our own namespace goes before the same name elsewhere")
    func hostnameNamespace() throws {
        let ours = try service("front", ports: [ServicePort(servicePort: 80, targetPort: 8080)])
        let theirs = try service("front", namespace: "a", ports: [ServicePort(servicePort: 80, targetPort: 1)])
        let web = try pod("web", at: "10.0.0.2").serving(ours)
        #expect(try outcome("front.example.com:80", for: web, in: world(web, ours, theirs)) == "10.0.0.2:8080")
    }

    @Test("with an application tunnel any address is taken, and its port is the tunnel's")
    func applicationTunnel() throws {
        let web = try pod("web", at: "10.0.0.2") { $0.applicationTunnel = ApplicationTunnel(form: .proxy, port: 15088) }
        let world = world(web)
        #expect(try outcome("10.0.0.2:80", for: web, in: world) == "10.0.0.2:15088")
        #expect(try outcome("10.9.9.9:80", for: web, in: world) == "10.0.0.2:15088")
        #expect(try outcome("10.0.0.2:15008", for: web, in: world) == "503", "the port asked for is looked at first")
        let portless = try pod("web", at: "10.0.0.2") { $0.applicationTunnel = ApplicationTunnel(form: .none) }
        #expect(try outcome("10.9.9.9:80", for: portless, in: ZtunnelTunnelTests.world(portless)) == "10.0.0.2:80")
    }
}

@Suite("Inbound: a waypoint takes what is meant for others")
struct InboundWaypointTests {
    private let gateway: Service
    private let waypoint: Workload

    init() throws {
        gateway = try service("gateway", at: "10.1.0.9", ports: [ServicePort(servicePort: 15008, targetPort: 15008)])
        waypoint = try pod("waypoint", at: "10.0.0.9").serving(gateway)
    }

    @Test("an application that is told by a PROXY header hears where its caller wanted to go")
    func announced() throws {
        var front = try service("front", at: "2001:db8::a", "10.1.0.1")
        front.virtualAddresses.insert(VirtualAddress(network: "far", try ip("10.7.0.1")), at: 0)
        func announced(
            _ authority: String, _ service: Service, form: ApplicationTunnel.Form = .proxy
        ) throws -> Result<TransportAddress?, InboundRefusal> {
            let waypoint = try pod("web", at: "10.0.0.2") {
                $0.applicationTunnel = ApplicationTunnel(form: form, port: 15088)
            }.serving(service)
            return try decide(authority, for: waypoint, in: world(waypoint, service)).map(\.announced)
        }
        #expect(try announced("10.9.9.9:80", front) == .success(address("10.9.9.9:80")), "with the caller's own port")
        #expect(try announced("front.example.com:80", front) == .success(address("10.1.0.1:80")), "IPv4 first")
        #expect(try announced("10.9.9.9:80", front, form: .none) == .success(nil))
        front.virtualAddresses.removeLast()
        #expect(try announced("front.example.com:80", front) == .success(address("[2001:db8::a]:80")), "own network")
        front.virtualAddresses.removeLast()
        #expect(try announced("front.example.com:80", front) == .success(address("10.7.0.1:80")), "then any")
        front.virtualAddresses.removeAll()
        let refusal = InboundRefusal(status: 503, failure: .noAddressForService(hostname: "front.example.com"))
        #expect(try announced("front.example.com:80", front) == .failure(refusal))
        #expect(try announced("front.example.com:80", front, form: .none) == .success(nil), "nobody asks for it")
    }

    @Test("for workloads and services that name it: by its pod's address, its service's address, its hostname")
    func attached() throws {
        for destination: GatewayReference.Destination in [
            .address(network: "", try ip("10.0.0.9")), .address(network: "", try ip("10.1.0.9")),
            .hostname(gateway.key),
        ] {
            let reference = GatewayReference(destination)
            let web = try pod("web", at: "10.0.0.2") { $0.waypoint = reference }
            let front = try service("front", at: "10.1.0.1") { $0.waypoint = reference }
            let world = world(gateway, waypoint, web, front)
            for authority in ["10.0.0.2:80", "10.1.0.1:80"] {
                #expect(
                    try outcome(authority, for: waypoint, in: world, local: "10.0.0.9") == "10.0.0.9:80",
                    "\(authority) by \(destination)")
            }
        }
    }

    @Test("not for those that name no waypoint, another one, or one nobody knows")
    func notAttached() throws {
        let other = try pod("other", at: "10.0.0.8")
        let bare = try pod("bare", at: "10.0.0.2")
        let elsewhere = try pod("elsewhere", at: "10.0.0.3") {
            $0.waypoint = GatewayReference(.address(network: "", try ip("10.0.0.8")))
        }
        let nowhere = try service("nowhere", at: "10.1.0.1") {
            $0.waypoint = GatewayReference(.hostname(ServiceKey(namespace: "ns", hostname: "none.example.org")))
        }
        let world = world(gateway, waypoint, other, bare, elsewhere, nowhere)
        for authority in ["10.0.0.2:80", "10.0.0.3:80", "10.1.0.1:80"] {
            #expect(try outcome(authority, for: waypoint, in: world, local: "10.0.0.9") == "400", "\(authority)")
        }
    }

    @Test("a waypoint of a service is not one of its workloads, and the other way round")
    func oneKindOnly() throws {
        let reference = GatewayReference(.hostname(gateway.key))
        let front = try service("front", at: "10.1.0.1") { $0.waypoint = reference }
        let behind = try pod("behind", at: "10.0.0.2").serving(front)
        let bare = try service("bare", at: "10.1.0.2")
        let web = try pod("web", at: "10.0.0.3") { $0.waypoint = reference }.serving(bare)
        let world = world(gateway, waypoint, front, behind, bare, web)
        #expect(try outcome("10.1.0.1:80", for: waypoint, in: world, local: "10.0.0.9") == "10.0.0.9:80")
        #expect(try outcome("10.0.0.2:80", for: waypoint, in: world, local: "10.0.0.9") == "400")
        #expect(try outcome("10.0.0.3:80", for: waypoint, in: world, local: "10.0.0.9") == "10.0.0.9:80")
        #expect(try outcome("10.1.0.2:80", for: waypoint, in: world, local: "10.0.0.9") == "400")
    }
}

@Suite("Inbound: which service telemetry names")
struct InboundServiceTests {
    private func named(
        _ port: Int, for workload: Workload, in world: World, forwarded: String? = nil
    ) throws -> String? {
        try decide("10.0.0.2:\(port)", for: workload, in: world, forwarded: forwarded).get().service?.name
    }

    @Test("the one the caller says, if it is ours; else the first with this port")
    func byPort() throws {
        let a = try service("a")
        let b = try service("b")
        let c = try service("c", ports: [ServicePort(servicePort: 80, targetPort: nil)])
        let foreign = try service("foreign")
        let web = try pod("web", at: "10.0.0.2").serving(a, b).serving(
            c, ports: [ServicePort(servicePort: 80, targetPort: 9090)])
        let world = world(a, b, c, foreign, web)
        #expect(try named(8080, for: web, in: world) == "a")
        #expect(try named(8080, for: web, in: world, forwarded: "for=\"1.2.3.4:5\";host=b.example.com") == "b")
        #expect(try named(8080, for: web, in: world, forwarded: "host=foreign.example.com") == "a")
        #expect(try named(8080, for: web, in: world, forwarded: "host=none.example.com") == "a")
        #expect(try named(9090, for: web, in: world) == "c", "through our own mapping")
        #expect(try named(7, for: web, in: world) == nil)
    }
}

import FoundationEssentials
import MeshDiscovery
import MeshModel
import MeshWire
import SwiftProtobuf
import Testing

@Suite("The codec between wire and model")
struct WireCodecTests {
    static func fullWorkload() -> Workload {
        var workload = Workload(uid: "c1//Pod/shop/web-1", name: "web-1", namespace: "shop", serviceAccount: "web")
        workload.trustDomain = "example.org"
        workload.addresses = [IPAddress(v4: 0x0a00_0001), IPAddress(v6High: 0x2001_0db8_0000_0000, low: 1)]
        workload.hostname = "db.example.org"
        workload.network = "n1"
        workload.networkMode = .hostNetwork
        workload.tunnel = .hbone
        workload.nativeTunnel = true
        workload.node = "node-a"
        workload.clusterID = "c1"
        workload.canonicalName = "web"
        workload.canonicalRevision = "v2"
        workload.workloadType = .job
        workload.workloadName = "web"
        workload.status = .unhealthy
        workload.locality = Locality(region: "r", zone: "z", subzone: "s")
        workload.capacity = 7
        workload.waypoint = GatewayReference(.hostname(ServiceKey(namespace: "shop", hostname: "waypoint.shop")))
        workload.networkGateway = GatewayReference(
            .address(network: "n2", IPAddress(v4: 0x0102_0304)), hbonePort: 15009)
        workload.applicationTunnel = ApplicationTunnel(form: .proxy, port: 9000)
        workload.authorizationPolicies = ["shop/a", "shop/b"]
        workload.services = [
            ServiceKey(namespace: "shop", hostname: "web.shop"): [
                ServicePort(servicePort: 80, targetPort: 8080, applicationProtocol: .http11)
            ],
            ServiceKey(namespace: "shop", hostname: "other.shop"): [ServicePort(servicePort: 81, targetPort: nil)],
        ]
        return workload
    }

    static func fullService() throws -> Service {
        var service = Service(name: "web", namespace: "shop", hostname: "web.shop.svc.cluster.local")
        service.virtualAddresses = [
            VirtualAddress(network: "n1", IPAddress(v4: 0x0a60_0001)),
            VirtualAddress(network: "", try #require(IPBlock("10.128.0.0/9"))),
            VirtualAddress(network: "n1", try #require(IPBlock("2001:db8::/32"))),
        ]
        service.ports = [
            ServicePort(servicePort: 80, targetPort: 8080, applicationProtocol: .grpc),
            ServicePort(servicePort: 443, targetPort: nil, applicationProtocol: .tls),
        ]
        service.subjectAltNames = ["spiffe://cluster.local/ns/a/sa/b"]
        let waypoint = GatewayReference(.hostname(ServiceKey(namespace: "shop", hostname: "wp")))
        service.waypoint = waypoint
        service.weightedWaypoints = [WeightedWaypoint(waypoint, weight: 90), WeightedWaypoint(waypoint, weight: 10)]
        service.loadBalancing = LoadBalancing(
            routingPreferences: [.network, .region, .zone, .subzone, .node, .cluster], mode: .failover,
            healthPolicy: .allowAll)
        service.ipFamilies = .dual
        service.isCanonical = true
        service.visibility = .ownNamespace
        return service
    }

    static func fullPolicy() throws -> AuthorizationPolicy {
        var match = AuthorizationPolicy.Match()
        match.namespaces = [.exact("a"), .prefix("b"), .suffix("c"), .presence]
        match.notNamespaces = [.exact("d")]
        match.principals = [.presence]
        match.notPrincipals = [.prefix("p")]
        match.sourceIPs = [try #require(IPBlock("10.0.0.0/8"))]
        match.notSourceIPs = [try #require(IPBlock("0.0.0.0/0"))]
        match.destinationIPs = [try #require(IPBlock("2001:db8::/64"))]
        match.notDestinationIPs = [try #require(IPBlock("1.2.3.4"))]
        match.destinationPorts = [80, 65535]
        match.notDestinationPorts = [1]
        match.serviceAccounts = [.init(namespace: "n", serviceAccount: "s")]
        match.notServiceAccounts = [.init(namespace: "m", serviceAccount: "t")]
        let rule = AuthorizationPolicy.Rule(clauses: [.init(matches: [match, .init()]), .init(matches: [])])
        return AuthorizationPolicy(
            name: "p", namespace: "shop", scope: .workloadSelector, action: .deny, rules: [rule], isDryRun: true)
    }

    @Test("a workload with every field set survives the way over the wire")
    func workloadRoundTrip() throws {
        let workload = Self.fullWorkload()
        let resource = WireCodec.encode(workload)
        #expect(resource.name == workload.uid)
        #expect(resource.body.typeURL == "type.googleapis.com/istio.workload.Address")
        #expect(try WireCodec.decode(resource.body) == .workload(workload))
    }

    @Test("a workload with nothing but its uid gets the defaults of the wire")
    func workloadDefaults() throws {
        let workload = try WireCodec.workload(.with { $0.uid = "u" })
        #expect(workload.serviceAccount == "default")
        #expect(workload.trustDomain == "cluster.local")
        #expect(workload.clusterID == "Kubernetes")
        #expect(workload.capacity == 1)
        #expect(workload.workloadType == .deployment)
        #expect(WireCodec.message(Workload(uid: "u", name: "", namespace: "")).trustDomain.isEmpty)
    }

    @Test("a service with every field set survives the way over the wire")
    func serviceRoundTrip() throws {
        let service = try Self.fullService()
        let resource = WireCodec.encode(service)
        #expect(resource.name == "shop/web.shop.svc.cluster.local")
        #expect(try WireCodec.decode(resource.body) == .service(service))
    }

    @Test("a policy with every field set survives the way over the wire")
    func policyRoundTrip() throws {
        let policy = try Self.fullPolicy()
        let resource = WireCodec.encode(policy)
        #expect(resource.name == "shop/p")
        #expect(resource.body.typeURL == "type.googleapis.com/istio.security.Authorization")
        #expect(try WireCodec.decode(resource.body) == .policy(policy))
    }

    @Test("intents and reports survive the way over the wire", arguments: [true, false])
    func enrolmentRoundTrip(flag: Bool) throws {
        let pod = PodKey(namespace: "shop", name: "web-1")
        let intent = PodIntent(pod: pod, serviceAccount: "web", captured: flag, bypassInbound: !flag, uid: "u-1")
        #expect(try WireCodec.intent(WireCodec.message(intent)) == intent)
        for phase in [PodReport.Phase.attached, .enrolling, .proven, .leaving, .failed] {
            let report = PodReport(pod: pod, phase: phase, message: "because")
            #expect(try WireCodec.report(WireCodec.message(report)) == report)
        }
    }

    @Test("a version depends on the content and on nothing else")
    func versions() throws {
        let workload = Self.fullWorkload()
        var sameInOtherOrder = workload
        sameInOtherOrder.services = [:]
        for (key, ports) in workload.services.reversed() { sameInOtherOrder.services[key] = ports }
        #expect(WireCodec.encode(workload) == WireCodec.encode(sameInOtherOrder))
        var other = workload
        other.capacity = 8
        #expect(WireCodec.encode(workload).version != WireCodec.encode(other).version)
        // Published FNV-1a value of "foobar": another process or release must come to the same.
        #expect(ContentHash.fnv1a(Array("foobar".utf8)) == 0x8594_4171_f739_67e8)
        #expect(ContentHash.version(of: Array("foobar".utf8)).count <= 13)
    }

    @Test("IPv4 addresses written as IPv6 become IPv4")
    func mappedAddresses() throws {
        let mapped = Data([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3])
        let workload = try WireCodec.workload(.with { $0.uid = "u"; $0.addresses = [mapped] })
        #expect(workload.addresses.map(\.description) == ["10.1.2.3"])
        let match = Istio_Security_Match.with { $0.sourceIps = [.with { $0.address = mapped; $0.length = 104 }] }
        let policy = try WireCodec.policy(policyMessage(match))
        #expect(policy.rules[0].clauses[0].matches[0].sourceIPs.map(\.description) == ["10.0.0.0/8"])
    }
}

private func policyMessage(_ match: Istio_Security_Match) -> Istio_Security_Authorization {
    .with {
        $0.name = "p"
        $0.namespace = "n"
        $0.rules = [.with { $0.clauses = [.with { $0.matches = [match] }] }]
    }
}

@Suite("What the codec refuses")
struct WireRejectionTests {
    private func workloadRejection(_ change: (inout Istio_Workload_Workload) -> Void) -> WireRejection? {
        var message = Istio_Workload_Workload.with { $0.uid = "u" }
        change(&message)
        do throws(WireRejection) { _ = try WireCodec.workload(message); return nil } catch { return error }
    }

    private func serviceRejection(_ change: (inout Istio_Workload_Service) -> Void) -> WireRejection? {
        var message = Istio_Workload_Service.with { $0.hostname = "h"; $0.namespace = "n" }
        change(&message)
        do throws(WireRejection) { _ = try WireCodec.service(message); return nil } catch { return error }
    }

    private func matchRejection(_ change: (inout Istio_Security_Match) -> Void) -> WireRejection? {
        var message = Istio_Security_Match()
        change(&message)
        return policyRejection(policyMessage(message))
    }

    private func policyRejection(_ message: Istio_Security_Authorization) -> WireRejection? {
        do throws(WireRejection) { _ = try WireCodec.policy(message); return nil } catch { return error }
    }

    @Test("a workload with a bad field is refused with the field's name")
    func workloads() {
        #expect(workloadRejection { _ in } == nil)
        #expect(workloadRejection { $0.uid = "" } == .missing(field: "uid"))
        for count in [0, 1, 3, 5, 15, 17] {
            #expect(
                workloadRejection { $0.addresses = [Data(count: count)] }
                    == .addressLength(field: "addresses", byteCount: count))
        }
        #expect(workloadRejection { $0.tunnelProtocol = .legacyIstioMtls } == .legacyTunnel)
        #expect(
            workloadRejection { $0.tunnelProtocol = .UNRECOGNIZED(9) }
                == .unknownValue(field: "tunnel_protocol", value: 9))
        #expect(workloadRejection { $0.status = .UNRECOGNIZED(9) } == .unknownValue(field: "status", value: 9))
        #expect(
            workloadRejection { $0.workloadType = .UNRECOGNIZED(9) }
                == .unknownValue(field: "workload_type", value: 9))
        #expect(
            workloadRejection { $0.networkMode = .UNRECOGNIZED(9) }
                == .unknownValue(field: "network_mode", value: 9))
        #expect(
            workloadRejection { $0.applicationTunnel.protocol = .UNRECOGNIZED(9) }
                == .unknownValue(field: "application_tunnel.protocol", value: 9))
        #expect(workloadRejection { $0.waypoint = .init() } == .gatewayWithoutDestination(field: "waypoint"))
        #expect(
            workloadRejection { $0.networkGateway = .init() }
                == .gatewayWithoutDestination(field: "network_gateway"))
        #expect(
            workloadRejection { $0.waypoint.address.address = Data([1]) }
                == .addressLength(field: "waypoint", byteCount: 1))
        for name in ["", "a", "a/b/c", "/b", "a/"] {
            #expect(workloadRejection { $0.services[name] = .init() } == .serviceKey(name))
        }
        #expect(
            workloadRejection { $0.services["a/b"] = .with { $0.ports = [.with { $0.servicePort = 65_536 }] } }
                == .port(field: "service_port", value: 65_536))
    }

    @Test("a service with a bad field is refused with the field's name")
    func services() {
        #expect(serviceRejection({ _ in }) == nil)
        #expect(serviceRejection({ $0.hostname = "" }) == .missing(field: "hostname"))
        #expect(serviceRejection({ $0.hostname = "a/b" }) == .serviceKey("n/a/b"))
        let v4 = Data([10, 0, 0, 1])
        #expect(
            serviceRejection({ $0.addresses = [.with { $0.address = v4; $0.length = 33 }] })
                == .prefixLength(field: "addresses", length: 33, bitCount: 32))
        #expect(
            serviceRejection({ $0.addresses = [.with { $0.address = Data(count: 16); $0.length = 129 }] })
                == .prefixLength(field: "addresses", length: 129, bitCount: 128))
        #expect(
            serviceRejection({ $0.ipFamilies = .UNRECOGNIZED(4) }) == .unknownValue(field: "ip_families", value: 4))
        #expect(
            serviceRejection({ $0.loadBalancing.routingPreference = [.unspecifiedScope] })
                == .unknownValue(field: "routing_preference", value: 0))
        #expect(
            serviceRejection({ $0.loadBalancing.mode = .UNRECOGNIZED(7) })
                == .unknownValue(field: "load_balancing.mode", value: 7))
        #expect(
            serviceRejection({ $0.loadBalancing.healthPolicy = .UNRECOGNIZED(7) })
                == .unknownValue(field: "health_policy", value: 7))
        #expect(
            serviceRejection({ $0.weightedWaypoints = [.init()] })
                == .gatewayWithoutDestination(field: "weighted_waypoints"))
        #expect(
            serviceRejection({ $0.ports = [.with { $0.appProtocol = .UNRECOGNIZED(7) }] })
                == .unknownValue(field: "app_protocol", value: 7))
    }

    @Test("an unknown visibility means everyone")
    func visibility() throws {
        let service = try WireCodec.service(
            .with { $0.hostname = "h"; $0.namespace = "n"; $0.visibility = .UNRECOGNIZED(5) })
        #expect(service.visibility == .everyone)
    }

    @Test("a policy with anything that is not understood is refused whole")
    func policies() throws {
        #expect(matchRejection({ _ in }) == nil)
        #expect(matchRejection({ $0.principals = [.init()] }) == .emptyStringMatch(field: "principals"))
        #expect(matchRejection({ $0.notNamespaces = [.init()] }) == .emptyStringMatch(field: "not_namespaces"))
        #expect(
            matchRejection({ $0.sourceIps = [.with { $0.address = Data([1, 2]) }] })
                == .addressLength(field: "source_ips", byteCount: 2))
        #expect(
            matchRejection({ $0.destinationIps = [.with { $0.address = Data([1, 2, 3, 4]); $0.length = 64 }] })
                == .prefixLength(field: "destination_ips", length: 64, bitCount: 32))
        #expect(
            matchRejection({ $0.destinationPorts = [65_616] }) == .port(field: "destination_ports", value: 65_616))
        #expect(matchRejection({ $0.extensions = [.init()] }) == .unknownPolicyField(message: "Match"))
        // Field 90, varint 1: a constraint of some later version.
        let later = try Istio_Security_Match(serializedBytes: [0xd0, 0x05, 0x01] as [UInt8])
        #expect(policyRejection(policyMessage(later)) == .unknownPolicyField(message: "Match"))
        #expect(policyRejection(.with { $0.namespace = "n" }) == .missing(field: "name"))
        #expect(
            policyRejection(.with { $0.name = "p"; $0.action = .UNRECOGNIZED(2) })
                == .unknownValue(field: "action", value: 2))
        #expect(
            policyRejection(.with { $0.name = "p"; $0.scope = .UNRECOGNIZED(3) })
                == .unknownValue(field: "scope", value: 3))
    }

    @Test("resources of unknown type, without content, or of broken bytes are refused")
    func resources() {
        func rejection(_ type: String, _ bytes: [UInt8]) -> WireRejection? {
            let body = Google_Protobuf_Any.with { $0.typeURL = type; $0.value = Data(bytes) }
            do throws(WireRejection) { _ = try WireCodec.decode(body); return nil } catch { return error }
        }
        let address = WireCodec.ResourceType.address.url
        #expect(rejection("type.googleapis.com/x", []) == .unexpectedType("type.googleapis.com/x"))
        #expect(rejection(address, []) == .noVariant)
        #expect(rejection(address, [0x0a, 0xff]) == .notDecodable(type: "istio.workload.Address"))
        #expect(
            rejection(WireCodec.ResourceType.authorization.url, [0xff])
                == .notDecodable(type: "istio.security.Authorization"))
    }
}

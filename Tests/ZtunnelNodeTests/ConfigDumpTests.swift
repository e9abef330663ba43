import Foundation
import MeshDiscovery
import MeshModel
import Testing

@testable import ZtunnelNode

@Suite("config_dump")
struct ConfigDumpTests {
    private typealias Object = [String: Any]

    private func object(_ value: some Encodable) throws -> Object {
        let data = try JSONEncoder().encode(value)
        return try #require(try JSONSerialization.jsonObject(with: data) as? Object)
    }

    private func ip(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    private func web() throws -> Workload {
        var web = Workload(uid: "c//Pod/shop/web", name: "web", namespace: "shop", serviceAccount: "sa")
        web.addresses = [try ip("10.0.0.1")]
        web.tunnel = .hbone
        return web
    }

    @Test("a workload has the keys that istioctl reads; what has its default is left out")
    func plainWorkload() throws {
        let dump = try object(WorkloadDump(try web()))
        #expect(
            dump.keys.sorted() == [
                "capacity", "clusterId", "name", "namespace", "protocol", "serviceAccount", "status", "trustDomain",
                "uid", "workloadIps", "workloadType",
            ])
        #expect(dump["protocol"] as? String == "HBONE")
        #expect(dump["status"] as? String == "Healthy")
        #expect(dump["workloadType"] as? String == "pod")
        #expect(dump["workloadIps"] as? [String] == ["10.0.0.1"])
    }

    @Test("a workload with everything has every key")
    func fullWorkload() throws {
        var web = try web()
        let gateway = GatewayReference(
            .address(network: "n", try ip("10.0.0.9")), hbonePort: 15008)
        web.waypoint = gateway
        web.networkGateway = gateway
        web.networkMode = .hostNetwork
        web.network = "n"
        web.workloadName = "web"
        web.canonicalName = "web"
        web.canonicalRevision = "v1"
        web.hostname = "web.example.com"
        web.node = "node1"
        web.nativeTunnel = true
        web.applicationTunnel = ApplicationTunnel(form: .proxy, port: 15088)
        web.authorizationPolicies = ["shop/p"]
        web.locality = Locality(region: "r", zone: "z")
        web.services = [ServiceKey(namespace: "shop", hostname: "h"): []]
        let dump = try object(WorkloadDump(web))
        let more = [
            "applicationTunnel", "authorizationPolicies", "canonicalName", "canonicalRevision", "hostname", "locality",
            "nativeTunnel", "network", "networkGateway", "networkMode", "node", "services", "waypoint", "workloadName",
        ]
        #expect(Set(more).isSubset(of: Set(dump.keys)))
        #expect(dump["networkMode"] as? String == "HostNetwork")
        #expect(dump["services"] as? [String] == ["shop/h"])
        let tunnel = try #require(dump["applicationTunnel"] as? Object)
        #expect(tunnel["protocol"] as? String == "PROXY" && tunnel["port"] as? Int == 15088)
        let waypoint = try #require(dump["waypoint"] as? Object)
        #expect(waypoint["destination"] as? String == "n/10.0.0.9" && waypoint["hboneMtlsPort"] as? Int == 15008)
        #expect((dump["locality"] as? Object)?.keys.sorted() == ["region", "zone"])
    }

    @Test("a service tells addresses from blocks, and its endpoints by uid")
    func service() throws {
        var service = Service(name: "api", namespace: "shop", hostname: "api.shop")
        service.virtualAddresses = [
            VirtualAddress(try ip("10.1.0.1")), VirtualAddress(network: "n", try #require(IPBlock("10.2.0.0/16"))),
            VirtualAddress(network: "n", try #require(IPBlock("fd00::1/128"))),
        ]
        service.ports = [ServicePort(servicePort: 80, targetPort: 8080), ServicePort(servicePort: 81, targetPort: nil)]
        var web = try web()
        web.services = [service.key: []]
        var world = World()
        world.apply(contentsOf: [.upsertService(service), .upsertWorkload(web)])
        let dump = try object(ServiceDump(service, in: world))
        #expect(dump["vips"] as? [String] == ["/10.1.0.1", "n/fd00::1"])
        #expect(dump["cidrVips"] as? [String] == ["n/10.2.0.0/16"])
        #expect(dump["ports"] as? [String: Int] == ["80": 8080, "81": 0])
        let endpoints = try #require(dump["endpoints"] as? [String: Object])
        #expect(endpoints.keys.sorted() == ["c//Pod/shop/web"])
        #expect(endpoints.values.first?.keys.sorted() == ["port", "status", "workloadUid"])
        #expect(dump["ipFamilies"] as? String == "Automatic")
        #expect(dump["visibility"] as? String == "Public")
        service.virtualAddresses = []
        #expect(try object(ServiceDump(service, in: World()))["cidrVips"] == nil)
    }

    @Test("a pod is Up when it is captured, else Pending, whatever we call it ourselves")
    func pods() throws {
        let pod = PodKey(namespace: "shop", name: "web")
        let connections = PodStateDump.Connections(
            inbound: [.init(src: "a", originalDst: "b", actualDst: nil, protocol: "HBONE")], outbound: [])
        for phase in [PodReport.Phase.attached, .enrolling, .proven, .leaving, .failed] {
            let dump = try object(
                PodStateDump(PodReport(pod: pod, phase: phase), workload: try web(), connections: connections))
            #expect(dump["state"] as? String == (phase == .proven ? "Up" : "Pending"))
            #expect(dump["phase"] as? String == phase.rawValue)
            #expect(dump.keys.sorted() == ["connections", "info", "phase", "state"])
            let info = try #require(dump["info"] as? [String: String])
            #expect(info == ["name": "web", "namespace": "shop", "serviceAccount": "sa"])
            let inbound = try #require((dump["connections"] as? Object)?["inbound"] as? [[String: String]])
            #expect(inbound == [["src": "a", "originalDst": "b", "protocol": "HBONE"]])
        }
        let failed = PodReport(pod: pod, phase: .failed, message: "no")
        let dump = try object(PodStateDump(failed, workload: nil, connections: connections))
        #expect(dump["message"] as? String == "no")
    }

    @Test("the top has the keys that istioctl looks for, and certificates are base64 of PEM")
    func top() throws {
        let item = CertificateDump.Item(pem: "PEM", serialNumber: "1", validFrom: "a", expirationTime: "b")
        let dump = ConfigDump(
            workloads: [], services: [], policies: [],
            certificates: [
                CertificateDump(identity: "i", state: "Available", certChain: [item], rootCerts: [item])
            ],
            workloadState: [:], version: VersionDump(version: "1", tlsLibrary: "t"))
        let top = try #require(try JSONSerialization.jsonObject(with: try dump.json()) as? Object)
        #expect(
            top.keys.sorted() == ["certificates", "policies", "services", "version", "workloadState", "workloads"])
        let certificate = try #require((top["certificates"] as? [Object])?.first)
        #expect(certificate.keys.sorted() == ["certChain", "identity", "rootCerts", "state"])
        let first = try #require((certificate["certChain"] as? [[String: String]])?.first)
        #expect(first == ["pem": "UEVN", "serialNumber": "1", "validFrom": "a", "expirationTime": "b"])
    }

    @Test("a policy's matches are objects that say how they match")
    func policy() throws {
        var match = AuthorizationPolicy.Match()
        match.namespaces = [.exact("a"), .prefix("b"), .suffix("c"), .presence]
        match.destinationPorts = [80]
        match.sourceIPs = [try #require(IPBlock("10.0.0.0/8"))]
        let policy = AuthorizationPolicy(
            name: "p", namespace: "shop", scope: .workloadSelector, action: .deny,
            rules: [.init(clauses: [.init(matches: [match])])])
        let dump = try object(PolicyDump(policy))
        #expect(dump.keys.sorted() == ["action", "name", "namespace", "rules", "scope"])
        #expect(dump["scope"] as? String == "WorkloadSelector" && dump["action"] as? String == "Deny")
        let rules = try #require(dump["rules"] as? [[[Object]]])
        let found = try #require(rules.first?.first?.first)
        #expect(found.keys.sorted() == ["destinationPorts", "namespaces", "sourceIps"])
        #expect(found["destinationPorts"] as? [Int] == [80])
        #expect(found["sourceIps"] as? [String] == ["10.0.0.0/8"])
        let namespaces = try #require(found["namespaces"] as? [Object])
        #expect(namespaces.map { $0.keys.first } == ["Exact", "Prefix", "Suffix", "Presence"])
    }
}

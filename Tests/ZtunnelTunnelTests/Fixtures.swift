import MeshDiscovery
import MeshModel
import Testing

/// Short ways to say what a test is about.
func pod(
    _ name: String, at addresses: String..., namespace: String = "ns", node: String = "local",
    tunnel: TunnelProtocol = .hbone, _ change: (inout Workload) throws -> Void = { _ in }
) throws -> Workload {
    var workload = Workload(uid: "c//Pod/\(namespace)/\(name)", name: name, namespace: namespace, serviceAccount: name)
    workload.addresses = try addresses.map(ip)
    workload.node = node
    workload.tunnel = tunnel
    try change(&workload)
    return workload
}

func service(
    _ name: String, at addresses: String..., namespace: String = "ns",
    ports: [ServicePort] = [ServicePort(servicePort: 80, targetPort: 8080)],
    _ change: (inout Service) throws -> Void = { _ in }
) throws -> Service {
    var service = Service(name: name, namespace: namespace, hostname: "\(name).example.com")
    service.virtualAddresses = try addresses.map { VirtualAddress(try ip($0)) }
    service.ports = ports
    try change(&service)
    return service
}

extension Workload {
    /// The same workload as an endpoint of a service, with its own ports for it.
    func serving(_ services: Service..., ports: [ServicePort] = []) -> Workload {
        var copy = self
        for service in services { copy.services[service.key] = ports }
        return copy
    }
}

func world(_ parts: any WorldPart...) -> World {
    var world = World()
    world.apply(contentsOf: parts.map(\.change))
    return world
}

/// What a world is made of.
protocol WorldPart {
    var change: WorldChange { get }
}

extension Workload: WorldPart {
    var change: WorldChange { .upsertWorkload(self) }
}

extension Service: WorldPart {
    var change: WorldChange { .upsertService(self) }
}

extension AuthorizationPolicy: WorldPart {
    var change: WorldChange { .upsertPolicy(self) }
}

func ip(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

func address(_ text: String) throws -> TransportAddress { try #require(TransportAddress(text)) }

/// A policy that refuses everybody everywhere.
let denyAll = AuthorizationPolicy(
    name: "deny-all", namespace: "istio-system", scope: .global, action: .deny, rules: [.init(clauses: [])])

/// Something came that the test cannot go on with.
func wrong(_ comment: Comment, sourceLocation: SourceLocation = #_sourceLocation) {
    Issue.record(comment, sourceLocation: sourceLocation)
}

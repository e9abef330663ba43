import MeshDiscovery
import MeshModel
import Testing

/// Short ways to say what a test is about.
func pod(
    _ name: String, namespace: String = "ns", at addresses: [String] = [], node: String = "node",
    tunnel: TunnelProtocol = .none, _ change: (inout Workload) -> Void = { _ in }
) throws -> Workload {
    var workload = Workload(uid: "c//Pod/\(namespace)/\(name)", name: name, namespace: namespace)
    workload.addresses = try addresses.map { try #require(IPAddress($0)) }
    workload.node = node
    workload.tunnel = tunnel
    change(&workload)
    return workload
}

func service(
    _ hostname: String, namespace: String = "ns", at blocks: [String] = [], network: String = "",
    ports: [ServicePort] = [ServicePort(servicePort: 80, targetPort: 8080)],
    _ change: (inout Service) -> Void = { _ in }
) throws -> Service {
    var service = Service(name: hostname, namespace: namespace, hostname: hostname)
    service.virtualAddresses = try blocks.map { VirtualAddress(network: network, try #require(IPBlock($0))) }
    service.ports = ports
    change(&service)
    return service
}

func ip(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

func world(_ changes: WorldChange...) -> World {
    var world = World()
    world.apply(contentsOf: changes)
    return world
}

package import MeshDiscovery
package import MeshModel

/// One service with its endpoints.
package struct ServiceDump: Encodable {
    struct EndpointDump: Encodable {
        var workloadUid: String
        var port: [String: UInt16]
        var status: String
    }

    struct LoadBalancerDump: Encodable {
        var routingPreferences: [String]
        var mode: String
        var healthPolicy: String
    }

    var name: String
    var namespace: String
    var hostname: String
    /// Single addresses, `NETWORK/ADDRESS`.
    var vips: [String]
    /// Blocks, `NETWORK/ADDRESS/LENGTH`.
    var cidrVips: [String]?
    var ports: [String: UInt16]
    var endpoints: [String: EndpointDump]
    var subjectAltNames: [String]?
    var waypoint: GatewayDump?
    var loadBalancer: LoadBalancerDump?
    var ipFamilies: String
    var canonical: Bool
    var visibility: String

    package init(_ service: Service, in world: World) {
        self.name = service.name
        self.namespace = service.namespace
        self.hostname = service.hostname
        self.vips = service.virtualAddresses.compactMap { address in
            address.exact.map { "\(address.network)/\($0)" }
        }
        let blocks = service.virtualAddresses.filter { $0.exact == nil }.map { "\($0.network)/\($0.block)" }
        self.cidrVips = blocks.isEmpty ? nil : blocks
        self.ports = service.ports.byServicePort
        self.endpoints = [:]
        for endpoint in world.endpoints(of: service.key) {
            let workload = endpoint.workload
            endpoints[workload.uid] = EndpointDump(
                workloadUid: workload.uid, port: endpoint.ports.byServicePort, status: workload.status.rawValue
            )
        }
        self.subjectAltNames = service.subjectAltNames.isEmpty ? nil : service.subjectAltNames
        self.waypoint = service.waypoint.map(GatewayDump.init)
        let balancing = service.loadBalancing
        if balancing != LoadBalancing() {
            self.loadBalancer = LoadBalancerDump(
                routingPreferences: balancing.routingPreferences.map(\.rawValue), mode: balancing.mode.rawValue,
                healthPolicy: balancing.healthPolicy.rawValue
            )
        }
        self.ipFamilies = service.ipFamilies.rawValue
        self.canonical = service.isCanonical
        self.visibility = service.visibility.rawValue
    }
}

extension [ServicePort] {
    /// Service port to target port; 0 stands for a named port.
    fileprivate var byServicePort: [String: UInt16] {
        Dictionary(map { (String($0.servicePort), $0.targetPort ?? 0) }) { first, _ in first }
    }
}

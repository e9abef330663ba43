package import MeshModel

/// A waypoint that the control plane runs, as far as the world depends on it.
package struct WaypointInstance: Hashable, Sendable {
    /// The Gateway it was started for; the resource may be gone meanwhile.
    package var gateway: GatewayResource
    /// `nil` when no address was left for it.
    package var address: IPAddress?
    /// A request has gone through it and come back.
    package var isReady: Bool
    /// What keeps it from being ready, in words.
    package var problem: String

    package init(gateway: GatewayResource, address: IPAddress?, isReady: Bool = false, problem: String = "") {
        self.gateway = gateway
        self.address = address
        self.isReady = isReady
        self.problem = problem
    }

    /// `NAMESPACE/NAME` of the Gateway.
    package var key: String { gateway.metadata.key }

    /// The name it has as a pod.
    package var podName: String { "\(gateway.metadata.name)-0" }

    /// The host that a request through it names in order to come back to the control plane.
    package var probeHostname: String { "\(gateway.metadata.name).\(gateway.metadata.namespace).probe.apus.internal" }

    /// The port of that host.
    package static let probePort: UInt16 = 80
}

/// Records that only waypoints get: for each waypoint a service behind it, and behind all of these the control plane.
/// A request to that service takes the way of every other request.
struct ProbeRecords {
    private let context: TranslateContext
    private let responder: TransportAddress

    init(_ context: TranslateContext, _ responder: TransportAddress) {
        self.context = context
        self.responder = responder
    }

    func service(_ instance: WaypointInstance) -> Service {
        let metadata = instance.gateway.metadata
        var service = Service(
            name: "\(metadata.name)-probe", namespace: metadata.namespace, hostname: instance.probeHostname)
        service.ports = [
            ServicePort(
                servicePort: WaypointInstance.probePort, targetPort: responder.port, applicationProtocol: .http11)
        ]
        let hostname = context.hostname(service: instance.gateway.serviceName, namespace: metadata.namespace)
        service.waypoint = GatewayReference(.hostname(ServiceKey(namespace: metadata.namespace, hostname: hostname)))
        return service
    }

    func workload(for services: [Service]) -> Workload {
        let settings = context.settings
        var workload = Workload(
            uid: "\(settings.clusterID)//apusd/probe", name: "apusd", namespace: settings.rootNamespace,
            serviceAccount: "apusd")
        workload.trustDomain = settings.trustDomain
        workload.network = context.network
        workload.clusterID = settings.clusterID
        workload.addresses = [responder.ip]
        for service in services { workload.services[service.key] = service.ports }
        return workload
    }
}

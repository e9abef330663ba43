import MeshModel

/// Gateways of a waypoint class. Each is reached by a Service, of its name unless it says otherwise; where nobody wrote
/// that one, it follows from the Gateway, as Istio's gateway deployment controller would make it.
struct WaypointGateways {
    private let gateways: [String: GatewayResource]
    /// Gateways that are written, by namespace and name; not those of waypoints that are about to leave.
    let written: [GatewayResource]
    /// Gateways for which somebody wrote pods: they are not ours to run.
    let withPods: Set<String>
    /// Pods of the waypoints that the control plane runs.
    let pods: [PodResource]
    private(set) var findings: [Finding] = []

    init(_ resources: ResourceSet, _ settings: TranslateSettings) {
        var gateways: [String: GatewayResource] = [:]
        for gateway in resources.gateways {
            if gateway.isWaypoint {
                gateways[gateway.metadata.key] = gateway
            } else {
                let message =
                    "class \(gateway.className) is not supported, only istio-waypoint and apus-waypoint; ignored"
                findings.append(
                    Finding(.warning, gateway.metadata.origin, resource: gateway.title, message))
            }
        }
        written = gateways.values.sorted { $0.metadata.key < $1.metadata.key }
        withPods = Set(
            resources.pods.compactMap { pod in
                pod.metadata.labels[Label.gatewayName].map { "\(pod.metadata.namespace)/\($0)" }
            })
        pods = settings.waypoints.compactMap(Self.pod)
        // A waypoint serves until its callers know that it leaves, so it stays in the world without its Gateway.
        for instance in settings.waypoints where gateways[instance.key] == nil {
            gateways[instance.key] = instance.gateway
        }
        self.gateways = gateways
    }

    /// A waypoint that we run, as the pod that a Deployment would have made.
    private static func pod(_ instance: WaypointInstance) -> PodResource? {
        guard let address = instance.address else { return nil }
        let gateway = instance.gateway.metadata
        var pod = PodResource(
            metadata: ResourceMetadata(
                name: instance.podName, namespace: gateway.namespace,
                labels: [
                    Label.gatewayName: gateway.name, Label.tunnel: "http", Label.dataplaneMode: "none",
                    Label.canonicalNames[0]: gateway.name,
                ], origin: gateway.origin))
        pod.serviceAccount = instance.gateway.serviceAccount
        pod.phase = .running
        pod.addresses = [address]
        pod.readiness = instance.isReady ? .ready : .notReady
        return pod
    }

    /// Services of gateways that have no pod that is ready.
    func unready(_ resources: ResourceSet, _ context: TranslateContext) -> Set<ServiceKey> {
        var unready = Set(
            gateways.values.map { gateway in
                let (name, namespace) = (gateway.serviceName, gateway.metadata.namespace)
                return ServiceKey(namespace: namespace, hostname: context.hostname(service: name, namespace: namespace))
            })
        for pod in resources.pods where isWaypoint(pod) && PodTranslation.isHealthy(pod) {
            guard let name = pod.metadata.labels[Label.gatewayName], !pod.addresses.isEmpty else { continue }
            let namespace = pod.metadata.namespace
            let service = serviceName(of: WaypointKey(namespace: namespace, name: name))
            unready.remove(
                ServiceKey(namespace: namespace, hostname: context.hostname(service: service, namespace: namespace)))
        }
        return unready
    }

    /// The services as they were written, and those that follow from gateways; labels of a Gateway that say whom it
    /// is for also hold for its Service.
    func services(with written: [ServiceResource]) -> [ServiceResource] {
        var open = Dictionary(
            gateways.values.map { ("\($0.metadata.namespace)/\($0.serviceName)", $0) },
            // Two Gateways of one Service: that whose own name it is.
            uniquingKeysWith: { $0.precedes($1) ? $0 : $1 })
        var services = written.map { service in
            guard let gateway = open.removeValue(forKey: service.metadata.key) else { return service }
            var service = service
            service.metadata.labels.merge(Self.labels(of: gateway)) { own, _ in own }
            return service
        }
        for gateway in open.values.sorted(by: { $0.metadata.key < $1.metadata.key }) {
            var service = ServiceResource(metadata: gateway.metadata)
            service.metadata.name = gateway.serviceName
            service.metadata.labels = Self.labels(of: gateway)
            service.selector = [Label.gatewayName: gateway.metadata.name]
            service.ports = [ServiceResource.Port(name: "mesh", port: gateway.tunnelPort, applicationProtocol: .tls)]
            services.append(service)
        }
        return services
    }

    private static func labels(of gateway: GatewayResource) -> [String: String] {
        var labels = [Label.managedGateway: "istio.io-mesh-controller"]
        labels[Label.waypointFor] = gateway.metadata.labels[Label.waypointFor]
        return labels
    }

    /// The Service that a waypoint is reached by; one that is known by its Service alone has that name.
    func serviceName(of key: WaypointKey) -> String { gateways[key.description]?.serviceName ?? key.name }

    /// Whether it is a waypoint.
    func contains(_ key: WaypointKey) -> Bool { gateways[key.description] != nil }

    /// Whether a waypoint's Gateway lets objects of a namespace with these labels use it. A waypoint that is known by
    /// its Service alone has nobody to ask.
    func admits(_ namespace: String, _ labels: [String: String], to key: WaypointKey) -> Bool {
        gateways[key.description]?.admits(namespace: namespace, labels: labels) ?? true
    }

    /// Waypoints of this very class.
    func keys(ofClass name: String) -> [WaypointKey] {
        gateways.values.filter { $0.className == name }.map {
            WaypointKey(namespace: $0.metadata.namespace, name: $0.metadata.name)
        }
    }

    /// Whether the pod says that it is one of a waypoint that exists.
    func isWaypoint(_ pod: PodResource) -> Bool {
        guard let name = pod.metadata.labels[Label.gatewayName] else { return false }
        return gateways["\(pod.metadata.namespace)/\(name)"] != nil
    }
}

extension GatewayResource {
    /// Which of two with one Service has it.
    fileprivate func precedes(_ other: GatewayResource) -> Bool {
        let (isOwn, isTheirs) = (serviceName == metadata.name, other.serviceName == other.metadata.name)
        return isOwn == isTheirs ? metadata.key < other.metadata.key : isOwn
    }
}

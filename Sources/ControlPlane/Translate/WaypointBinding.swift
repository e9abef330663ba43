import MeshModel

/// Which waypoint an object asks for, by Istio's labels `istio.io/use-waypoint` and `istio.io/waypoint-for`. A waypoint
/// is known by its Service, which has its name unless the Gateway says otherwise. A missing one stays in the world, so
/// that clients refuse the connection rather than go around it.
struct WaypointBinding {
    private enum Traffic: String {
        case service, workload, all, none
    }

    enum Client {
        case service
        case workload
    }

    private let context: TranslateContext
    private let services: [ServiceKey: ServiceResource]
    private let gateways: WaypointGateways
    private let unready: Set<ServiceKey>
    private(set) var findings: [Finding] = []
    /// Of services and entries that ask for a waypoint.
    private(set) var statuses: [BindingStatus] = []

    /// - Parameter unready: services of waypoints that take no traffic.
    init(
        _ context: TranslateContext, services: [ServiceResource], gateways: WaypointGateways, unready: Set<ServiceKey>
    ) {
        self.context = context
        self.gateways = gateways
        self.unready = unready
        var byKey: [ServiceKey: ServiceResource] = [:]
        for service in services where !service.isExternalName {
            byKey[context.key(of: service)] = service
        }
        self.services = byKey
    }

    /// The waypoint of an object with these labels, its own before those of its namespace.
    mutating func waypoint(for resource: some MeshResource, as client: Client) -> GatewayReference? {
        let metadata = resource.metadata
        // Waypoints and gateways never have a waypoint: they would send to themselves.
        guard metadata.labels[Label.managedGateway] == nil else { return nil }
        let namespaceLabels = context.namespaceLabels[metadata.namespace] ?? [:]
        let isOwn = metadata.labels[Label.useWaypoint] != nil
        let labels = isOwn ? metadata.labels : namespaceLabels
        guard let name = labels[Label.useWaypoint], !name.isEmpty, name != "none" else { return nil }
        let namespace = labels[Label.useWaypointNamespace] ?? metadata.namespace
        let waypoint = WaypointKey(namespace: namespace, name: name)
        let serviceName = gateways.serviceName(of: waypoint)
        let key = ServiceKey(
            namespace: namespace, hostname: context.hostname(service: serviceName, namespace: namespace))
        if labels[Label.useWaypointCanary] != nil {
            report(.warning, resource, "label \(Label.useWaypointCanary) is not supported yet; all goes to \(name)")
        }
        guard let service = services[key] else {
            // A namespace's waypoint is for services unless it says otherwise, and a missing one says nothing.
            guard isOwn || client == .service else { return nil }
            report(.error, resource, "waypoint \(namespace)/\(name) has no Service; \(consequence)")
            state(
                resource, client, .notReady,
                "waypoint \"\(namespace)/\(name)\" is not ready: it has no Service; \(consequence)")
            return passesBy ? nil : GatewayReference(.hostname(key))
        }
        if metadata.namespace == namespace, metadata.name == serviceName, client == .service { return nil }
        guard gateways.admits(metadata.namespace, namespaceLabels, to: waypoint) else {
            state(
                resource, client, .attachmentDenied,
                "we are not permitted to attach to waypoint \"\(namespace)/\(name)\" (missing allowedRoutes?)")
            report(
                .error, resource,
                "waypoint \(namespace)/\(name) does not admit namespace \(metadata.namespace) (allowedRoutes of its "
                    + "listener); connections go past it")
            return nil
        }
        guard serves(service, client) else {
            state(
                resource, client, .unsupportedTrafficType,
                "attempting to bind to traffic type \"service\" which the waypoint \"\(namespace)/\(name)\" does not "
                    + "support")
            if isOwn {
                let traffic = service.metadata.labels[Label.waypointFor] ?? "service"
                report(
                    .warning, resource,
                    "waypoint \(namespace)/\(name) is for traffic type \(traffic); it is not used here")
            }
            return nil
        }
        guard !unready.contains(key) else {
            state(
                resource, client, .notReady, "waypoint \"\(namespace)/\(name)\" is not ready; \(consequence)")
            return refusing(key, "\(namespace)/\(name)", resource)
        }
        state(resource, client, .accepted, "Successfully attached to waypoint \(namespace)/\(name)")
        return GatewayReference(.hostname(key))
    }

    /// Named, but nobody is there: the name stays, and clients find nobody behind it, so that they refuse.
    private mutating func refusing(
        _ key: ServiceKey, _ waypoint: String, _ resource: some MeshResource
    ) -> GatewayReference? {
        report(.warning, resource, "waypoint \(waypoint) is not ready; \(consequence)")
        return passesBy ? nil : GatewayReference(.hostname(key))
    }

    private var consequence: String { passesBy ? "it is passed by" : "connections to it are refused" }

    private var passesBy: Bool { context.settings.bypassesUnreadyWaypoints }

    private func serves(_ waypoint: ServiceResource, _ client: Client) -> Bool {
        let text = waypoint.metadata.labels[Label.waypointFor] ?? Traffic.service.rawValue
        // An unknown type counts as all: going through the waypoint is the closed side.
        switch Traffic(rawValue: text) ?? .all {
        case .service: return client == .service
        case .workload: return client == .workload
        case .all: return true
        case .none: return false
        }
    }

    /// Pods have no such condition: they say nothing of waypoints.
    private mutating func state(
        _ resource: some MeshResource, _ client: Client, _ reason: BindingStatus.Reason, _ message: String
    ) {
        guard client == .service, let kind = BindingStatus.Kind(rawValue: type(of: resource).kind) else { return }
        let metadata = resource.metadata
        statuses.append(
            BindingStatus(
                kind: kind, namespace: metadata.namespace, name: metadata.name, generation: metadata.generation,
                reason: reason, message: message))
    }

    private mutating func report(_ severity: Finding.Severity, _ resource: some MeshResource, _ message: String) {
        findings.append(Finding(severity, resource.metadata.origin, resource: resource.title, message))
    }
}

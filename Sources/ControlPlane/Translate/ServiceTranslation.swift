import MeshModel

/// Kubernetes Services as services of the mesh.
struct ServiceTranslation {
    private let context: TranslateContext
    private(set) var findings: [Finding] = []

    init(_ context: TranslateContext) {
        self.context = context
    }

    /// Not for ExternalName services, which are DNS aliases only.
    mutating func service(_ resource: ServiceResource, waypoint: GatewayReference?) -> Service {
        let key = context.key(of: resource)
        var service = Service(name: resource.metadata.name, namespace: key.namespace, hostname: key.hostname)
        service.virtualAddresses = resource.virtualAddresses.map { VirtualAddress(network: context.network, $0) }
        service.ports = resource.ports.map(Self.port)
        service.ipFamilies = resource.ipFamilies
        service.isCanonical = true
        service.waypoint = waypoint
        service.visibility = visibility(resource)
        service.loadBalancing = loadBalancing(
            resource, localOnly: resource.localTrafficOnly, distribution: resource.trafficDistribution)
        if resource.publishNotReadyAddresses { service.loadBalancing.healthPolicy = .allowAll }
        return service
    }

    private static func port(_ port: ServiceResource.Port) -> ServicePort {
        var target: UInt16?
        if case .number(let number) = port.targetPort { target = number }
        return ServicePort(servicePort: port.port, targetPort: target, applicationProtocol: port.applicationProtocol)
    }

    private mutating func visibility(_ resource: ServiceResource) -> Visibility {
        switch resource.metadata.annotations[Annotation.exportTo] {
        case nil, "*": return .everyone
        case ".": return .ownNamespace
        case .some(let text):
            let message =
                "annotation \(Annotation.exportTo): expected . or *, found \"\(text)\";"
                + " it is visible in its own namespace only"
            findings.append(Finding(.error, resource.metadata.origin, resource: resource.title, message))
            return .ownNamespace
        }
    }

    /// The spec decides before the object's annotation `networking.istio.io/traffic-distribution`, that before the
    /// namespace's.
    mutating func loadBalancing(
        _ resource: some MeshResource, localOnly: Bool, distribution: String
    ) -> LoadBalancing {
        if localOnly { return LoadBalancing(routingPreferences: [.node], mode: .strict) }
        let metadata = resource.metadata
        let text =
            distribution.isEmpty
            ? metadata.annotations[Annotation.trafficDistribution]
                ?? context.namespaceAnnotations[metadata.namespace]?[Annotation.trafficDistribution] ?? ""
            : distribution
        switch text.lowercased() {
        case "", "any": return LoadBalancing()
        case "preferclose", "prefersamezone":
            return LoadBalancing(routingPreferences: [.network, .region, .zone], mode: .failover)
        case "prefersamenode":
            return LoadBalancing(
                routingPreferences: [.network, .region, .zone, .subzone, .node], mode: .failover)
        default:
            let message =
                "traffic distribution: expected PreferClose, PreferSameZone or PreferSameNode,"
                + " found \"\(text)\"; any endpoint is used"
            findings.append(Finding(.warning, metadata.origin, resource: resource.title, message))
            return LoadBalancing()
        }
    }
}

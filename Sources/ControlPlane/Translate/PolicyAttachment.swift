import MeshModel

/// Which traffic through waypoints the targets of policies are. A target that no waypoint stands before stays bound, so
/// that it is in force the moment one does; until then a finding says that it is not enforced.
struct PolicyAttachment {
    private let context: TranslateContext
    private let gateways: WaypointGateways
    private let entryHosts: [String: [String]]
    /// Services to whether they have a waypoint.
    private let services: [ServiceKey: Bool]
    private(set) var findings: [Finding] = []
    /// By the resource's title.
    private(set) var unbound: [String: [Unbound]] = [:]

    /// A target that a policy is not enforced for.
    struct Unbound {
        let what: String
        let reason: PolicyStatus.Reason
    }

    init(_ context: TranslateContext, _ gateways: WaypointGateways, _ hosts: ServiceEntryHosts, _ services: [Service]) {
        self.context = context
        self.gateways = gateways
        var entryHosts: [String: [String]] = [:]
        for entry in hosts.entries { entryHosts[entry.metadata.key] = entry.hosts }
        self.entryHosts = entryHosts
        var waypoints: [ServiceKey: Bool] = [:]
        for service in services { waypoints[service.key] = service.waypoint != nil }
        self.services = waypoints
    }

    /// In order, each once.
    mutating func bindings(
        of targets: [RequestPolicy.Target], of resource: some MeshResource
    ) -> [PolicyBinding] {
        var bindings: Set<PolicyBinding> = []
        for target in targets { bindings.formUnion(self.bindings(of: target, of: resource)) }
        return bindings.sorted()
    }

    private mutating func bindings(
        of target: RequestPolicy.Target, of resource: some MeshResource
    ) -> [PolicyBinding] {
        let namespace = resource.metadata.namespace
        switch target {
        case .service(let name):
            let key = ServiceKey(
                namespace: namespace, hostname: context.hostname(service: name, namespace: namespace))
            judge([key], "the Service \(name)", resource)
            return [.service(key)]
        case .serviceEntry(let name):
            let keys = (entryHosts["\(namespace)/\(name)"] ?? []).map {
                ServiceKey(namespace: namespace, hostname: $0)
            }
            judge(keys, "the ServiceEntry \(name)", resource)
            return keys.map { .service($0) }
        case .gateway(let name):
            let key = WaypointKey(namespace: namespace, name: name)
            if !gateways.contains(key) {
                report("the Gateway \(name), which is no waypoint here", resource, .targetNotFound)
            }
            return [.waypoint(key)]
        case .gatewayClass(let name) where namespace != context.settings.rootNamespace:
            report(
                "the GatewayClass \(name), which only a policy of namespace \(context.settings.rootNamespace) can",
                resource, .targetNotFound)
            return []
        case .gatewayClass(let name):
            let keys = gateways.keys(ofClass: name)
            if keys.isEmpty { report("the GatewayClass \(name), which no waypoint is of", resource, .targetNotFound) }
            return keys.map { .waypoint($0) }
        case .namespace: return [.waypoints(namespace: namespace)]
        }
    }

    private mutating func judge(_ keys: [ServiceKey], _ what: String, _ resource: some MeshResource) {
        let known = keys.filter { services[$0] != nil }
        if known.isEmpty {
            report("\(what), which does not exist", resource, .targetNotFound)
        } else if known.contains(where: { services[$0] == false }) {
            report("\(what), which has no waypoint", resource, .ancestorNotBound)
        }
    }

    private mutating func report(_ what: String, _ resource: some MeshResource, _ reason: PolicyStatus.Reason) {
        unbound[resource.title, default: []].append(Unbound(what: what, reason: reason))
        findings.append(
            Finding(
                .warning, resource.metadata.origin, resource: resource.title,
                "targets \(what); it is not enforced there"))
    }
}

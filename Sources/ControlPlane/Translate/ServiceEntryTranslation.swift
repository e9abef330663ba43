import MeshModel

/// ServiceEntries as services, one per host, with their inline endpoints as workloads; WorkloadEntries as workloads.
struct ServiceEntryTranslation {
    private let context: TranslateContext
    private(set) var findings: [Finding] = []

    init(_ context: TranslateContext) {
        self.context = context
    }

    /// The service of one host.
    mutating func service(
        _ entry: ServiceEntryResource, host: String, isCanonical: Bool, waypoint: GatewayReference?
    ) -> Service {
        var service = Service(name: entry.metadata.name, namespace: entry.metadata.namespace, hostname: host)
        let network = context.network
        service.virtualAddresses =
            entry.addresses.isEmpty
            ? entry.allocated.filter { $0.host.isEmpty || $0.host == host }
                .map { VirtualAddress(network: network, $0.address) }
            : entry.addresses.map { VirtualAddress(network: network, $0) }
        if service.virtualAddresses.isEmpty, entry.resolution != .none {
            report(
                .warning, entry,
                "host \(host) has no addresses and automatic ones are not supported yet; connections are recognised"
                    + " only by name")
        }
        service.ports = entry.ports.map {
            ServicePort(
                servicePort: $0.number, targetPort: Self.target($0), applicationProtocol: $0.applicationProtocol)
        }
        service.subjectAltNames = entry.subjectAltNames
        service.visibility = entry.visibility
        service.isCanonical = isCanonical
        service.waypoint = waypoint
        if entry.resolution == .none {
            service.loadBalancing = LoadBalancing(mode: .passthrough, healthPolicy: .allowAll)
        } else {
            var services = ServiceTranslation(context)
            service.loadBalancing = services.loadBalancing(entry, localOnly: false, distribution: "")
            findings += services.findings
        }
        return service
    }

    /// The endpoints written into the entry itself. With resolution DNS and none written, each host is its
    /// own endpoint.
    mutating func inlineWorkloads(_ entry: ServiceEntryResource) -> [(Workload, labels: [String: String])] {
        let prefix = "\(context.settings.clusterID)/networking.istio.io/ServiceEntry"
        let uid = "\(prefix)/\(entry.metadata.namespace)/\(entry.metadata.name)"
        guard entry.workloadSelector == nil else {
            if !entry.endpoints.isEmpty {
                report(.error, entry, "has both workloadSelector and endpoints; expected one. endpoints are ignored")
            }
            return []
        }
        if entry.resolution == .none {
            if !entry.endpoints.isEmpty {
                report(.error, entry, "resolution NONE keeps the client's destination; endpoints are ignored")
            }
            return []
        }
        if entry.endpoints.isEmpty, entry.resolution.isDNS {
            return entry.hosts.filter { !$0.hasPrefix("*") }.map { host in
                var workload = workload(
                    ExternalEndpoint(address: .hostname(host)), uid: "\(uid)/\(host)", metadata: entry.metadata)
                workload.services = Self.bindings(entry, host: host, ports: [:])
                return (workload, [:])
            }
        }
        var workloads: [(Workload, labels: [String: String])] = []
        for endpoint in entry.endpoints {
            guard let text = addressText(endpoint, entry) else { continue }
            var workload = workload(endpoint, uid: "\(uid)/\(text)", metadata: entry.metadata)
            for host in entry.hosts {
                workload.services.merge(Self.bindings(entry, host: host, ports: endpoint.ports)) { first, _ in first }
            }
            workloads.append((workload, endpoint.labels))
        }
        return workloads
    }

    private mutating func addressText(_ endpoint: ExternalEndpoint, _ entry: ServiceEntryResource) -> String? {
        switch endpoint.address {
        case .ip(let address): return address.description
        case .hostname(let name):
            if entry.resolution.isDNS { return name }
            report(.error, entry, line: endpoint.line, "endpoint \(name): a name needs resolution DNS; ignored")
        case .none:
            report(
                .error, entry, line: endpoint.line,
                "an endpoint without address needs a network gateway, which is not supported yet; ignored")
        }
        return nil
    }

    /// `nil` when its address cannot be used.
    mutating func workload(_ entry: WorkloadEntryResource) -> Workload? {
        guard entry.endpoint.address != .none else {
            let message = "an entry without address needs a network gateway, which is not supported yet; ignored"
            findings.append(Finding(.error, entry.metadata.origin, resource: entry.title, message))
            return nil
        }
        let metadata = entry.metadata
        let prefix = "\(context.settings.clusterID)/networking.istio.io/WorkloadEntry"
        return workload(entry.endpoint, uid: "\(prefix)/\(metadata.namespace)/\(metadata.name)", metadata: metadata)
    }

    private func workload(_ endpoint: ExternalEndpoint, uid: String, metadata: ResourceMetadata) -> Workload {
        let settings = context.settings
        var workload = Workload(
            uid: uid, name: metadata.name, namespace: metadata.namespace,
            serviceAccount: endpoint.serviceAccount.isEmpty ? "default" : endpoint.serviceAccount)
        switch endpoint.address {
        case .ip(let address): workload.addresses = [address]
        case .hostname(let name): workload.hostname = name
        case .none: break
        }
        let labels = endpoint.labels
        workload.trustDomain = settings.trustDomain
        workload.clusterID = settings.clusterID
        workload.network = endpoint.network.isEmpty ? labels[Label.network] ?? context.network : endpoint.network
        workload.nativeTunnel = labels[Label.tunnel] == "http"
        workload.tunnel = workload.nativeTunnel ? .hbone : .none
        workload.workloadName = metadata.name
        workload.canonicalName = TranslateContext.first(Label.canonicalNames, in: labels) ?? metadata.name
        workload.canonicalRevision = TranslateContext.first(Label.canonicalRevisions, in: labels) ?? "latest"
        workload.locality = endpoint.locality
        workload.capacity = max(1, endpoint.weight)
        return workload
    }

    /// What an endpoint with its own port numbers serves of one host.
    static func bindings(
        _ entry: ServiceEntryResource, host: String, ports: [String: UInt16]
    ) -> [ServiceKey: [ServicePort]] {
        let key = ServiceKey(namespace: entry.metadata.namespace, hostname: host)
        let mapped = entry.ports.map {
            ServicePort(
                servicePort: $0.number, targetPort: ports[$0.name] ?? target($0),
                applicationProtocol: $0.applicationProtocol)
        }
        return [key: mapped]
    }

    private static func target(_ port: ServiceEntryResource.Port) -> UInt16 {
        port.targetPort == 0 ? port.number : port.targetPort
    }

    private mutating func report(
        _ severity: Finding.Severity, _ entry: ServiceEntryResource, line: Int? = nil, _ message: String
    ) {
        let place = ResourceOrigin(file: entry.metadata.origin.file, line: line ?? entry.metadata.origin.line)
        findings.append(Finding(severity, place, resource: entry.title, message))
    }
}

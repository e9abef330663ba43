import MeshModel

/// Endpoints that EndpointSlices add: those of services without a selector, and those that are no pods.
struct EndpointTable {
    typealias Bindings = [ServiceKey: [ServicePort]]

    /// What slices add to pods.
    private(set) var pods: [PodKey: Bindings] = [:]
    /// Endpoints that are no pods.
    private(set) var workloads: [Workload] = []
    private(set) var findings: [Finding] = []

    init(_ resources: ResourceSet, _ context: TranslateContext, livePods: [PodResource]) {
        guard !resources.endpointSlices.isEmpty else { return }
        var services: [String: ServiceResource] = [:]
        for service in resources.services {
            services[service.metadata.key] = service
        }
        var podsByAddress: [IPAddress: PodKey] = [:]
        for pod in livePods where !pod.hostNetwork {
            for address in pod.addresses {
                podsByAddress[address] = pod.key
            }
        }
        let known = Set(livePods.map(\.key))
        for slice in resources.endpointSlices {
            guard let service = services["\(slice.metadata.namespace)/\(slice.serviceName)"] else {
                let message =
                    slice.serviceName.isEmpty
                    ? "has no label kubernetes.io/service-name; ignored"
                    : "Service \(slice.metadata.namespace)/\(slice.serviceName) does not exist; ignored"
                findings.append(Finding(.warning, slice.metadata.origin, resource: slice.title, message))
                continue
            }
            guard !service.isExternalName else { continue }
            let binding = (context.key(of: service), Self.ports(service, slice))
            for var endpoint in slice.endpoints {
                if !service.selector.isEmpty {
                    // The selector says which pods serve; only endpoints that are no pods come from the slice.
                    guard endpoint.pod == nil else { continue }
                    endpoint.addresses.removeAll { podsByAddress[$0] != nil }
                }
                add(endpoint, of: slice, binding, context, podsByAddress, known)
            }
        }
    }

    private mutating func add(
        _ endpoint: EndpointSliceResource.Endpoint, of slice: EndpointSliceResource,
        _ binding: (key: ServiceKey, ports: [ServicePort]), _ context: TranslateContext,
        _ podsByAddress: [IPAddress: PodKey], _ known: Set<PodKey>
    ) {
        if let pod = endpoint.pod {
            guard known.contains(pod) else {
                let message = "endpoint's targetRef: there is no running Pod \(pod); the endpoint is ignored"
                findings.append(Finding(.warning, slice.metadata.origin, resource: slice.title, message))
                return
            }
            pods[pod, default: [:]][binding.key] = binding.ports
            return
        }
        for address in endpoint.addresses {
            if let pod = podsByAddress[address] {
                pods[pod, default: [:]][binding.key] = binding.ports
                continue
            }
            let (name, namespace) = (slice.metadata.name, slice.metadata.namespace)
            let prefix = "\(context.settings.clusterID)/discovery.k8s.io/EndpointSlice"
            var workload = Workload(uid: "\(prefix)/\(namespace)/\(name)/\(address)", name: name, namespace: namespace)
            workload.addresses = [address]
            workload.trustDomain = context.settings.trustDomain
            workload.clusterID = context.settings.clusterID
            workload.network = context.network
            workload.networkMode = .hostNetwork
            workload.node = endpoint.nodeName
            workload.status = endpoint.isReady ? .healthy : .unhealthy
            workload.canonicalName = name
            workload.canonicalRevision = "latest"
            workload.workloadName = name
            workload.services = [binding.key: binding.ports]
            workloads.append(workload)
        }
    }

    /// Service port and slice port belong together by name.
    private static func ports(_ service: ServiceResource, _ slice: EndpointSliceResource) -> [ServicePort] {
        service.ports.compactMap { port in
            guard let target = slice.ports.first(where: { $0.name == port.name }) else { return nil }
            return ServicePort(
                servicePort: port.port, targetPort: target.port, applicationProtocol: port.applicationProtocol)
        }
    }
}

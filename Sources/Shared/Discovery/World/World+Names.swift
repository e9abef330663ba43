package import MeshModel

/// Names as people write them.
extension World {
    /// A pod by `NAMESPACE/POD` or by its address, else any workload of an application `NAMESPACE/APP`.
    package func workload(called text: String, network: String) -> Workload? {
        if let ip = IPAddress(text) { return workload(network: network, ip: ip.canonical) }
        guard let key = PodKey(text) else { return nil }
        if let pod = workloadsByPod[key].first { return pod.workload }
        return workloads.filter { workload in
            workload.namespace == key.namespace
                && (workload.workloadName == key.name || workload.canonicalName == key.name)
        }.min { $0.uid < $1.uid }
    }

    /// A service by `NAMESPACE/NAME`, its hostname, or an address of it, else a workload.
    package func owner(called text: String, network: String, clientNamespace: String) -> AddressOwner? {
        if let ip = IPAddress(text) {
            return upstream(network: network, ip: ip.canonical, clientNamespace: clientNamespace)
        }
        guard let key = PodKey(text) else {
            return service(hostname: text, clientNamespace: clientNamespace).map(AddressOwner.service)
        }
        let named = services.filter { service in
            service.namespace == key.namespace && (service.name == key.name || service.hostname == key.name)
        }
        if let service = named.min(by: { $0.hostname < $1.hostname }) { return .service(service) }
        return workload(called: text, network: network).map(AddressOwner.workload)
    }
}

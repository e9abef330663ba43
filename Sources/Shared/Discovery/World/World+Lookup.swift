package import MeshModel

import HashTreeCollections

/// What an address belongs to.
package enum AddressOwner: Equatable, Sendable {
    case workload(Workload)
    case service(Service)
}

/// Workloads.
extension World {
    package func workload(uid: String) -> Workload? { workloadsByUID[uid]?.workload }

    /// The workload at an address. Workloads on the host's network are never found: they share their node's addresses.
    package func workload(network: String, ip: IPAddress) -> Workload? {
        workloadsByAddress.first(NetworkAddress(network: network, ip: ip))?.workload
    }

    /// The pod that this node's own records describe: by name, on that node (any node if empty), and with that service
    /// account (any if nil). Never by address.
    package func localWorkload(
        namespace: String, name: String, serviceAccount: String? = nil, node: String
    ) -> Workload? {
        workloadsByPod[PodKey(namespace: namespace, name: name)].first {
            (node.isEmpty || $0.workload.node == node)
                && (serviceAccount == nil || $0.workload.serviceAccount == serviceAccount)
        }?.workload
    }

    /// The workloads placed on a node, in no particular order.
    package func workloads(onNode node: String) -> [Workload] {
        workloadsByNode[node]?.values.map(\.workload) ?? []
    }
}

/// Services and their endpoints.
extension World {
    package func service(_ key: ServiceKey) -> Service? { servicesByKey[key]?.service }

    /// The service that owns a virtual address, as a client of that namespace sees it.
    package func service(network: String, vip: IPAddress, clientNamespace: String) -> Service? {
        virtualAddresses.find(NetworkAddress(network: network, ip: vip), clientNamespace: clientNamespace)?.service
    }

    /// The service behind a hostname, as a client of that namespace sees it. The preferred namespace breaks ties for
    /// name resolution.
    package func service(
        hostname: String, clientNamespace: String, preferredNamespace: String? = nil
    ) -> Service? {
        let visible = servicesByHostname[hostname].filter { $0.isVisible(from: clientNamespace) }
        return ServiceRecord.best(
            visible, clientNamespace: clientNamespace, preferredNamespace: preferredNamespace)?.service
    }

    /// The endpoints that the service's health policy admits; none while the service is unknown.
    package func endpoints(of key: ServiceKey) -> [Endpoint] {
        guard let service = service(key), let members = members[key] else { return [] }
        return members.values.filter { $0.isAdmitted(by: service.loadBalancing.healthPolicy) }
    }

    /// One workload as endpoint of a service, when the health policy admits it.
    package func endpoint(of key: ServiceKey, uid: String) -> Endpoint? {
        guard let service = service(key), let endpoint = members[key]?[uid] else { return nil }
        return endpoint.isAdmitted(by: service.loadBalancing.healthPolicy) ? endpoint : nil
    }
}

/// Addresses and gateways.
extension World {
    /// Whom a connection names: a workload's own address before a virtual one.
    package func address(network: String, ip: IPAddress, clientNamespace: String) -> AddressOwner? {
        if let workload = workload(network: network, ip: ip) { return .workload(workload) }
        return service(network: network, vip: ip, clientNamespace: clientNamespace).map(AddressOwner.service)
    }

    /// Where a connection is to go: a virtual address before a workload's own, opposite to
    /// ``address(network:ip:clientNamespace:)``.
    package func upstream(network: String, ip: IPAddress, clientNamespace: String) -> AddressOwner? {
        if let service = service(network: network, vip: ip, clientNamespace: clientNamespace) {
            return .service(service)
        }
        return workload(network: network, ip: ip).map(AddressOwner.workload)
    }

    /// What a reference to a waypoint or gateway names: the exact service, else a workload of that hostname; for an
    /// address its upstream. `nil`: not known (yet); the caller refuses the connection.
    package func destination(of reference: GatewayReference, clientNamespace: String) -> AddressOwner? {
        switch reference.destination {
        case .hostname(let key):
            if let service = service(key) { return .service(service) }
            return workloadsByHostname.first(key).map { .workload($0.workload) }
        case .address(let network, let ip):
            return upstream(network: network, ip: ip, clientNamespace: clientNamespace)
        }
    }
}

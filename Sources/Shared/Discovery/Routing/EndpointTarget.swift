package import MeshModel

/// Which port and address of an endpoint a connection goes to, in the order of Istio's ztunnel.
package enum EndpointTarget {
    /// Where an endpoint's address comes from.
    package enum Address: Hashable, Sendable {
        case ip(IPAddress)
        /// To be resolved; an address of this family is preferred.
        case hostname(String, preferring: IPAddress.Family)
        /// No address of its own: its network's gateway knows the way.
        case networkGateway(GatewayReference)
        /// No valid routing destination.
        case none
    }

    /// The port to connect to for a port of the service: the endpoint's own mapping, the service's target port, or the
    /// service port itself when the endpoint has an application tunnel with a port. `nil`: none.
    package static func port(service: Service, endpoint: Endpoint, servicePort: UInt16) -> UInt16? {
        if let mapped = endpoint.mappedPort(for: servicePort) { return mapped }
        if let target = service.ports.first(where: { $0.servicePort == servicePort })?.targetPort { return target }
        return endpoint.record.workload.applicationTunnel?.port == nil ? nil : servicePort
    }

    /// The address to connect to. The original destination is kept when it is one of the workload's own.
    package static func address(
        of workload: Workload, service: Service?, originalDestination: IPAddress
    ) -> Address {
        if workload.addresses.contains(originalDestination) { return .ip(originalDestination) }
        let families = service?.ipFamilies ?? .automatic
        let admitted = workload.addresses.filter { families.admits($0.family) }
        if let same = admitted.first(where: { $0.family == originalDestination.family }) { return .ip(same) }
        if let other = admitted.first { return .ip(other) }
        if !workload.hostname.isEmpty {
            return .hostname(workload.hostname, preferring: originalDestination.family)
        }
        return workload.networkGateway.map(Address.networkGateway) ?? .none
    }
}

internal import MeshDiscovery
internal import MeshModel
internal import MeshProxy

/// What an accepted CONNECT asks for, once it was found acceptable.
struct InboundTarget: Hashable {
    /// Where the application listens: always the pod's own address.
    var destination: TransportAddress
    /// The service the caller named, for telemetry.
    var service: Service?
    /// Where the caller wanted to go, for an application that is told by a PROXY header; `nil`: it is not told.
    var announced: TransportAddress?
}

/// Why a CONNECT is not acceptable, and the status that says so.
struct InboundRefusal: Error, Hashable {
    var status: Int
    var failure: ConnectionFailure
}

/// Decides what a CONNECT on 15008 asks for; pure.
struct InboundRouter {
    let world: World
    let workload: Workload
    let network: String
    /// The address that the tunnel connection came to.
    let local: IPAddress

    func target(authority: String, forwarded: String?) throws(InboundRefusal) -> InboundTarget {
        guard let hostPort = HostPort(authority) else {
            throw InboundRefusal(status: 400, failure: .invalidAuthority(authority))
        }
        guard let ip = IPAddress(hostPort.host) else {
            return try named(hostPort, forwarded: forwarded)
        }
        guard (ip.family == .v6) == hostPort.isBracketed else {
            throw InboundRefusal(status: 400, failure: .invalidAuthority(authority))
        }
        guard isAcceptable(ip.canonical) else {
            throw InboundRefusal(
                status: 400, failure: .addressMismatch(local: local.description, requested: ip.description))
        }
        let destination = try destination(port: hostPort.port)
        return InboundTarget(
            destination: destination, service: service(for: destination.port, forwarded: forwarded),
            announced: isProxied ? TransportAddress(ip.canonical, port: hostPort.port) : nil
        )
    }

    /// Our own address; anything at all for a workload with an application tunnel; or an address whose waypoint we are.
    private func isAcceptable(_ ip: IPAddress) -> Bool {
        if ip == local || workload.applicationTunnel != nil { return true }
        let reference: GatewayReference?
        switch world.upstream(network: network, ip: ip, clientNamespace: workload.namespace) {
        case .service(let service)?: reference = service.waypoint
        case .workload(let other)?: reference = other.waypoint
        case nil: reference = nil
        }
        guard let reference else { return false }
        switch world.destination(of: reference, clientNamespace: workload.namespace) {
        case .service(let service)?: return workload.services[service.key] != nil
        case .workload(let waypoint)?: return waypoint.uid == workload.uid
        case nil: return false
        }
    }

    private func named(_ hostPort: HostPort, forwarded: String?) throws(InboundRefusal) -> InboundTarget {
        guard let service = world.service(hostname: hostPort.host, clientNamespace: workload.namespace) else {
            throw InboundRefusal(status: 503, failure: .noSuchHostname(hostPort.host))
        }
        let own = workload.services[service.key]?.first { $0.servicePort == hostPort.port }?.targetPort
        let general = service.ports.first { $0.servicePort == hostPort.port }?.targetPort
        guard let port = own ?? general else {
            throw InboundRefusal(status: 503, failure: .noPortForService(hostname: hostPort.host, port: hostPort.port))
        }
        let destination = try destination(port: port)
        guard isProxied else { return InboundTarget(destination: destination, service: service) }
        guard let address = announcedAddress(of: service) else {
            throw InboundRefusal(status: 503, failure: .noAddressForService(hostname: hostPort.host))
        }
        let announced = TransportAddress(address, port: hostPort.port)
        return InboundTarget(destination: destination, service: service, announced: announced)
    }

    private var isProxied: Bool { workload.applicationTunnel?.form == .proxy }

    /// An address of our own network first, and IPv4 first of those.
    private func announcedAddress(of service: Service) -> IPAddress? {
        let own = service.virtualAddresses.filter { $0.network == network }.compactMap(\.exact)
        return own.first { $0.family == .v4 } ?? own.first ?? service.virtualAddresses.lazy.compactMap(\.exact).first
    }

    private func destination(port: UInt16) throws(InboundRefusal) -> TransportAddress {
        guard !TunnelPorts.isReserved(port) else {
            throw InboundRefusal(status: 503, failure: .recursion)
        }
        return TransportAddress(local, port: workload.applicationTunnel?.port ?? port)
    }

    /// The service for telemetry: the one the caller says, if it is ours; else the first of ours with this target port.
    private func service(for port: UInt16, forwarded: String?) -> Service? {
        if let hostname = forwarded.flatMap(ForwardedHeader.serviceHostname),
            let named = world.service(hostname: hostname, clientNamespace: workload.namespace),
            workload.services[named.key] != nil
        {
            return named
        }
        let candidates = workload.services.keys.compactMap { world.service($0) }.filter { service in
            let own = workload.services[service.key]?.contains { $0.targetPort == port } ?? false
            return own || service.ports.contains { $0.targetPort == port }
        }
        // By name, so that every connection says the same; with one candidate, as usual, none is made.
        guard candidates.count > 1 else { return candidates.first }
        return candidates.min { $0.key.description < $1.key.description }
    }
}

internal import MeshDiscovery
internal import MeshModel

/// Where an outbound connection goes.
enum OutboundRoute {
    /// Through HBONE: straight to a workload, or to the waypoint in front of it.
    case tunnel(TunnelHop)
    /// Plain TCP to a workload that is not in the mesh, or to an address nobody described.
    case plain(PlainHop)
    case refused(ConnectionFailure)
}

struct TunnelHop {
    /// Where the HBONE connection goes: the workload's or the waypoint's address and tunnel port.
    var peer: TransportAddress
    /// The CONNECT authority.
    var authority: String
    /// What the authority means when it is an address: where the application listens.
    var target: TransportAddress
    /// Whom we accept at the other end.
    var expected: [Identity]
    /// The next hop itself: the destination, or its waypoint.
    var workload: Workload
    var service: Service?
}

struct PlainHop {
    var destination: TransportAddress
    var workload: Workload?
    var service: Service?
}

/// Decides where an outbound connection goes; pure. The order of look-ups is the ambient mesh's: a service in front of
/// a workload, a waypoint in front of both.
struct OutboundRouter {
    let world: World
    let source: Workload
    let network: String

    /// - Parameter excluded: workloads whose connect phase just failed; others of the service are tried.
    func route(
        _ original: TransportAddress, client: TransportAddress, excluding excluded: Set<String>,
        using generator: inout some RandomNumberGenerator
    ) -> OutboundRoute {
        if original.ip.isLoopback, TunnelPorts.isReserved(original.port) {
            return .refused(.recursion)
        }
        // What is this address: a workload before a service.
        let addressed = world.workload(network: network, ip: original.ip)
        let service = world.service(network: network, vip: original.ip, clientNamespace: source.namespace)
        if addressed == nil, let service, let waypoint = pickWaypoint(service, using: &generator) {
            return viaWaypoint(
                waypoint, original: original, service: service, excluding: excluded, using: &generator
            )
        }
        // Where it goes: a service before a workload.
        if let service, service.loadBalancing.mode != .passthrough {
            return viaService(service, original, client: client, excluding: excluded, using: &generator)
        }
        guard let addressed, service == nil else {
            return .plain(PlainHop(destination: original, workload: nil, service: service))
        }
        return viaWorkload(addressed, original, client: client, excluding: excluded, using: &generator)
    }

    private func viaService(
        _ service: Service, _ original: TransportAddress, client: TransportAddress, excluding excluded: Set<String>,
        using generator: inout some RandomNumberGenerator
    ) -> OutboundRoute {
        guard
            let endpoint = LoadBalancer.choose(
                service: service, port: original.port, source: source, from: world, excluding: excluded,
                using: &generator
            )
        else { return .refused(.noHealthyUpstream(original)) }
        guard let port = EndpointTarget.port(service: service, endpoint: endpoint, servicePort: original.port) else {
            return .refused(.noTargetPort(workload: endpoint.workload.uid))
        }
        return direct(endpoint.workload, port: port, original, service: service)
    }

    private func viaWorkload(
        _ workload: Workload, _ original: TransportAddress, client: TransportAddress, excluding excluded: Set<String>,
        using generator: inout some RandomNumberGenerator
    ) -> OutboundRoute {
        if let waypoint = workload.waypoint, !isWaypoint(source, at: client.ip, of: waypoint) {
            return viaWaypoint(waypoint, original: original, service: nil, excluding: excluded, using: &generator)
        }
        return direct(workload, port: original.port, original, service: nil)
    }

    private func direct(
        _ workload: Workload, port: UInt16, _ original: TransportAddress, service: Service?
    ) -> OutboundRoute {
        guard workload.network == source.network else {
            return .refused(.unsupported("destination \(workload.uid) is on network '\(workload.network)'"))
        }
        let address = EndpointTarget.address(of: workload, service: service, originalDestination: original.ip)
        guard case .ip(let ip) = address else {
            return .refused(refusal(for: address, of: workload))
        }
        let target = TransportAddress(ip, port: port)
        guard workload.tunnel == .hbone else {
            return .plain(PlainHop(destination: target, workload: workload, service: service))
        }
        return .tunnel(
            TunnelHop(
                peer: TransportAddress(ip, port: TunnelPorts.inboundHBONE),
                authority: target.description,
                target: target,
                expected: [workload.identity] + (service.map(Self.identities) ?? []),
                workload: workload,
                service: service
            )
        )
    }

    private func refusal(for address: EndpointTarget.Address, of workload: Workload) -> ConnectionFailure {
        switch address {
        case .hostname: return .noResolvedAddress(workload: workload.uid)
        case .networkGateway, .none, .ip: return .noDestination(workload: workload.uid)
        }
    }

    /// A service's further server identities; what is no SPIFFE id cannot be presented either.
    private static func identities(of service: Service) -> [Identity] {
        service.subjectAltNames.compactMap { Identity($0) }
    }
}

// MARK: - Waypoints

extension OutboundRouter {
    private func pickWaypoint(
        _ service: Service, using generator: inout some RandomNumberGenerator
    ) -> GatewayReference? {
        let total = service.weightedWaypoints.reduce(UInt64(0)) { $0 + UInt64($1.weight) }
        guard total > 0 else { return service.waypoint }
        var ticket = UInt64.random(in: 0..<total, using: &generator)
        for candidate in service.weightedWaypoints {
            if ticket < UInt64(candidate.weight) { return candidate.gateway }
            ticket -= UInt64(candidate.weight)
        }
        return service.waypoint
    }

    private func viaWaypoint(
        _ reference: GatewayReference, original: TransportAddress, service: Service?, excluding excluded: Set<String>,
        using generator: inout some RandomNumberGenerator
    ) -> OutboundRoute {
        guard let (waypoint, port, ownService) = resolve(reference, excluding: excluded, using: &generator),
            waypoint.network == source.network,
            case .ip(let ip) = EndpointTarget.address(
                of: waypoint, service: ownService, originalDestination: original.ip)
        else { return .refused(.unknownWaypoint(reference.destination.description)) }
        return .tunnel(
            TunnelHop(
                peer: TransportAddress(ip, port: port),
                authority: original.description,
                target: original,
                expected: [waypoint.identity] + (ownService.map(Self.identities) ?? []),
                workload: waypoint,
                service: service
            )
        )
    }

    /// The workload to go to and the port it listens on: a service may map its port to another one.
    private func resolve(
        _ reference: GatewayReference, excluding excluded: Set<String>,
        using generator: inout some RandomNumberGenerator
    ) -> (Workload, port: UInt16, Service?)? {
        switch world.destination(of: reference, clientNamespace: source.namespace) {
        case .workload(let workload)?:
            return excluded.contains(workload.uid) ? nil : (workload, reference.hbonePort, nil)
        case .service(let service)?:
            guard
                let endpoint = LoadBalancer.choose(
                    service: service, port: reference.hbonePort, source: source, from: world, rule: .waypoint,
                    excluding: excluded, using: &generator
                )
            else { return nil }
            let port = EndpointTarget.port(service: service, endpoint: endpoint, servicePort: reference.hbonePort)
            return (endpoint.workload, port ?? reference.hbonePort, service)
        case nil:
            return nil
        }
    }

    /// Whether the caller is one of the workloads that make up the waypoint: what it sends must not go back to it.
    private func isWaypoint(_ caller: Workload, at ip: IPAddress, of reference: GatewayReference) -> Bool {
        let members: [Workload]
        switch world.destination(of: reference, clientNamespace: source.namespace) {
        case .workload(let workload)?: members = [workload]
        case .service(let service)?: members = world.endpoints(of: service.key).map(\.workload)
        case nil: members = []
        }
        return members.contains { $0.identity == caller.identity && $0.addresses.contains(ip) }
    }
}

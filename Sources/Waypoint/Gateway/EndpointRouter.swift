internal import MeshDiscovery
internal import MeshModel
internal import WaypointRoute

/// One endpoint, and how it is reached. A class: every request hands it on some times, and a workload has many parts.
final class EndpointHop: Hashable, Sendable {
    /// Where the application listens.
    let target: TransportAddress
    /// Through the endpoint's node, or in plain TCP.
    let isTunnel: Bool
    /// Whom we accept at the other end of a tunnel.
    let expected: [Identity]
    let workload: Workload
    /// With its application itself; `nil`: none.
    let tls: OriginTLS?

    init(
        target: TransportAddress, isTunnel: Bool, expected: [Identity], workload: Workload, tls: OriginTLS? = nil
    ) {
        self.target = target
        self.isTunnel = isTunnel
        self.expected = expected
        self.workload = workload
        self.tls = tls
    }

    static func == (left: EndpointHop, right: EndpointHop) -> Bool {
        left === right
            || left.target == right.target && left.isTunnel == right.isTunnel && left.expected == right.expected
                && left.workload == right.workload && left.tls == right.tls
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(target)
        hasher.combine(workload.uid)
    }

    /// Where the connection is made to.
    var peer: TransportAddress {
        isTunnel ? TransportAddress(target.ip, port: TunnelPorts.inboundHBONE) : target
    }
}

/// Chooses the endpoint of a call; pure. An endpoint's own waypoint is passed over: we are the only one in the way. A
/// class: every request asks, and a world has many parts. It remembers the ways that it has told: one for each endpoint
/// and port that was asked for.
final class EndpointRouter {
    private struct Way: Hashable {
        let uid: String
        let service: RouteTarget?
        let place: TransportAddress
        let tls: OriginTLS?
    }

    let world: World
    /// Ourselves: what is near is near to us.
    let source: Workload
    private var ways: [Way: EndpointHop] = [:]
    /// A service may have a whole block of addresses, and callers choose among them.
    private static let waysMax = 4096

    init(world: World, source: Workload) {
        self.world = world
        self.source = source
    }

    /// - Parameters:
    ///   - excluded: workloads whose connect phase failed; others of the service are tried.
    ///   - pinned: names the endpoint that the client was at before; taken if it can be.
    func hop(
        for target: CallTarget, excluding excluded: Set<String>, pinned: SessionToken? = nil,
        using generator: inout some RandomNumberGenerator
    ) throws(ConnectionFailure) -> EndpointHop {
        // The record may be newer than the call.
        if case .workload(let workload) = target.subject {
            let present = world.workload(uid: workload.uid) ?? workload
            guard !excluded.contains(present.uid) else { throw .noDestination(workload: present.uid) }
            return try direct(present, port: target.port, target, service: nil)
        }
        guard let service = present(target) else { throw .noHealthyUpstream(target.place) }
        let kept = pinned.flatMap { token in
            LoadBalancer.find(
                service: service, port: target.port, source: source, from: world, excluding: excluded,
                where: token.isFor(endpoint:))
        }
        guard
            let endpoint = kept
                ?? LoadBalancer.choose(
                    service: service, port: target.port, source: source, from: world, excluding: excluded,
                    using: &generator)
        else { throw .noHealthyUpstream(target.place) }
        return try hop(for: target, service, endpoint)
    }

    /// The service that was called, as it is now.
    private func present(_ target: CallTarget) -> Service? {
        guard let key = target.routeTarget?.service else { return nil }
        return world.service(key) ?? target.service
    }

    /// As above, where rules of traffic have chosen.
    /// - Parameter tls: what they ask for.
    func hop(for target: CallTarget, at endpoint: Endpoint, tls: OriginTLS?) throws(ConnectionFailure) -> EndpointHop {
        guard let service = present(target) else {
            return try direct(endpoint.workload, port: target.port, target, service: nil)
        }
        return try hop(for: target, service, endpoint, tls: tls)
    }

    private func hop(
        for target: CallTarget, _ service: Service, _ endpoint: Endpoint, tls: OriginTLS? = nil
    ) throws(ConnectionFailure) -> EndpointHop {
        let way = Way(uid: endpoint.uid, service: target.routeTarget, place: target.place, tls: tls)
        if let known = ways[way] { return known }
        guard let port = EndpointTarget.port(service: service, endpoint: endpoint, servicePort: target.port) else {
            throw .noTargetPort(workload: endpoint.workload.uid)
        }
        let hop = try direct(
            endpoint.workload, port: port, target, service: service, tls: tls?.resolved(for: service))
        if ways.count >= Self.waysMax { ways.removeAll(keepingCapacity: true) }
        ways[way] = hop
        return hop
    }

    private func direct(
        _ workload: Workload, port: UInt16, _ target: CallTarget, service: Service?, tls: OriginTLS? = nil
    ) throws(ConnectionFailure) -> EndpointHop {
        guard workload.network == source.network else {
            throw .unsupported("destination \(workload.uid) is on network '\(workload.network)'")
        }
        guard !TunnelPorts.isReserved(port) else { throw .recursion }
        let address = EndpointTarget.address(
            of: workload, service: service, originalDestination: target.place.ip)
        guard case .ip(let ip) = address else {
            if case .hostname = address { throw .noResolvedAddress(workload: workload.uid) }
            throw .noDestination(workload: workload.uid)
        }
        var expected = [workload.identity]
        if let service, !service.subjectAltNames.isEmpty {
            expected += service.subjectAltNames.compactMap { Identity($0) }
        }
        return EndpointHop(
            target: TransportAddress(ip, port: port), isTunnel: workload.tunnel == .hbone, expected: expected,
            workload: workload, tls: tls)
    }
}

extension CallTarget {
    /// What was dialled, for reports and for endpoints that stand at the service's own address.
    var place: TransportAddress { TransportAddress(address ?? IPAddress(v4: 0), port: port) }
}

internal import MeshDiscovery
internal import MeshModel

/// What a CONNECT asks for, once it was found to be ours. A class: every request hands it on some times, and a service
/// has many parts.
final class CallTarget: Hashable, Sendable {
    enum Subject: Hashable, Sendable {
        case service(Service)
        case workload(Workload)
    }

    let subject: Subject
    /// Of the service, or of the workload.
    let port: UInt16
    /// What the caller dialled; `nil` when it named a host.
    let address: IPAddress?
    /// What routes are attached to; `nil` for a workload.
    let routeTarget: RouteTarget?
    /// What the port says it speaks.
    let applicationProtocol: ApplicationProtocol

    init(subject: Subject, port: UInt16, address: IPAddress?) {
        self.subject = subject
        self.port = port
        self.address = address
        switch subject {
        case .service(let service):
            routeTarget = RouteTarget(service: service.key, port: port)
            applicationProtocol = service.ports.first { $0.servicePort == port }?.applicationProtocol ?? .unknown
        case .workload:
            routeTarget = nil
            applicationProtocol = .unknown
        }
    }

    var service: Service? {
        if case .service(let service) = subject { service } else { nil }
    }

    static func == (left: CallTarget, right: CallTarget) -> Bool {
        left === right
            || left.port == right.port && left.address == right.address && left.subject == right.subject
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(port)
        hasher.combine(routeTarget)
    }
}

/// Why a CONNECT is not served, and the status that says so.
struct CallRefusal: Error, Hashable {
    let status: Int
    let failure: ConnectionFailure
}

/// Decides what a CONNECT asks for; pure. By its authority alone: what is inside the stream never chooses the service,
/// and nothing is served whose waypoint we are not.
struct CallRouter {
    let world: World
    let settings: GatewaySettings

    func target(authority: String) throws(CallRefusal) -> CallTarget {
        guard let hostPort = HostPort(authority) else {
            throw CallRefusal(status: 400, failure: .invalidAuthority(authority))
        }
        guard !TunnelPorts.isReserved(hostPort.port) else { throw CallRefusal(status: 503, failure: .recursion) }
        guard let ip = IPAddress(hostPort.host) else {
            guard let service = world.service(hostname: hostPort.host, clientNamespace: settings.namespace) else {
                throw CallRefusal(status: 404, failure: .noSuchHostname(hostPort.host))
            }
            return try target(service, port: hostPort.port, address: nil)
        }
        guard (ip.family == .v6) == hostPort.isBracketed else {
            throw CallRefusal(status: 400, failure: .invalidAuthority(authority))
        }
        switch world.upstream(network: settings.network, ip: ip.canonical, clientNamespace: settings.namespace) {
        case .service(let service)?: return try target(service, port: hostPort.port, address: ip.canonical)
        case .workload(let workload)?:
            guard let waypoint = workload.waypoint, isUs(waypoint) else { throw notOurs(workload.uid) }
            return CallTarget(subject: .workload(workload), port: hostPort.port, address: ip.canonical)
        case nil:
            let address = TransportAddress(ip.canonical, port: hostPort.port)
            throw CallRefusal(status: 404, failure: .noServiceForAddress(address))
        }
    }

    private func target(
        _ service: Service, port: UInt16, address: IPAddress?
    ) throws(CallRefusal) -> CallTarget {
        let references = [service.waypoint].compactMap(\.self) + service.weightedWaypoints.map(\.gateway)
        guard references.contains(where: isUs) else { throw notOurs(service.hostname) }
        guard service.ports.contains(where: { $0.servicePort == port }) else {
            throw CallRefusal(status: 503, failure: .noPortForService(hostname: service.hostname, port: port))
        }
        return CallTarget(subject: .service(service), port: port, address: address)
    }

    private func notOurs(_ what: String) -> CallRefusal {
        CallRefusal(status: 403, failure: .unknownWaypoint("\(what) does not have \(settings.name) as its waypoint"))
    }

    /// The reference names the service that we are behind, or our very pod.
    private func isUs(_ reference: GatewayReference) -> Bool {
        switch world.destination(of: reference, clientNamespace: settings.namespace) {
        case .service(let service)?: service.name == settings.service && service.namespace == settings.namespace
        case .workload(let workload)?: workload.name == settings.podName && workload.identity == settings.identity
        case nil: false
        }
    }
}

package import MeshDiscovery
package import MeshModel
internal import MeshPolicy

/// Says what nodes would do with a connection, and why, by the code that routes and judges connections; pure but for
/// the choice of an endpoint. It looks at the world as any node would: the caller need not live on this one.
package struct ConnectionExplainer {
    private let world: World
    private let network: String

    package init(world: World, network: String) {
        self.world = world
        self.network = network
    }

    /// Walks the way of the connection. Errors: nobody of such a name is known, or no port follows from the question.
    package func explain(_ question: ConnectionQuestion) throws(ExplainProblem) -> ConnectionReport {
        guard let source = world.workload(called: question.from, network: network), let client = source.addresses.first
        else { throw ExplainProblem("no pod \(question.from) is known; expected NAMESPACE/POD or an address") }
        guard
            let owner = world.owner(
                called: question.to, network: network, clientNamespace: source.namespace)
        else {
            throw ExplainProblem("no service or pod \(question.to) is known; expected NAMESPACE/NAME or an address")
        }
        let destination = try destination(owner, question)
        var report = ConnectionReport(
            source: ConnectionReport.Party(source, at: client.description), destination: destination.description,
            way: .refused, isAllowed: false)
        if case .service(let service) = owner { report.service = service.key.description }
        guard source.tunnel == .hbone else {
            passBy(from: source, owner, destination, &report)
            return report
        }
        let router = OutboundRouter(world: world, source: source, network: network)
        var generator = SystemRandomNumberGenerator()
        let route = router.route(
            destination, client: TransportAddress(client, port: 0), excluding: [], using: &generator)
        report.waypoint = waypoint(of: owner, from: source)
        switch route {
        case .refused(let failure):
            report.failure = failure.description
            if case .unknownWaypoint = failure, let waypoint = report.waypoint {
                report.notes.append("waypoint \(waypoint) is not ready: nobody healthy stands behind its name")
            }
        case .plain(let hop):
            report.way = .plain
            judge(hop.workload, at: hop.destination, source, as: nil, &report)
        case .tunnel(let hop):
            report.hop = ConnectionReport.Party(hop.workload, at: hop.peer.description)
            // A waypoint is told where the caller wanted to go, a workload where its application listens.
            guard report.waypoint == nil || isMember(hop.workload, of: owner) else {
                report.way = .waypoint
                report.isAllowed = true
                return report
            }
            report.way = .tunnel
            report.waypoint = nil
            judge(hop.workload, at: hop.target, source, as: source.identity, &report)
        }
        return report
    }

    private func isMember(_ workload: Workload, of owner: AddressOwner) -> Bool {
        switch owner {
        case .service(let service): workload.services[service.key] != nil
        case .workload(let called): workload.uid == called.uid
        }
    }

    // MARK: - What is called

    private func destination(
        _ owner: AddressOwner, _ question: ConnectionQuestion
    ) throws(ExplainProblem) -> TransportAddress {
        switch owner {
        case .workload(let workload):
            guard let ip = IPAddress(question.to)?.canonical ?? workload.addresses.first else {
                throw ExplainProblem("\(question.to) has no address")
            }
            guard let port = question.port else { throw ExplainProblem("expected a port of the pod, as in :8080") }
            return TransportAddress(ip, port: port)
        case .service(let service):
            let own = service.virtualAddresses.filter { $0.network == network }.compactMap(\.exact)
            guard let ip = IPAddress(question.to)?.canonical ?? own.first else {
                throw ExplainProblem("\(service.key) has no address of its own; ask about one of its pods")
            }
            return TransportAddress(ip, port: try port(of: service, question.port))
        }
    }

    private func port(of service: Service, _ asked: UInt16?) throws(ExplainProblem) -> UInt16 {
        let ports = service.ports.map(\.servicePort)
        if let asked { return asked }
        if ports.count == 1, let only = ports.first { return only }
        if ports.contains(80) { return 80 }
        let list = ports.map { ":\($0)" }.joined(separator: ", ")
        throw ExplainProblem("\(service.key) has several ports; expected one of \(list)")
    }

    /// `NAMESPACE/NAME` of the waypoint in front of it.
    private func waypoint(of owner: AddressOwner, from source: Workload) -> String? {
        let reference: GatewayReference?
        switch owner {
        case .service(let service): reference = service.waypoint ?? service.weightedWaypoints.first?.gateway
        case .workload(let workload): reference = workload.waypoint
        }
        guard let reference else { return nil }
        switch world.destination(of: reference, clientNamespace: source.namespace) {
        case .service(let service)?: return "\(service.namespace)/\(service.name)"
        case .workload(let workload)?: return "\(workload.namespace)/\(workload.name)"
        case nil: return reference.destination.description
        }
    }

    // MARK: - Who judges

    /// The caller is not in the mesh: nobody carries its connection, and no waypoint sees it.
    private func passBy(
        from source: Workload, _ owner: AddressOwner, _ destination: TransportAddress, _ report: inout ConnectionReport
    ) {
        report.way = .plain
        report.notes.append("\(source.namespace)/\(source.name) is not captured: no node carries its connections")
        if let waypoint = waypoint(of: owner, from: source) {
            report.notes.append("the connection passes by waypoint \(waypoint)")
        }
        switch owner {
        case .workload(let workload): judge(workload, at: destination, source, as: nil, &report)
        case .service(let service):
            let endpoints = world.endpoints(of: service.key).sorted { $0.workload.uid < $1.workload.uid }
            guard let endpoint = endpoints.first, let ip = endpoint.workload.addresses.first,
                let port = EndpointTarget.port(service: service, endpoint: endpoint, servicePort: destination.port)
            else {
                report.way = .refused
                report.failure = ConnectionFailure.noHealthyUpstream(destination).description
                return
            }
            judge(endpoint.workload, at: TransportAddress(ip, port: port), source, as: nil, &report)
        }
    }

    /// - Parameter identity: `nil` for plain text.
    private func judge(
        _ workload: Workload?, at target: TransportAddress, _ source: Workload, as identity: Identity?,
        _ report: inout ConnectionReport
    ) {
        report.isAllowed = true
        guard let workload, let client = source.addresses.first else { return }
        report.hop = ConnectionReport.Party(workload, at: target.description)
        guard workload.tunnel == .hbone else {
            report.notes.append("\(workload.namespace)/\(workload.name) is not captured: no node judges for it")
            return
        }
        let applicable = world.policies(for: workload)
        let policies = PolicySet(applying: applicable.policies, missing: applicable.missing)
        let facts = ConnectionFacts(source: client, identity: identity, destination: target)
        report.policies = policies.explain(facts)
        report.isAllowed = policies.decide(facts).denial == nil
    }
}

extension ConnectionReport.Party {
    fileprivate init(_ workload: Workload, at address: String) {
        self.init(
            name: "\(workload.namespace)/\(workload.name)", address: address, identity: workload.identity.description)
    }
}

internal import MeshDiscovery
internal import MeshModel
internal import MeshPolicy
internal import WaypointRoute

/// Where a request or a connection may end, by the rules of traffic of the port that it goes to.
extension RequestExplainer {
    /// Endpoints that are told of each back end.
    private static let endpointsMax = 8

    /// Who calls, with what.
    struct Asker {
        let identity: Identity
        let client: IPAddress
        /// `nil`: what comes is carried as bytes.
        let head: RequestHead?
    }

    /// The endpoints, and whether each of them lets the waypoint in.
    func reach(_ target: CallTarget, by asker: Asker, _ report: inout RequestReport) throws(Stop) {
        let traffic: PortTraffic = target.routeTarget.map { portTraffic($0) } ?? .none
        let found: Found
        switch traffic {
        case .none: found = anywhere(target)
        case .refused(let reason): throw .reply(.unreachable(.unsupported(reason)))
        case .cluster(let cluster): found = choices(target, cluster, asker, &report)
        }
        report.endpoints += found.endpoints.sorted { $0.address < $1.address }
        if found.endpoints.isEmpty, let failure = found.failure { throw .reply(.unreachable(failure)) }
        if !found.endpoints.contains(where: \.isAllowed) {
            throw .reply(.disconnected("connection failure", flag: "UF", details: "the endpoints' policies refuse us"))
        }
    }

    /// Endpoints, and why there are no more.
    private typealias Found = (endpoints: [RequestReport.Endpoint], failure: ConnectionFailure?)

    private func anywhere(_ target: CallTarget) -> Found {
        let router = EndpointRouter(world: world, source: own)
        var generator = SystemRandomNumberGenerator()
        var excluded: Set<String> = []
        var endpoints: [RequestReport.Endpoint] = []
        while endpoints.count < Self.endpointsMax {
            do throws(ConnectionFailure) {
                let hop = try router.hop(for: target, excluding: excluded, using: &generator)
                excluded.insert(hop.workload.uid)
                endpoints.append(endpoint(hop))
            } catch {
                return (endpoints, error)
            }
        }
        return (endpoints, nil)
    }

    private func choices(
        _ target: CallTarget, _ cluster: ServiceCluster, _ asker: Asker, _ report: inout RequestReport
    ) -> Found {
        let router = EndpointRouter(world: world, source: own)
        var generator = SystemRandomNumberGenerator()
        let key =
            asker.head.map { HashKey(cluster.policy, head: $0, client: asker.client, using: &generator).hash }
            ?? HashKey(cluster.policy, client: asker.client).hash
        let question = ServiceCluster.Question(caller: asker.identity, key: key, now: .sinceStart)
        let outlook = cluster.outlook(question, atMost: Self.endpointsMax, using: &generator)
        var lines = cluster.policy.lines
        if key != nil, let first = outlook.choices.first { lines[0] += ": this one goes to \(first.workload.title)" }
        lines += outlook.ejected.map { "outlier detection: \($0.workload.title) is left out now" }
        lines += outlook.confined.map {
            "quarantine: \($0.workload.title), where this caller \(outlook.isMeant ? "is sent" : "is not sent")"
        }
        report.traffic += lines.map { RequestReport.TrafficRule(.destinationRule, target.title, $0) }
        var endpoints: [RequestReport.Endpoint] = []
        var failure: ConnectionFailure? = outlook.choices.isEmpty ? .noHealthyUpstream(target.place) : nil
        for choice in outlook.choices {
            do throws(ConnectionFailure) {
                endpoints.append(endpoint(try router.hop(for: target, at: choice, tls: cluster.policy.tls)))
            } catch {
                failure = error
            }
        }
        return (endpoints, failure)
    }

    /// Judged where the endpoint lives, with our identity if it comes in HBONE.
    private func endpoint(_ hop: EndpointHop) -> RequestReport.Endpoint {
        let workload = hop.workload
        var endpoint = RequestReport.Endpoint(
            name: workload.title, address: hop.target.description, isTunnel: hop.isTunnel, isAllowed: true,
            policies: [])
        guard hop.isTunnel, let source = own.addresses.first else { return endpoint }
        let applicable = world.policies(for: workload)
        let policies = PolicySet(applying: applicable.policies, missing: applicable.missing)
        let facts = ConnectionFacts(source: source, identity: settings.identity, destination: hop.target)
        endpoint.policies = policies.explain(facts)
        endpoint.isAllowed = policies.decide(facts).denial == nil
        return endpoint
    }
}

extension Workload {
    /// `NAMESPACE/NAME`.
    fileprivate var title: String { "\(namespace)/\(name)" }
}

internal import MeshDiscovery
internal import MeshModel
internal import MeshPolicy
internal import WaypointToken

/// What requests to a target are judged by.
struct TargetPolicies {
    let requests: RequestPolicySet
    /// `nil`: no policy is about tokens.
    let tokens: TokenChecker?
}

/// What requests are judged and routed by.
extension GatewayLoop {
    enum PolicyKey: Hashable {
        case service(ServiceKey, UInt16)
        case workload(String)
    }

    /// Asked once for each target and world.
    func requestPolicies(for target: CallTarget) -> TargetPolicies {
        let key =
            switch target.subject {
            case .service(let service): PolicyKey.service(service.key, target.port)
            case .workload(let workload): PolicyKey.workload(workload.uid)
            }
        if let known = requestPolicies[key] { return known }
        let policies = TargetPolicies(
            requests: policySource(world, target), tokens: tokens.checker(of: tokenSource(world, target)))
        requestPolicies[key] = policies
        return policies
    }

    func routes(for target: CallTarget, from namespace: String) -> CallRoutes {
        guard let port = target.routeTarget else { return .none }
        return routes.routes(to: port, from: namespace, in: world)
    }

    /// Requests that come are judged by the new ones; bytes that they do not let through are cut.
    func policiesChanged() {
        epoch += 1
        requestPolicies.removeAll()
        for call in Array(calls.values) { call.judgeAgain() }
    }
}

extension RequestPolicySet {
    /// What discovery says of a target.
    init(of world: World, for target: CallTarget, at waypoint: WaypointKey) {
        let applicable = world.requestPolicies(for: target.service?.key, of: waypoint)
        self.init(applying: applicable.policies, missing: applicable.missing)
    }
}

// MARK: - Who we are

extension GatewayLoop {
    /// Our own pod as this world knows it.
    static func own(_ settings: GatewaySettings, in world: World) -> Workload {
        world.localWorkload(namespace: settings.namespace, name: settings.podName, node: settings.nodeName)
            ?? unknownSelf(settings)
    }

    static func unknownSelf(_ settings: GatewaySettings) -> Workload {
        var workload = Workload(
            uid: settings.podName, name: settings.podName, namespace: settings.namespace,
            serviceAccount: settings.serviceAccount)
        workload.trustDomain = settings.trustDomain
        workload.network = settings.network
        workload.node = settings.nodeName
        workload.workloadName = settings.name
        workload.canonicalName = settings.name
        return workload
    }
}

extension PolicySet {
    /// For connections to the waypoint itself. Policies of the namespace and of the mesh are for the nodes; what
    /// selects our very pod is for us, as in Istio.
    init(ofWaypoint own: Workload, in world: World) {
        let applicable = world.policies(for: own)
        self.init(
            applying: applicable.policies.filter { $0.scope == .workloadSelector }, missing: applicable.missing)
    }
}

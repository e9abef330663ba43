internal import MeshDiscovery
internal import MeshModel
internal import WaypointResilience

/// What rules of traffic say of a port of a service.
enum PortTraffic {
    /// There are none: nothing is counted, and chance chooses.
    case none
    /// There are some, and nothing can be sent by them.
    case refused(reason: String)
    case cluster(ServiceCluster)
}

/// What stands before a service.
enum ServiceGuard {
    case none
    /// There is something that was not understood: it might refuse the request, so that is refused.
    case refused
    case shield(LoopShield)
}

/// The limits and faults before one service, with their state, on one loop.
final class LoopShield {
    let limits: TrafficGuard
    var state: ServiceShield

    init(_ limits: TrafficGuard) {
        self.limits = limits
        state = ServiceShield(limits)
    }
}

/// What one loop keeps of the traffic to services. What a world says of a port is worked out once, when it is first
/// asked for. Owned by its loop; time comes in.
struct LoopTraffic {
    /// There are no rules for anybody.
    private(set) var isEmpty = true
    private var world = World()
    private var source: Workload
    /// Our own, which rules may be for.
    private let namespace: String
    /// Of the present world.
    private var ports: [RouteTarget: PortTraffic] = [:]
    /// These outlive worlds.
    private var clusters: [RouteTarget: ServiceCluster] = [:]
    private var shields: [ServiceKey: LoopShield] = [:]

    init(own: Workload) {
        source = own
        namespace = own.namespace
    }

    /// A new world. What belongs to services that are gone is forgotten; who has taken of it gives back to nobody.
    mutating func learn(_ world: World, own: Workload) {
        self.world = world
        isEmpty = world.isWithoutTraffic
        source = own
        ports.removeAll(keepingCapacity: true)
        clusters = clusters.filter { world.service($0.key.service) != nil }
        shields = shields.filter { world.service($0.key) != nil }
    }

    /// What rules say of requests to a port.
    mutating func port(_ target: RouteTarget, now: Duration) -> PortTraffic {
        guard !isEmpty else { return .none }
        if let known = ports[target] { return known }
        let found = work(out: target, now)
        ports[target] = found
        if case .cluster = found { return found }
        clusters[target] = nil
        return found
    }

    private mutating func work(out target: RouteTarget, _ now: Duration) -> PortTraffic {
        guard let service = world.service(target.service),
            let known = world.traffic(to: target.service, proxyNamespace: namespace)
        else { return .none }
        guard case .rules(let rules) = known else {
            return .refused(reason: "the rules of traffic to \(target.service) are not understood")
        }
        let policy = rules.policy(port: target.port)
        if let refusal = policy.refusal { return .refused(reason: refusal) }
        let quarantine = Quarantine(rules)
        let endpoints = LoadBalancer.eligible(
            service: service, port: target.port, source: source, from: world, confined: quarantine.workloads)
        let plan = LocalityPlan(source: source, policy: policy, service: service.loadBalancing)
        let cluster = clusters[target] ?? ServiceCluster(policy)
        clusters[target] = cluster
        cluster.learn(policy, quarantine, endpoints, hosts: plan.hosts(endpoints.map(\.workload)), now: now)
        return .cluster(cluster)
    }

    /// What stands before a service. While its limits are the same, so is their state.
    mutating func shield(_ service: ServiceKey) -> ServiceGuard {
        let known = world.traffic(to: service, proxyNamespace: namespace)
        if case .refused? = known { return .refused }
        guard case .rules(let rules)? = known, rules.limits != TrafficGuard() else {
            shields[service] = nil
            return .none
        }
        if let shield = shields[service], shield.limits == rules.limits { return .shield(shield) }
        let shield = LoopShield(rules.limits)
        shields[service] = shield
        return .shield(shield)
    }
}

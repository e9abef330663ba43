package import MeshModel

/// Priorities and weights of endpoints by where they stand; pure.
package struct LocalityPlan: Sendable {
    private let source: Workload
    private let policy: TrafficPolicy
    private let service: LoadBalancing

    /// - Parameter source: the waypoint; what is near is near to it.
    package init(source: Workload, policy: TrafficPolicy, service: LoadBalancing) {
        self.source = source
        self.policy = policy
        self.service = service
    }

    /// The workloads as hosts. Failover acts only where endpoints can be unwell for us (outlier detection), or where
    /// the service itself asks for it. Istio's documentation of locality load balancing.
    package func hosts(_ workloads: [Workload]) -> [BalancedHost] {
        switch policy.locality {
        case .off?: return workloads.map { host($0, 0) }
        case .distribute(let shares)?: return distributed(workloads, shares)
        case .failover(let regions)?:
            guard isFailoverActive else { return workloads.map { host($0, 0) } }
            return dense(workloads) { failover($0, regions) }
        case .scopes(let scopes)?:
            guard isFailoverActive else { return workloads.map { host($0, 0) } }
            return dense(workloads) { Self.distance($0, source, scopes) }
        case nil:
            switch service.mode {
            case .failover:
                return dense(workloads) { Self.distance($0, source, service.routingPreferences) }
            case .strict:
                let near = workloads.filter { Self.distance($0, source, service.routingPreferences) == 0 }
                return near.map { host($0, 0) }
            case .standard, .passthrough:
                guard policy.outliers != nil else { return workloads.map { host($0, 0) } }
                return dense(workloads) { failover($0, [:]) }
            }
        }
    }

    private var isFailoverActive: Bool { policy.outliers != nil || service.mode == .failover }

    private func host(_ workload: Workload, _ priority: Int, weight: UInt32? = nil) -> BalancedHost {
        BalancedHost(uid: workload.uid, weight: weight ?? workload.capacity, priority: priority)
    }

    /// Priorities without gaps, in the order of the distances.
    private func dense(_ workloads: [Workload], _ distance: (Workload) -> Int) -> [BalancedHost] {
        let distances = workloads.map(distance)
        let levels = Set(distances).sorted()
        return zip(workloads, distances).map { host($0, levels.firstIndex(of: $1) ?? 0) }
    }

    private func failover(_ workload: Workload, _ regions: [String: String]) -> Int {
        let (own, other) = (source.locality, workload.locality)
        guard own.region == other.region else { return regions[own.region] == other.region ? 3 : 4 }
        guard own.zone == other.zone else { return 2 }
        return own.subzone == other.subzone ? 0 : 1
    }

    /// How many scopes are not shared, from the first that is not.
    static func distance(_ workload: Workload, _ source: Workload, _ scopes: [LoadBalancing.Scope]) -> Int {
        scopes.count - scopes.prefix { share($0, workload, source) }.count
    }

    private static func share(_ scope: LoadBalancing.Scope, _ left: Workload, _ right: Workload) -> Bool {
        switch scope {
        case .region: left.locality.region == right.locality.region
        case .zone: left.locality.zone == right.locality.zone
        case .subzone: left.locality.subzone == right.locality.subzone
        case .node: left.node == right.node
        case .cluster: left.clusterID == right.clusterID
        case .network: left.network == right.network
        }
    }

    /// A locality's percentage is divided among its endpoints by their weights; localities without one get nothing.
    private func distributed(_ workloads: [Workload], _ shares: [LocalityShare]) -> [BalancedHost] {
        let candidates = shares.filter { LocalityPattern($0.from).matches(source.locality) }
        let share = candidates.max { LocalityPattern($0.from).precision < LocalityPattern($1.from).precision }
        guard let share else { return workloads.map { host($0, 0) } }
        var hosts: [BalancedHost] = []
        var taken: Set<String> = []
        let targets = share.to.sorted {
            let (left, right) = (LocalityPattern($0.key).precision, LocalityPattern($1.key).precision)
            return left == right ? $0.key < $1.key : left > right
        }
        for (text, percent) in targets {
            let pattern = LocalityPattern(text)
            let members = workloads.filter { !taken.contains($0.uid) && pattern.matches($0.locality) }
            taken.formUnion(members.map(\.uid))
            let total = members.reduce(0.0) { $0 + Double(max(1, $1.capacity)) }
            guard percent > 0 else { continue }
            for member in members {
                let weight = Double(percent) * 10_000 * Double(max(1, member.capacity)) / total
                hosts.append(host(member, 0, weight: UInt32(max(1, weight.rounded()))))
            }
        }
        return hosts
    }
}

/// `REGION/ZONE/SUBZONE`, shorter for all below, `*` for any.
struct LocalityPattern: Hashable {
    private let parts: [String]

    init(_ text: String) {
        parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    }

    /// More means narrower.
    var precision: Int { parts.count { $0 != "*" } }

    func matches(_ locality: Locality) -> Bool {
        let names = [locality.region, locality.zone, locality.subzone]
        guard parts.count <= names.count else { return false }
        return zip(parts, names).allSatisfy { $0 == "*" || $0 == $1 }
    }
}

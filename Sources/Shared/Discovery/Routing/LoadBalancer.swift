package import MeshModel

import HashTreeCollections

/// Chooses the endpoint of a connection to a service. Pure; chance comes in. Order and modes are those of
/// `LoadBalancing` in Istio's workload.proto.
package enum LoadBalancer {
    /// Which endpoints can take a port.
    package enum PortRule: Hashable, Sendable {
        /// The service must list the port; a named target port must be in the endpoint's own mapping.
        case service
        /// Towards waypoints: as well any endpoint that asks for an application tunnel.
        case waypoint
    }

    /// The endpoint for a new connection, or `nil` when none is eligible. Among the best ranked ones by chance,
    /// weighted by capacity. `excluding` holds uids that were tried already.
    package static func choose(
        service: Service, port: UInt16, source: Workload, from world: World, rule: PortRule = .service,
        excluding: Set<String> = [], using generator: inout some RandomNumberGenerator
    ) -> Endpoint? {
        guard let members = world.members[service.key] else { return nil }
        let request = Request(service, port: port, rule: rule, excluding: excluding)
        // Twice over the endpoints rather than one list of candidates: no allocation per connection.
        var bestRank = -1
        var weight: UInt64 = 0
        for endpoint in members.values {
            guard let rank = request.rank(endpoint, from: source), rank >= bestRank else { continue }
            if rank > bestRank { (bestRank, weight) = (rank, 0) }
            weight += endpoint.weight
        }
        guard weight > 0 else { return nil }
        var ticket = UInt64.random(in: 0..<weight, using: &generator)
        for endpoint in members.values where request.rank(endpoint, from: source) == bestRank {
            if ticket < endpoint.weight { return endpoint }
            ticket -= endpoint.weight
        }
        return nil
    }

    /// The endpoint whose uid is wanted, when a new connection may go to it; its rank does not matter.
    package static func find(
        service: Service, port: UInt16, source: Workload, from world: World, excluding: Set<String> = [],
        where isWanted: (_ uid: String) -> Bool
    ) -> Endpoint? {
        let request = Request(service, port: port, rule: .service, excluding: excluding)
        let members = world.members[service.key]
        return members?.first { isWanted($0.key) && request.rank($0.value, from: source) != nil }?.value
    }

    /// Every endpoint that can take a port, wherever it stands, in no particular order. For whoever balances by rules
    /// of its own.
    /// - Parameter confined: uids of workloads that count although they are not healthy: those in quarantine.
    package static func eligible(
        service: Service, port: UInt16, source: Workload, from world: World, rule: PortRule = .service,
        confined: Set<String> = []
    ) -> [Endpoint] {
        guard let members = world.members[service.key] else { return [] }
        let request = Request(service, port: port, rule: rule, excluding: [])
        return members.values.filter { request.isEligible($0, from: source, confined: confined) }
    }
}

extension Endpoint {
    fileprivate var weight: UInt64 { UInt64(max(1, record.workload.capacity)) }
}

/// One choice's question to every endpoint. It holds no service and no workload: both have many parts, and every
/// connection and request asks.
private struct Request {
    let balancing: LoadBalancing
    let servicePort: ServicePort?
    let port: UInt16
    let rule: LoadBalancer.PortRule
    let excluding: Set<String>

    init(_ service: Service, port: UInt16, rule: LoadBalancer.PortRule, excluding: Set<String>) {
        self.balancing = service.loadBalancing
        self.servicePort = service.ports.first { $0.servicePort == port }
        self.port = port
        self.rule = rule
        self.excluding = excluding
    }

    /// How near the endpoint is, larger is better; `nil` when it is not eligible.
    func rank(_ endpoint: Endpoint, from source: Workload) -> Int? {
        guard isEligible(endpoint, from: source, confined: []) else { return nil }
        guard excluding.isEmpty || !excluding.contains(endpoint.record.workload.uid) else { return nil }
        switch balancing.mode {
        case .standard, .passthrough: return 0
        case .failover: return locality(endpoint, source).rank
        case .strict:
            let rank = locality(endpoint, source)
            return rank.isComplete ? rank.rank : nil
        }
    }

    func isEligible(_ endpoint: Endpoint, from source: Workload, confined: Set<String>) -> Bool {
        let isAdmitted =
            endpoint.isAdmitted(by: balancing.healthPolicy)
            || !confined.isEmpty && confined.contains(endpoint.record.workload.uid)
        return isAdmitted && takesPort(endpoint) && isReachable(endpoint.record, from: source)
    }

    private func locality(_ endpoint: Endpoint, _ source: Workload) -> LocalityRank {
        LocalityRank(of: endpoint.record.workload, from: source, by: balancing.routingPreferences)
    }

    private func takesPort(_ endpoint: Endpoint) -> Bool {
        if rule == .waypoint, endpoint.record.workload.applicationTunnel != nil { return true }
        guard let servicePort else { return false }
        return servicePort.targetPort != nil || endpoint.ports.contains { $0.servicePort == port }
    }

    private func isReachable(_ record: WorkloadRecord, from source: Workload) -> Bool {
        !record.workload.addresses.isEmpty || !record.workload.hostname.isEmpty
            || (record.workload.network != source.network && record.workload.networkGateway != nil)
    }
}

/// How many scopes, in order, two workloads share.
package struct LocalityRank: Hashable, Sendable {
    /// Larger is nearer. A common network, when it comes first, outranks everything else together.
    package let rank: Int
    /// Every scope is shared.
    package let isComplete: Bool

    package init(of workload: Workload, from source: Workload, by scopes: [LoadBalancing.Scope]) {
        var rest = scopes[...]
        var base = 0
        var networkDiffers = false
        if scopes.first == .network {
            rest = rest.dropFirst()
            if Self.share(.network, workload, source) {
                base = scopes.count
            } else {
                networkDiffers = true
            }
        }
        let shared = rest.prefix { Self.share($0, workload, source) }.count
        rank = base + shared
        isComplete = shared == rest.count && !networkDiffers
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
}

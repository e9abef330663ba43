package import MeshModel

import HashTreeCollections

/// What is known of the traffic to a service.
package enum KnownTraffic: Hashable, Sendable {
    case rules(TrafficRules)
    /// There are some, but they could not be understood: requests must fail, since a rule might have refused them, or
    /// have asked for TLS.
    case refused
}

extension World {
    /// The rules for a proxy's traffic to a service: those for its namespace alone, else those for all. `nil`: none.
    package func traffic(to service: ServiceKey, proxyNamespace: String) -> KnownTraffic? {
        guard !traffic.isEmpty else { return nil }
        return traffic[TrafficScope(service, proxyNamespace: proxyNamespace)] ?? traffic[TrafficScope(service)]
    }

    /// There are no rules for anybody.
    package var isWithoutTraffic: Bool { traffic.isEmpty }

    /// All rules that were understood, in no particular order.
    package var trafficRules: [TrafficRules] {
        traffic.values.compactMap { known in
            guard case .rules(let rules) = known else { return nil }
            return rules
        }
    }

    /// Names of rules that were refused while none were known.
    var refusedTrafficNames: [String] { traffic.compactMap { $1 == .refused ? $0.description : nil } }

    /// Answers whether anything changed.
    mutating func stepTraffic(_ change: WorldChange) -> Bool {
        switch change {
        case .upsertTraffic(let rules):
            guard traffic[rules.scope] != .rules(rules) else { return false }
            traffic[rules.scope] = .rules(rules)
            return true
        case .removeTraffic(let name):
            guard let scope = TrafficScope(name), traffic[scope] != nil else { return false }
            traffic[scope] = nil
            return true
        case .refuseTraffic(let name):
            guard let scope = TrafficScope(name), traffic[scope] == nil else { return false }
            traffic[scope] = .refused
            return true
        default: return false
        }
    }
}

/// What waypoints are told about the traffic to one service.
package struct TrafficRules: Hashable, Sendable {
    package let service: ServiceKey
    /// Only for waypoints of this namespace, instead of the rules for all; `nil`: all others.
    package let proxyNamespace: String?
    package var policy: TrafficPolicy = TrafficPolicy()
    /// Ports with a policy of their own, which holds instead.
    package var ports: [UInt16: TrafficPolicy] = [:]
    package var limits: TrafficGuard = TrafficGuard()
    /// Uids of endpoints in quarantine.
    package var quarantined: Set<String> = []

    package init(service: ServiceKey, proxyNamespace: String? = nil) {
        self.service = service
        self.proxyNamespace = proxyNamespace
    }

    package var scope: TrafficScope { TrafficScope(service, proxyNamespace: proxyNamespace) }

    /// The policy of a port.
    package func policy(port: UInt16) -> TrafficPolicy { ports[port] ?? policy }
}

/// What rules of traffic are for: a service, and perhaps the waypoints of one namespace only.
package struct TrafficScope: Hashable, Sendable, CustomStringConvertible {
    package let service: ServiceKey
    package let proxyNamespace: String?

    package init(_ service: ServiceKey, proxyNamespace: String? = nil) {
        self.service = service
        self.proxyNamespace = proxyNamespace
    }

    /// Reads ``description``; `nil` for any other text.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        service = ServiceKey(namespace: parts[0], hostname: parts[1])
        proxyNamespace = parts.count == 3 ? parts[2] : nil
    }

    /// `NAMESPACE/HOSTNAME`, with `/PROXY-NAMESPACE` behind it for the waypoints of one namespace.
    package var description: String { "\(service)" + (proxyNamespace.map { "/\($0)" } ?? "") }
}

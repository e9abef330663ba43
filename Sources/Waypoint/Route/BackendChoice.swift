package import MeshModel

/// Spreads requests and connections over back ends. Chance comes in.
package enum BackendChoice {
    /// The place of a back end, chosen with the chance that its weight is of all weights; `nil` when there is none with
    /// a weight. Invalid ones are chosen too: their share is to fail.
    package static func choose(
        _ backends: [RouteBackend], using generator: inout some RandomNumberGenerator
    ) -> Int? {
        let total = backends.reduce(UInt64(0)) { $0 + UInt64($1.weight.value) }
        guard total > 0 else { return nil }
        var ticket = UInt64.random(in: 0..<total, using: &generator)
        for (index, backend) in backends.enumerated() {
            let weight = UInt64(backend.weight.value)
            if ticket < weight { return index }
            ticket -= weight
        }
        return nil
    }

    /// Where copies of this request go.
    package static func mirrors(
        _ mirrors: [RequestMirror], using generator: inout some RandomNumberGenerator
    ) -> [RouteTarget] {
        var targets: [RouteTarget] = []
        for mirror in mirrors {
            let ticket = UInt32.random(in: 0..<mirror.share.denominator, using: &generator)
            if ticket < mirror.share.numerator { targets.append(mirror.target) }
        }
        return targets
    }
}

/// Routes of connections that are not looked into as HTTP.
package struct ConnectionRoutes: Sendable {
    package enum Outcome: Hashable, Sendable {
        /// No route is attached: the connection goes to the service itself.
        case unrouted
        /// To this back end.
        case forward(RouteTarget)
        /// To be closed: nothing matches, or the share of an invalid back end, or nothing has a weight.
        case refuse(Refusal)
    }

    package enum Refusal: Hashable, Sendable {
        case unknownServerName
        case noBackend
        case invalidBackend(InvalidBackend)
    }

    private let table: RouteTable
    private let tcp: TCPRouteRule?

    /// Of several TCP rules the oldest counts.
    package init(_ table: RouteTable) {
        self.table = table
        tcp = table.tcp.min { $0.origin < $1.origin }
    }

    /// Where a connection goes. A TLS rule for its server name comes before any TCP rule.
    /// - Parameter serverName: of the TLS handshake; `nil` when there is none.
    package func route(
        serverName: String?, using generator: inout some RandomNumberGenerator
    ) -> Outcome {
        guard table.routesConnections else { return .unrouted }
        if let rule = serverName.flatMap(tlsRule) { return choose(rule.backends, using: &generator) }
        guard let tcp else { return .refuse(.unknownServerName) }
        return choose(tcp.backends, using: &generator)
    }

    /// The rule with the most specific hostname; of equal ones the oldest.
    private func tlsRule(_ serverName: String) -> TLSRouteRule? {
        var name = serverName.lowercased()
        if name.hasSuffix(".") { name.removeLast() }
        var best: (rule: TLSRouteRule, length: Int)?
        for rule in table.tls {
            guard let length = rule.hostnames.compactMap({ $0.specificity(for: name) }).max() else { continue }
            if let best, best.length > length || (best.length == length && best.rule.origin < rule.origin) { continue }
            best = (rule, length)
        }
        return best?.rule
    }

    private func choose(
        _ backends: [RouteBackend], using generator: inout some RandomNumberGenerator
    ) -> Outcome {
        guard let index = BackendChoice.choose(backends, using: &generator) else { return .refuse(.noBackend) }
        switch backends[index].destination {
        case .service(let target): return .forward(target)
        case .invalid(let reason): return .refuse(.invalidBackend(reason))
        }
    }
}

extension RouteHostname {
    /// How well a name in lower case fits, larger is better; `nil` when it does not.
    fileprivate func specificity(for name: String) -> Int? {
        switch self {
        case .exact(let domain): domain.text == name ? 1000 : nil
        case .wildcard(let domain):
            name.utf8.count > domain.text.utf8.count + 1 && name.hasSuffix(".\(domain.text)")
                ? domain.text.utf8.count : nil
        }
    }
}

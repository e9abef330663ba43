package import MeshModel
package import MeshWire

import SwiftProtobuf

/// Rules of traffic from the wire. Whatever is not understood refuses the rules of the service whole: a limit less may
/// be the one that protects it.
extension WireCodec {
    /// The rules of one service with whom they are for.
    package static func traffic(_ message: Apus_Waypoint_V1_TrafficRules) throws(WireRejection) -> TrafficRules {
        try known(message)
        // The parts become resource names, where another slash would be another resource's.
        guard let service = ServiceKey("\(message.namespace)/\(message.hostname)"),
            !message.proxyNamespace.contains("/")
        else { throw .serviceKey("\(message.namespace)/\(message.hostname)") }
        var rules = TrafficRules(
            service: service, proxyNamespace: message.proxyNamespace.isEmpty ? nil : message.proxyNamespace)
        guard message.hasPolicy else { throw .missing(field: "policy") }
        rules.policy = try policy(message.policy)
        try bounded("ports", message.ports.count, TrafficLimits.portsMax)
        for entry in message.ports {
            try known(entry)
            guard let port = UInt16(exactly: entry.port), port > 0 else {
                throw .port(field: "ports.port", value: entry.port)
            }
            rules.ports[port] = try policy(entry.policy)
        }
        if message.hasLimits { rules.limits = try limits(message.limits) }
        try bounded("quarantined", message.quarantined.count, TrafficLimits.quarantinedMax)
        rules.quarantined = Set(message.quarantined)
        return rules
    }

    private static func bounded(_ field: String, _ count: Int, _ most: Int) throws(WireRejection) {
        guard count <= most else { throw .trafficValue(.count(field: field, most: most)) }
    }

    private static func policy(_ message: Apus_Waypoint_V1_TrafficPolicy) throws(WireRejection) -> TrafficPolicy {
        try known(message)
        var policy = TrafficPolicy()
        policy.balancing = message.hasHash ? .consistentHash(try hash(message.hash)) : try balancing(message.balancing)
        if message.hasLocality { policy.locality = try locality(message.locality) }
        if message.hasWarmUp {
            try known(message.warmUp)
            policy.warmUp = WarmUp(
                duration: .nanoseconds(message.warmUp.duration), minimumPercent: message.warmUp.minimumPercent,
                aggression: message.warmUp.aggression)
        }
        if message.hasConnections { policy.connections = try connections(message.connections) }
        if message.hasOutliers { policy.outliers = try outliers(message.outliers) }
        if message.hasRetryBudget {
            try known(message.retryBudget)
            guard message.retryBudget.percent <= 100 else {
                throw .trafficValue(.range(field: "retry_budget.percent", expected: "0 to 100"))
            }
            policy.retryBudget = RetryBudgetSettings(
                percent: UInt8(clamping: message.retryBudget.percent),
                minimumConcurrency: Int(message.retryBudget.minimumConcurrency))
        }
        if message.hasTls { policy.tls = try tls(message.tls) }
        if message.hasRefusal { policy.refusal = message.refusal }
        do throws(TrafficValueError) {
            try policy.check()
        } catch {
            throw .trafficValue(error)
        }
        return policy
    }

    private static func balancing(_ word: String) throws(WireRejection) -> EndpointBalancing {
        switch word {
        case "roundRobin": .roundRobin
        case "leastRequest": .leastRequest
        case "random": .random
        case "passthrough": .passthrough
        default: throw .unknownText(field: "balancing", text: word)
        }
    }

    private static func hash(_ message: Apus_Waypoint_V1_TrafficHash) throws(WireRejection) -> ConsistentHash {
        try known(message)
        let key: ConsistentHash.Key
        switch message.key {
        case .header(let name): key = .header(try headerName(name))
        case .cookie(let cookie):
            try known(cookie)
            let name = try value("cookie.name") { () throws(RouteValueError) in try HTTPToken(cookie.name) }
            let path =
                cookie.hasPath
                ? try value("cookie.path") { () throws(RouteValueError) in try RoutePath(cookie.path) } : nil
            key = .cookie(
                HashCookie(name: name, path: path, lifetime: cookie.hasLifetime ? .nanoseconds(cookie.lifetime) : nil))
        case .sourceAddress: key = .sourceAddress
        case .queryParameter(let name): key = .queryParameter(name)
        case nil: throw .missing(field: "hash.key")
        }
        switch message.table {
        case .ringSizeMin(let size): return ConsistentHash(key: key, table: .ring(minimumSize: size))
        case .maglevSize(let size): return ConsistentHash(key: key, table: .maglev(size: size))
        case nil: throw .missing(field: "hash.table")
        }
    }

    private static func locality(
        _ message: Apus_Waypoint_V1_TrafficLocality
    ) throws(WireRejection) -> LocalityPreference {
        try known(message)
        switch message.preference {
        case .off: return .off
        case .failover(let failover):
            try known(failover)
            try bounded("failover", failover.regions.count, TrafficLimits.sharesMax)
            return .failover(regions: failover.regions)
        case .scopes(let list):
            try known(list)
            try bounded("scopes", list.scopes.count, TrafficLimits.sharesMax)
            var scopes: [LoadBalancing.Scope] = []
            for text in list.scopes { scopes.append(try value("scopes", text, LoadBalancing.Scope.self)) }
            return .scopes(scopes)
        case .distribution(let distribution):
            try known(distribution)
            var shares: [LocalityShare] = []
            for share in distribution.shares {
                try known(share)
                shares.append(LocalityShare(from: share.from, to: share.to))
            }
            return .distribute(shares)
        case nil: throw .missing(field: "locality.preference")
        }
    }

    private static func connections(
        _ message: Apus_Waypoint_V1_TrafficConnections
    ) throws(WireRejection) -> ConnectionLimits {
        try known(message)
        var limits = ConnectionLimits()
        if message.hasConnectionsMax { limits.connectionsMax = message.connectionsMax }
        if message.hasPendingMax { limits.pendingMax = message.pendingMax }
        if message.hasRequestsMax { limits.requestsMax = message.requestsMax }
        if message.hasRetriesMax { limits.retriesMax = message.retriesMax }
        if message.hasRequestsPerConnectionMax { limits.requestsPerConnectionMax = message.requestsPerConnectionMax }
        if message.hasConnectTimeout { limits.connectTimeout = .nanoseconds(message.connectTimeout) }
        if message.hasIdleTimeout { limits.idleTimeout = .nanoseconds(message.idleTimeout) }
        if message.hasStreamIdleTimeout { limits.streamIdleTimeout = .nanoseconds(message.streamIdleTimeout) }
        if message.hasConnectionDurationMax {
            limits.connectionDurationMax = .nanoseconds(message.connectionDurationMax)
        }
        if message.hasKeepAlive {
            let found = message.keepAlive
            try known(found)
            limits.keepAlive = TCPKeepAlive(
                probes: found.hasProbes ? found.probes : nil, time: found.hasTime ? .nanoseconds(found.time) : nil,
                interval: found.hasInterval ? .nanoseconds(found.interval) : nil)
        }
        return limits
    }

    private static func outliers(
        _ message: Apus_Waypoint_V1_TrafficOutliers
    ) throws(WireRejection) -> OutlierDetection {
        try known(message)
        var outliers = OutlierDetection()
        outliers.consecutiveServerErrors = message.consecutiveServerErrors
        outliers.consecutiveGatewayErrors = message.consecutiveGatewayErrors
        outliers.splitsLocalFailures = message.splitsLocalFailures
        outliers.consecutiveLocalFailures = message.consecutiveLocalFailures
        outliers.interval = .nanoseconds(message.interval)
        outliers.baseEjectionTime = .nanoseconds(message.baseEjectionTime)
        outliers.ejectedPercentMax = message.ejectedPercentMax
        outliers.healthyPercentMin = message.healthyPercentMin
        return outliers
    }
}

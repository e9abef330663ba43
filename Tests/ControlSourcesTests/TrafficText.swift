import ControlTranslate
import MeshModel

/// Rules of traffic as text, one line per fact that differs from the standard.
enum TrafficText {
    static func describe(_ world: DesiredWorld) -> [String] { world.traffic.flatMap(describe) }

    private static func describe(_ rules: TrafficRules) -> [String] {
        let proxy = rules.proxyNamespace.map { " for proxies of \($0)" } ?? ""
        var lines = ["traffic \(rules.service)\(proxy)"] + describe(rules.policy).map { "  \($0)" }
        for (port, policy) in rules.ports.sorted(by: { $0.key < $1.key }) {
            lines.append("  port \(port)")
            lines += describe(policy).map { "    \($0)" }
        }
        lines += describe(rules.limits).map { "  \($0)" }
        lines += rules.quarantined.sorted().map { "  quarantined \($0)" }
        return lines
    }

    private static func describe(_ policy: TrafficPolicy) -> [String] {
        var lines = ["balancing \(policy.balancing)"]
        switch policy.locality {
        case .off?: lines.append("locality off")
        case .failover(let regions)?: lines.append("failover \(regions.sorted { $0.key < $1.key })")
        case .scopes(let scopes)?: lines.append("near by \(scopes.map(\.rawValue))")
        case .distribute(let shares)?:
            lines += shares.map { "distribute from \($0.from) \($0.to.sorted { $0.key < $1.key })" }
        case nil: break
        }
        if let warmUp = policy.warmUp {
            lines.append("warm up \(warmUp.duration) from \(warmUp.minimumPercent) % by \(warmUp.aggression)")
        }
        let limits = policy.connections
        let numbers = [
            ("connections", limits.connectionsMax), ("pending", limits.pendingMax), ("requests", limits.requestsMax),
            ("retries", limits.retriesMax), ("requests per connection", limits.requestsPerConnectionMax),
        ]
        lines += numbers.compactMap { name, value in value.map { "\(name) at most \($0)" } }
        let times = [
            ("connect", limits.connectTimeout), ("idle", limits.idleTimeout),
            ("stream idle", limits.streamIdleTimeout), ("connection", limits.connectionDurationMax),
        ]
        lines += times.compactMap { name, value in value.map { "\(name) time \($0)" } }
        if let probes = limits.keepAlive {
            let words = [probes.probes.map { "\($0)" }, probes.time.map { "\($0)" }, probes.interval.map { "\($0)" }]
            lines.append("probes \(words.map { $0 ?? "-" }.joined(separator: " "))")
        }
        if let outliers = policy.outliers {
            let local = outliers.splitsLocalFailures ? "\(outliers.consecutiveLocalFailures)" : "-"
            lines.append("outliers \(outliers.consecutiveServerErrors)/\(outliers.consecutiveGatewayErrors)/\(local)"
                + " each \(outliers.interval) for \(outliers.baseEjectionTime)"
                + " at most \(outliers.ejectedPercentMax) % panic below \(outliers.healthyPercentMin) %")
        }
        if let budget = policy.retryBudget {
            lines.append("retry budget \(budget.percent) % at least \(budget.minimumConcurrency)")
        }
        if let tls = policy.tls {
            let client = tls.client.map { " as \($0.certificate) with \($0.privateKey)" } ?? ""
            let names = tls.names.isEmpty ? "" : " named \(tls.names)"
            lines.append(
                "tls to \(tls.serverName ?? "its host")\(names) by \(tls.roots)\(client)"
                    + (tls.isUnverified ? " unverified" : ""))
        }
        if let refusal = policy.refusal { lines.append("refuses: \(refusal)") }
        return lines
    }

    private static func describe(_ limits: TrafficGuard) -> [String] {
        var lines = limits.rateLimits.map {
            "limit \($0.key): \($0.tokensMax) and \($0.tokensPerFill) each \($0.fillInterval)"
        }
        if let limit = limits.globalRateLimit {
            let target = limit.target.map { "\($0)" } ?? "nobody"
            lines.append("asks \(target) about \(limit.domain) within \(limit.timeout)")
            lines.append("  without an answer \(limit.failsOpen ? "goes on" : "\(limit.statusOnError)")")
            lines += limit.descriptors.map { actions in
                "  counts by "
                    + actions.map { "\($0.key): \($0.source)\($0.mayBeAbsent ? "?" : "")" }.joined(separator: ", ")
            }
        }
        if let delay = limits.fault?.delay {
            lines.append("delay \(delay.duration) \(delay.share.partsPerMillion) ppm")
        }
        if let abort = limits.fault?.abort { lines.append("abort \(abort.answer) \(abort.share.partsPerMillion) ppm") }
        if let settings = limits.concurrency { lines.append("adaptive \(settings.limitMin)-\(settings.limitMax)") }
        if let hedging = limits.hedging {
            let methods = hedging.methods.map(\.rawValue).sorted().joined(separator: " ")
            lines.append("hedged after \(hedging.delay) at most \(hedging.attemptsMax) for \(methods)")
        }
        lines += limits.quarantineCallers.map { "quarantine reached by \($0)" }.sorted()
        return lines
    }
}

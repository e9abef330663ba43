import MeshModel

/// Rules of traffic for each service that has any: DestinationRules, TrafficGuards and workloads in quarantine.
struct TrafficTranslation {
    private(set) var rules: [TrafficRules] = []
    private(set) var findings: [Finding] = []

    /// - Parameters:
    ///   - services: all there are.
    ///   - proxies: namespaces that waypoints stand in.
    ///   - quarantined: uids of workloads in quarantine, by service.
    init(
        _ resources: ResourceSet, _ context: TranslateContext, _ hosts: ServiceEntryHosts, services: [ServiceKey],
        proxies: Set<String>, quarantined: [ServiceKey: Set<String>]
    ) {
        let destinations = DestinationRules(resources.destinationRules, context)
        let guards = TrafficGuards(resources, context, hosts)
        findings = destinations.findings + guards.findings
        guard !destinations.isEmpty || !guards.byService.isEmpty || !quarantined.isEmpty else { return }
        for service in services {
            let limits = guards.byService[service]
            let confined = quarantined[service] ?? []
            func make(_ entry: DestinationRules.Entry?, proxy: String?) -> TrafficRules {
                var rules = TrafficRules(service: service, proxyNamespace: proxy)
                rules.policy = entry?.policy ?? TrafficPolicy()
                rules.ports = entry?.ports ?? [:]
                rules.limits = limits ?? TrafficGuard()
                rules.quarantined = confined
                return rules
            }
            let general = destinations.entry(for: service, proxy: nil)
            if general != nil || limits != nil || !confined.isEmpty { rules.append(make(general, proxy: nil)) }
            for proxy in proxies {
                let own = destinations.entry(for: service, proxy: proxy)
                if own?.policy != general?.policy || own?.ports != general?.ports {
                    rules.append(make(own, proxy: proxy))
                }
            }
        }
        rules.sort { $0.scope.description < $1.scope.description }
    }
}

/// TrafficGuards by the services they stand before; of several for one service the oldest.
struct TrafficGuards {
    private(set) var byService: [ServiceKey: TrafficGuard] = [:]
    private(set) var findings: [Finding] = []

    init(_ resources: ResourceSet, _ context: TranslateContext, _ hosts: ServiceEntryHosts) {
        guard !resources.trafficGuards.isEmpty else { return }
        let services = RouteServices(resources, context, hosts)
        var owners: [ServiceKey: String] = [:]
        for resource in resources.trafficGuards.sorted(by: TrafficGuardResource.takesPrecedence) {
            let limits = limits(of: resource, services)
            for target in resource.targets {
                let namespace = resource.metadata.namespace
                let keys =
                    target.kind == ServiceEntryResource.kind
                    ? services.entry(namespace: namespace, name: target.name).map(\.key)
                    : services.service(namespace: namespace, name: target.name).map { [$0.key] } ?? []
                if keys.isEmpty {
                    report(.warning, resource, "there is no \(target.kind) \(namespace)/\(target.name)")
                }
                for key in keys {
                    if let owner = owners[key] {
                        report(.error, resource, "\(key.hostname) already has \(owner), which stays in force for it")
                    } else {
                        owners[key] = resource.title
                        byService[key] = limits
                    }
                }
            }
        }
    }

    /// Its limits with the rate limit service looked up. Without one, its requests fail as those do about which the
    /// service gives no answer.
    private mutating func limits(of resource: TrafficGuardResource, _ services: RouteServices) -> TrafficGuard {
        var limits = resource.limits
        guard let global = limits.globalRateLimit else { return limits }
        var problem = "is not understood"
        if let wanted = resource.rateLimitService {
            let name = "\(wanted.namespace)/\(wanted.name)"
            if let entry = services.service(namespace: wanted.namespace, name: wanted.name) {
                if entry.ports.contains(where: { $0.number == wanted.port }) {
                    limits.globalRateLimit?.target = RouteTarget(service: entry.key, port: wanted.port)
                    return limits
                }
                problem = "Service \(name) has no TCP port \(wanted.port)"
            } else {
                problem = "there is no Service \(name)"
            }
        }
        let outcome = global.failsOpen ? "let through (failOpen)" : "refused with \(global.statusOnError)"
        report(.error, resource, "spec.globalRateLimit: \(problem); requests to its targets are \(outcome)")
        return limits
    }

    private mutating func report(_ severity: Finding.Severity, _ resource: TrafficGuardResource, _ message: String) {
        findings.append(Finding(severity, resource.metadata.origin, resource: resource.title, message))
    }
}

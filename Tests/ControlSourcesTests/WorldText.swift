import ControlTranslate
import MeshModel

/// A desired world as text, one line per fact, for golden files. Everything that can differ is written.
enum WorldText {
    static func describe(_ world: DesiredWorld) -> String {
        var lines: [String] = []
        for workload in world.workloads { lines += describe(workload) }
        for service in world.services { lines += describe(service) }
        for policy in world.policies { lines += describe(policy) }
        for policy in world.requestPolicies { lines += describe(policy) }
        for policy in world.attachedPolicies {
            lines.append("\(policy.name) is bound to [\(policy.bindings.map(\.description).joined(separator: ", "))]")
            if case .token(let tokens) = policy.policy { lines += tokens.rules.map(describe) }
            if case .request(let request) = policy.policy, let authorizer = request.authorizer {
                lines += AuthorizerText.describe(authorizer)
            }
        }
        for (node, intents) in world.intents.sorted(by: { $0.key < $1.key }) {
            lines.append("node \(node)")
            for intent in intents {
                let bypass = intent.bypassInbound ? " bypass-inbound" : ""
                let wish = intent.captured ? "captured" : "left"
                lines.append("  \(wish) \(intent.pod) as \(intent.serviceAccount)\(bypass)")
            }
        }
        lines += world.waypoints.map { "waypoint is \($0)" }.sorted()
        lines += RouteText.describe(world) + TrafficText.describe(world)
        lines += world.findings.map { "finding \($0)" }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func describe(_ workload: Workload) -> [String] {
        var lines = ["workload \(workload.uid)"]
        let addresses = workload.addresses.map(\.description).joined(separator: ", ")
        let place = workload.hostname.isEmpty ? addresses : "hostname \(workload.hostname)"
        lines.append("  at [\(place)] \(workload.status.rawValue) \(workload.tunnel.rawValue)"
            + "\(workload.nativeTunnel ? " native" : "") \(workload.networkMode.rawValue)"
            + "\(workload.network.isEmpty ? "" : " network " + workload.network)")
        lines.append("  is \(workload.identity) on node \"\(workload.node)\" of \(workload.workloadName)"
            + " as \(workload.canonicalName)/\(workload.canonicalRevision)")
        let locality = workload.locality
        if locality != Locality() { lines.append("  in \(locality.region)/\(locality.zone)/\(locality.subzone)") }
        if workload.capacity != 1 { lines.append("  capacity \(workload.capacity)") }
        if let waypoint = workload.waypoint { lines.append("  waypoint \(waypoint.destination):\(waypoint.hbonePort)") }
        for policy in workload.authorizationPolicies { lines.append("  policy \(policy)") }
        for (key, ports) in workload.services.sorted(by: { $0.key.description < $1.key.description }) {
            lines.append("  serves \(key) [\(describe(ports))]")
        }
        return lines
    }

    private static func describe(_ ports: [ServicePort]) -> String {
        ports.map { port in
            "\(port.servicePort)->\(port.targetPort.map(String.init) ?? "named") \(port.applicationProtocol.rawValue)"
        }.joined(separator: ", ")
    }

    private static func describe(_ service: Service) -> [String] {
        var lines = ["service \(service.key) (\(service.name))"]
        let addresses = service.virtualAddresses.map { address in
            (address.network.isEmpty ? "" : address.network + "/") + address.block.description
        }
        lines.append("  at [\(addresses.joined(separator: ", "))] \(service.ipFamilies.rawValue)"
            + " \(service.visibility.rawValue)\(service.isCanonical ? " canonical" : "")")
        lines.append("  ports [\(describe(service.ports))]")
        let balancing = service.loadBalancing
        if balancing != LoadBalancing() {
            let preferences = balancing.routingPreferences.map(\.rawValue).joined(separator: ", ")
            lines.append("  balancing \(balancing.mode.rawValue) [\(preferences)] \(balancing.healthPolicy.rawValue)")
        }
        for name in service.subjectAltNames { lines.append("  accepts \(name)") }
        if let waypoint = service.waypoint { lines.append("  waypoint \(waypoint.destination):\(waypoint.hbonePort)") }
        return lines
    }

    private static func describe(_ policy: AuthorizationPolicy) -> [String] {
        let dryRun = policy.isDryRun ? " dry run" : ""
        return ["policy \(policy.key) \(policy.action.rawValue) \(policy.scope.rawValue)\(dryRun)"]
            + policy.rules.map { "  rule " + PolicyText.describe($0) }
    }

    private static func describe(_ rule: TokenRule) -> String {
        let outputs = rule.claimHeaders.map { "\($0.header)=\($0.path.joined(separator: "."))" }
        return "  tokens of \"\(rule.issuer)\" for \(rule.audiences) by \(rule.keys) at \(rule.locations)"
            + " to \([rule.payloadHeader].compactMap(\.self) + outputs) split \(rule.spaceDelimitedClaims)"
            + (rule.forwardsToken ? " forwarded" : "")
    }

    private static func describe(_ policy: RequestPolicy) -> [String] {
        let dryRun = policy.isDryRun ? " dry run" : ""
        let targets = policy.targets.map { "\($0)" }.joined(separator: ", ")
        return ["request policy \(policy.key) \(policy.action) on \(targets)\(dryRun)"]
            + policy.rules.flatMap { rule in
                if rule == .never { return ["  rule never"] }
                return ["  rule\(rule.clauses.isEmpty ? " always" : "")"]
                    + rule.clauses.flatMap { clause in
                        ["    clause"]
                            + clause.matches.map { match in
                                let terms = match.terms.map { "\($0.isNegated ? "not " : "")\($0.test)" }
                                return "      \(terms.joined(separator: " and "))"
                            }
                    }
            }
    }
}

/// Rules of policies as text.
enum PolicyText {
    static func describe(_ rule: AuthorizationPolicy.Rule) -> String {
        if rule.clauses.isEmpty { return "always" }
        return rule.clauses.map { clause in
            clause.matches.isEmpty ? "always" : clause.matches.map(describe).joined(separator: " or ")
        }.joined(separator: " and ")
    }

    private static func describe(_ match: AuthorizationPolicy.Match) -> String {
        let parts = [
            field("namespaces", match.namespaces.map(describe)),
            field("notNamespaces", match.notNamespaces.map(describe)),
            field("principals", match.principals.map(describe)),
            field("notPrincipals", match.notPrincipals.map(describe)),
            field("sourceIPs", match.sourceIPs.map(\.description)),
            field("notSourceIPs", match.notSourceIPs.map(\.description)),
            field("destinationIPs", match.destinationIPs.map(\.description)),
            field("notDestinationIPs", match.notDestinationIPs.map(\.description)),
            field("ports", match.destinationPorts.map(String.init)),
            field("notPorts", match.notDestinationPorts.map(String.init)),
            field("accounts", match.serviceAccounts.map { "\($0.namespace)/\($0.serviceAccount)" }),
            field("notAccounts", match.notServiceAccounts.map { "\($0.namespace)/\($0.serviceAccount)" }),
        ]
        return "{" + parts.compactMap { $0 }.joined(separator: ", ") + "}"
    }

    private static func field(_ name: String, _ values: [String]) -> String? {
        values.isEmpty ? nil : "\(name)=\(values.joined(separator: "|"))"
    }

    private static func describe(_ match: AuthorizationPolicy.StringMatch) -> String {
        switch match {
        case .exact(let text): return text
        case .prefix(let text): return "\(text)..."
        case .suffix(let text): return "...\(text)"
        case .presence: return "any"
        }
    }
}

import MeshModel

/// DestinationRules, found by host and by whose proxy asks. Istio's documentation of DestinationRule: the namespace of
/// the proxy first, then that of the service, then the root namespace; the most specific host; several rules for one
/// host of a namespace are one rule.
struct DestinationRules {
    /// What stands in one rule, or in several for the same host.
    struct Entry: Hashable {
        var policy: TrafficPolicy?
        var ports: [UInt16: TrafficPolicy]
        /// Namespaces that see it; `nil`: all.
        let visibleTo: Set<String>?

        func isVisible(to namespace: String?) -> Bool {
            guard let visibleTo else { return true }
            return namespace.map(visibleTo.contains) ?? false
        }
    }

    private struct Hosts {
        var exact: [String: [Entry]] = [:]
        /// By what stands behind the star.
        var wildcards: [String: [Entry]] = [:]
    }

    private let rootNamespace: String
    private var namespaces: [String: Hosts] = [:]
    private(set) var findings: [Finding] = []

    init(_ resources: [DestinationRuleResource], _ context: TranslateContext) {
        rootNamespace = context.settings.rootNamespace
        for rule in resources.sorted(by: DestinationRuleResource.takesPrecedence) {
            report(rule)
            guard !rule.hasWorkloadSelector else { continue }
            let namespace = rule.metadata.namespace
            let entry = Entry(
                policy: rule.policy, ports: rule.ports, visibleTo: Self.visibility(rule.exportTo, of: namespace))
            if rule.host.hasPrefix("*") {
                add(entry, rule, \.wildcards, String(rule.host.dropFirst()), namespace)
            } else {
                let isShort = !rule.host.contains(".")
                let host = isShort ? context.hostname(service: rule.host, namespace: namespace) : rule.host
                add(entry, rule, \.exact, host, namespace)
            }
        }
    }

    var isEmpty: Bool { namespaces.isEmpty }

    private static func visibility(_ exportTo: [String], of namespace: String) -> Set<String>? {
        guard !exportTo.isEmpty, !exportTo.contains("*") else { return nil }
        return Set(exportTo.filter { $0 != "~" }.map { $0 == "." ? namespace : $0 })
    }

    /// Rules for the same host with the same visibility are one: the first policy stands.
    private mutating func add(
        _ entry: Entry, _ rule: DestinationRuleResource, _ kind: WritableKeyPath<Hosts, [String: [Entry]]>,
        _ host: String, _ namespace: String
    ) {
        var entries = namespaces[namespace, default: Hosts()][keyPath: kind][host] ?? []
        if let place = entries.firstIndex(where: { $0.visibleTo == entry.visibleTo }) {
            if entries[place].policy == nil {
                entries[place].policy = entry.policy
                entries[place].ports = entry.ports
            } else if entry.policy != nil {
                let message =
                    "another rule of the namespace has a trafficPolicy for \(rule.host); that one stays in force"
                findings.append(Finding(.error, rule.metadata.origin, resource: rule.title, message))
            }
        } else {
            entries.append(entry)
        }
        namespaces[namespace, default: Hosts()][keyPath: kind][host] = entries
    }

    private mutating func report(_ rule: DestinationRuleResource) {
        func add(_ severity: Finding.Severity, _ message: String) {
            findings.append(Finding(severity, rule.metadata.origin, resource: rule.title, message))
        }
        if rule.hasWorkloadSelector {
            add(.error, "workloadSelector is for sidecars; waypoints do not heed this rule")
        }
        if rule.hasSubsets {
            add(.warning, "subsets are for VirtualServices, which are not supported yet; they have no effect")
        }
        for policy in [rule.policy].compactMap(\.self) + rule.ports.sorted(by: { $0.key < $1.key }).map(\.value) {
            if policy.tls?.isUnverified == true {
                add(.warning, "insecureSkipVerify: whoever is on the way to \(rule.host) can read and change it all")
            }
            if let refusal = policy.refusal {
                add(.error, "\(refusal); waypoints refuse requests to \(rule.host) rather than send them otherwise")
            }
        }
    }

    /// The rule for a proxy's traffic to a service.
    /// - Parameter proxy: the namespace of the proxy; `nil`: one without rules of its own.
    func entry(for service: ServiceKey, proxy: String?) -> Entry? {
        if let proxy, let hosts = namespaces[proxy] {
            let isRoot = proxy == rootNamespace
            let own = Self.find(service.hostname, in: hosts) { entry in
                // The root namespace's rules for all are looked at last.
                isRoot ? entry.visibleTo == [proxy] : true
            }
            if let own { return own }
        }
        for namespace in [service.namespace, rootNamespace] {
            guard let hosts = namespaces[namespace] else { continue }
            if let found = Self.find(service.hostname, in: hosts, where: { $0.isVisible(to: proxy) }) { return found }
        }
        return nil
    }

    private static func find(_ hostname: String, in hosts: Hosts, where admits: (Entry) -> Bool) -> Entry? {
        if let entry = hosts.exact[hostname]?.first(where: admits) { return entry }
        // Longest suffix first; an empty one is the host *.
        var suffix = hostname[...]
        while true {
            if let entry = hosts.wildcards[String(suffix)]?.first(where: admits) { return entry }
            guard !suffix.isEmpty else { return nil }
            suffix = suffix.dropFirst()
            suffix = suffix.drop { $0 != "." }
        }
    }
}

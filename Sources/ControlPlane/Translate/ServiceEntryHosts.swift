import MeshModel

/// Which hosts each ServiceEntry speaks for. A host of a namespace has one owner, a Service before an entry and an
/// older entry before a younger; among the namespaces one owner is canonical, again a Service first.
struct ServiceEntryHosts {
    /// By precedence, each with its own hosts only.
    private(set) var entries: [ServiceEntryResource] = []
    private(set) var canonical: Set<ServiceKey> = []
    private(set) var findings: [Finding] = []

    init(_ resources: ResourceSet, _ context: TranslateContext) {
        var owners: [ServiceKey: String] = [:]
        var hostnames: Set<String> = []
        for service in resources.services where !service.isExternalName && !resources.serviceEntries.isEmpty {
            let key = context.key(of: service)
            owners[key] = service.title
            hostnames.insert(key.hostname)
        }
        for entry in resources.serviceEntries.sorted(by: ServiceEntryResource.takesPrecedence) {
            guard entry.resolution != .dynamicDNS else {
                report(entry, "resolution DYNAMIC_DNS needs a waypoint and is not supported yet; ignored")
                continue
            }
            var kept = entry
            kept.hosts = []
            for host in entry.hosts {
                let key = ServiceKey(namespace: entry.metadata.namespace, hostname: host)
                if let owner = owners[key] {
                    report(entry, "host \(host) is already defined by \(owner), which stays in force for it")
                    continue
                }
                owners[key] = entry.title
                kept.hosts.append(host)
                if hostnames.insert(host).inserted { canonical.insert(key) }
            }
            entries.append(kept)
        }
    }

    private mutating func report(_ entry: ServiceEntryResource, _ message: String) {
        findings.append(Finding(.error, entry.metadata.origin, resource: entry.title, message))
    }
}

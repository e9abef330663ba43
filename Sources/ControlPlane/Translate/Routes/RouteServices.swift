import MeshModel

/// Services and ServiceEntries as routes refer to them.
struct RouteServices {
    struct Port: Hashable {
        let name: String
        let number: UInt16
    }

    struct Entry {
        let key: ServiceKey
        let ports: [Port]
        let isVisibleEverywhere: Bool
        /// It can be a back end, but clients cannot connect to it by an address of its own.
        let isHeadless: Bool
    }

    private var services: [String: Entry] = [:]
    private var externalNames: Set<String> = []
    private var entries: [String: [Entry]] = [:]
    private var hosts: [String: [Entry]] = [:]
    private let canonical: Set<ServiceKey>

    init(_ resources: ResourceSet, _ context: TranslateContext, _ hosts: ServiceEntryHosts) {
        canonical = hosts.canonical
        for service in resources.services {
            guard !service.isExternalName else {
                externalNames.insert(service.metadata.key)
                continue
            }
            let entry = Entry(
                key: context.key(of: service), ports: service.ports.map { Port(name: $0.name, number: $0.port) },
                isVisibleEverywhere: true, isHeadless: service.virtualAddresses.isEmpty)
            services[service.metadata.key] = entry
            self.hosts[entry.key.hostname, default: []].append(entry)
        }
        for resource in hosts.entries {
            for host in resource.hosts {
                let entry = Entry(
                    key: ServiceKey(namespace: resource.metadata.namespace, hostname: host),
                    ports: resource.ports.map { Port(name: $0.name, number: $0.number) },
                    isVisibleEverywhere: resource.visibility == .everyone, isHeadless: false)
                entries[resource.metadata.key, default: []].append(entry)
                self.hosts[host, default: []].append(entry)
            }
        }
    }

    /// A Service by name; `nil` when there is none, or it is only an alias.
    func service(namespace: String, name: String) -> Entry? { services["\(namespace)/\(name)"] }

    func isExternalName(namespace: String, name: String) -> Bool { externalNames.contains("\(namespace)/\(name)") }

    /// The hosts of a ServiceEntry; empty when there is none.
    func entry(namespace: String, name: String) -> [Entry] { entries["\(namespace)/\(name)"] ?? [] }

    /// What a hostname means to a route of that namespace.
    func host(_ hostname: String, from namespace: String) -> Entry? {
        let visible = (hosts[hostname] ?? []).filter { $0.isVisibleEverywhere || $0.key.namespace == namespace }
        return visible.first { $0.key.namespace == namespace } ?? visible.first { canonical.contains($0.key) }
            ?? visible.min { $0.key.namespace < $1.key.namespace }
    }
}

/// Who may refer to what in other namespaces.
struct ReferenceGrants {
    private struct Permission: Hashable {
        let target: String
        let source: ReferenceGrantResource.Source
        let entry: ReferenceGrantResource.Target
    }

    private var permissions: Set<Permission> = []
    private let isRequired: Bool

    init(_ grants: [ReferenceGrantResource], isRequired: Bool) {
        self.isRequired = isRequired
        for grant in grants where isRequired {
            for source in grant.from {
                for entry in grant.to {
                    permissions.insert(
                        Permission(target: grant.metadata.namespace, source: source, entry: entry))
                }
            }
        }
    }

    func permits(_ reference: BackendReference, in namespace: String, from route: RouteOrigin) -> Bool {
        guard isRequired, namespace != route.namespace else { return true }
        let source = ReferenceGrantResource.Source(
            group: RouteGroup.gateway, kind: route.kind.rawValue, namespace: route.namespace)
        return [nil, reference.name].contains { name in
            let entry = ReferenceGrantResource.Target(group: reference.group, kind: reference.kind, name: name)
            return permissions.contains(Permission(target: namespace, source: source, entry: entry))
        }
    }
}

/// Groups of resources that routes refer to.
enum RouteGroup {
    static let gateway = "gateway.networking.k8s.io"
    static let core = ""
    static let istio = "networking.istio.io"
}

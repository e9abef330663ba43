import MeshModel

/// All resources of one discovery type at one moment. A value: cheap to copy, safe to keep while newer ones are made.
package struct ServedCollection: Sendable {
    private struct Change: Sendable {
        var revision: UInt64
        var names: [String]
    }

    private(set) package var resources: [String: ServedResource] = [:]
    /// Name to version. Shared with every client that holds all of it.
    private(set) package var versions: [String: String] = [:]
    /// Grows with each change.
    private(set) package var revision: UInt64 = 0
    private var namesByAlias: [String: [String]] = [:]
    private var workloadsByService: [String: [String]] = [:]
    private var workloadsByNode: [String: [String]] = [:]
    private var blocksByService: [String: [VirtualAddress]] = [:]
    private var recentChanges: [Change] = []

    package init() {}

    /// Replaces and removes resources. Nothing happens when nothing is given.
    package mutating func apply(upserts: [ServedResource], removals: [String]) {
        guard !upserts.isEmpty || !removals.isEmpty else { return }
        for name in removals { remove(name) }
        for resource in upserts {
            remove(resource.name)
            insert(resource)
        }
        revision += 1
        recentChanges.append(Change(revision: revision, names: removals + upserts.map(\.name)))
        if recentChanges.count > ServeLimits.rememberedChangesMax { recentChanges.removeFirst() }
    }

    /// Names that may differ from an older revision; `nil` when that is too long ago to know.
    package func names(changedSince older: UInt64) -> Set<String>? {
        guard older <= revision else { return nil }
        if older == revision { return [] }
        guard let oldest = recentChanges.first, oldest.revision <= older + 1 else { return nil }
        return Set(recentChanges.lazy.filter { $0.revision > older }.flatMap(\.names))
    }

    /// What a key of an on-demand client stands for: a name, else the workloads with that address, else the services
    /// with it, as istiod resolves it. A service brings its workloads. Empty when nothing does.
    package func resolve(_ key: String) -> [String] {
        let found: [String]
        if resources[key] != nil {
            found = [key]
        } else {
            let owners = namesByAlias[key] ?? []
            let workloads = owners.filter { resources[$0]?.kind == .workload }
            found = workloads.isEmpty ? (owners.isEmpty ? blockOwners(of: key) : owners) : workloads
        }
        return found + found.flatMap { workloadsByService[$0] ?? [] }
    }

    /// Workloads on a node, which it gets unasked.
    package func workloads(onNode node: String) -> [String] { workloadsByNode[node] ?? [] }

    private func blockOwners(of key: String) -> [String] {
        guard let slash = key.lastIndex(of: "/"), let address = IPAddress(key[key.index(after: slash)...]) else {
            return []
        }
        let network = key[..<slash]
        let owners = blocksByService.filter { entry in
            entry.value.contains { $0.network == network && $0.block.contains(address) }
        }
        return owners.keys.sorted()
    }

    private mutating func insert(_ resource: ServedResource) {
        resources[resource.name] = resource
        versions[resource.name] = resource.version
        for alias in resource.aliases { namesByAlias[alias, default: []].append(resource.name) }
        for service in resource.serviceNames { workloadsByService[service, default: []].append(resource.name) }
        if !resource.node.isEmpty { workloadsByNode[resource.node, default: []].append(resource.name) }
        if !resource.blocks.isEmpty { blocksByService[resource.name] = resource.blocks }
    }

    private mutating func remove(_ name: String) {
        guard let old = resources.removeValue(forKey: name) else { return }
        versions[name] = nil
        for alias in old.aliases { Self.drop(name, from: &namesByAlias, at: alias) }
        for service in old.serviceNames { Self.drop(name, from: &workloadsByService, at: service) }
        Self.drop(name, from: &workloadsByNode, at: old.node)
        blocksByService[name] = nil
    }

    private static func drop(_ name: String, from index: inout [String: [String]], at key: String) {
        index[key]?.removeAll { $0 == name }
        if index[key]?.isEmpty == true { index[key] = nil }
    }
}

/// Everything clients can subscribe to, at one moment.
package struct ServedWorld: Sendable {
    package var addresses = ServedCollection()
    package var policies = ServedCollection()
    package var routes = ServedCollection()
    package var attachedPolicies = ServedCollection()
    package var traffic = ServedCollection()

    package init() {}

    /// Grows with each change of any.
    package var revision: UInt64 {
        addresses.revision + policies.revision + routes.revision + attachedPolicies.revision + traffic.revision
    }
}

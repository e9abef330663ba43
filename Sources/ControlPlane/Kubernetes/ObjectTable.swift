internal import ControlSources
internal import ControlTranslate

/// The objects of all kinds, put together as the directory's are.
struct ObjectTable: Sendable {
    private struct Part {
        var resources = ResourceSet()
        var findings: [Finding] = []
    }

    private var parts: [ResourceKind: Part] = [:]
    /// Not yet put into parts: in a storm of events that is done once for many of them.
    private var pending: [ResourceKind: [String: StoredObject]] = [:]
    /// Of kinds whose status we write: such a write must not make a new world.
    private var latest: [ResourceKind: [String: StoredObject]] = [:]

    /// - Returns: whether the objects mean something else than before.
    mutating func set(_ kind: ResourceKind, _ objects: [String: StoredObject]) -> Bool {
        if StatusKinds.all.contains(kind) {
            defer { latest[kind] = objects }
            if let before = latest[kind], Self.means(before, objects) { return false }
        }
        pending[kind] = objects
        return true
    }

    private static func means(_ before: [String: StoredObject], _ now: [String: StoredObject]) -> Bool {
        before.count == now.count
            && now.allSatisfy { key, object in
                guard let old = before[key] else { return false }
                return old === object || (old.mark == object.mark && old.contents == object.contents)
            }
    }

    /// In the order of keys, so that the same objects always give the same set.
    private static func part(_ objects: [String: StoredObject]) -> Part {
        var part = Part()
        for (_, object) in objects.sorted(by: { $0.key < $1.key }) {
            part.resources.append(object.contents.resources)
            part.findings += object.contents.findings
        }
        return part
    }

    mutating func remove(_ kind: ResourceKind) {
        parts[kind] = nil
        pending[kind] = nil
        latest[kind] = nil
    }

    func has(_ kind: ResourceKind) -> Bool { parts[kind] != nil || pending[kind] != nil }

    mutating func merge() -> (resources: ResourceSet, findings: [Finding]) {
        for (kind, objects) in pending { parts[kind] = Self.part(objects) }
        pending = [:]
        var resources = ResourceSet()
        var findings: [Finding] = []
        for kind in ResourceKind.all {
            guard let part = parts[kind] else { continue }
            resources.append(part.resources)
            findings += part.findings
        }
        return (resources, findings.sorted())
    }
}

extension ResourceSet {
    /// Keys are unique on a server, so nothing has to be looked for twice.
    fileprivate mutating func append(_ other: ResourceSet) {
        meshConfigs += other.meshConfigs
        namespaces += other.namespaces
        nodes += other.nodes
        serviceAccounts += other.serviceAccounts
        pods += other.pods
        services += other.services
        endpointSlices += other.endpointSlices
        serviceEntries += other.serviceEntries
        workloadEntries += other.workloadEntries
        gateways += other.gateways
        authorizationPolicies += other.authorizationPolicies
        peerAuthentications += other.peerAuthentications
        requestAuthentications += other.requestAuthentications
        httpRoutes += other.httpRoutes
        grpcRoutes += other.grpcRoutes
        tcpRoutes += other.tcpRoutes
        tlsRoutes += other.tlsRoutes
        referenceGrants += other.referenceGrants
        destinationRules += other.destinationRules
        trafficGuards += other.trafficGuards
        networkPolicies += other.networkPolicies
    }
}

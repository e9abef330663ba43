extension ResourceSet {
    /// Puts the resources of several sources together, in that order. Of two with the same kind and key the first
    /// stays; a finding names both places.
    package static func merging(_ parts: [ResourceSet]) -> (resources: ResourceSet, findings: [Finding]) {
        var all = ResourceSet()
        var findings: [Finding] = []
        all.meshConfigs = firsts(parts, \.meshConfigs, &findings)
        all.namespaces = firsts(parts, \.namespaces, &findings)
        all.nodes = firsts(parts, \.nodes, &findings)
        all.serviceAccounts = firsts(parts, \.serviceAccounts, &findings)
        all.pods = firsts(parts, \.pods, &findings)
        all.services = firsts(parts, \.services, &findings)
        all.endpointSlices = firsts(parts, \.endpointSlices, &findings)
        all.serviceEntries = firsts(parts, \.serviceEntries, &findings)
        all.workloadEntries = firsts(parts, \.workloadEntries, &findings)
        all.gateways = firsts(parts, \.gateways, &findings)
        all.authorizationPolicies = firsts(parts, \.authorizationPolicies, &findings)
        all.peerAuthentications = firsts(parts, \.peerAuthentications, &findings)
        all.requestAuthentications = firsts(parts, \.requestAuthentications, &findings)
        all.httpRoutes = firsts(parts, \.httpRoutes, &findings)
        all.grpcRoutes = firsts(parts, \.grpcRoutes, &findings)
        all.tcpRoutes = firsts(parts, \.tcpRoutes, &findings)
        all.tlsRoutes = firsts(parts, \.tlsRoutes, &findings)
        all.referenceGrants = firsts(parts, \.referenceGrants, &findings)
        all.destinationRules = firsts(parts, \.destinationRules, &findings)
        all.trafficGuards = firsts(parts, \.trafficGuards, &findings)
        all.networkPolicies = firsts(parts, \.networkPolicies, &findings)
        return (all, findings.sorted())
    }

    private static func firsts<Resource: MeshResource>(
        _ parts: [ResourceSet], _ kind: KeyPath<ResourceSet, [Resource]>, _ findings: inout [Finding]
    ) -> [Resource] {
        var places: [String: ResourceOrigin] = [:]
        var kept: [Resource] = []
        kept.reserveCapacity(parts.reduce(0) { $0 + $1[keyPath: kind].count })
        for resource in parts.lazy.flatMap({ $0[keyPath: kind] }) {
            let key = resource.metadata.key
            if let first = places[key] {
                findings.append(
                    Finding(
                        .error, resource.metadata.origin, resource: resource.title,
                        "is already defined at \(first); that one stays in force, this one is ignored: remove one"))
            } else {
                places[key] = resource.metadata.origin
                kept.append(resource)
            }
        }
        return kept
    }
}

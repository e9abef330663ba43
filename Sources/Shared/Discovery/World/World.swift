package import MeshModel

import HashTreeCollections

/// All that is known of the mesh, as an immutable snapshot. A copy costs nothing; changing a copy costs what changes.
///
/// Look-ups follow Istio's ztunnel (src/state). Addresses are expected in canonical form (IPv4 never as IPv6).
package struct World: Sendable {
    /// Grows with every batch of changes.
    package internal(set) var revision: UInt64 = 0
    /// Grows when a policy changed, or which policies a workload names.
    package internal(set) var policyRevision: UInt64 = 0

    /// Grows when a table of routes changed.
    package internal(set) var routeRevision: UInt64 = 0
    /// Grows when a policy of waypoints changed.
    package internal(set) var attachedPolicyRevision: UInt64 = 0

    /// Grows when rules of traffic changed.
    package internal(set) var trafficRevision: UInt64 = 0

    var workloadsByUID = TreeDictionary<String, WorkloadRecord>()
    var workloadsByAddress = MultiIndex<NetworkAddress, WorkloadRecord>()
    var workloadsByPod = MultiIndex<PodKey, WorkloadRecord>()
    var workloadsByHostname = MultiIndex<ServiceKey, WorkloadRecord>()
    var workloadsByNode = TreeDictionary<String, TreeDictionary<String, WorkloadRecord>>()
    var servicesByKey = TreeDictionary<ServiceKey, ServiceRecord>()
    var servicesByHostname = MultiIndex<String, ServiceRecord>()
    var virtualAddresses = VirtualAddressIndex()
    /// Per service its workloads by uid, of any health, also for services that have not arrived yet.
    var members = TreeDictionary<ServiceKey, TreeDictionary<String, Endpoint>>()
    var policies = PolicyIndex()
    /// Empty in a node proxy, which does not ask for them.
    var routes = TreeDictionary<RouteScope, KnownRoutes>()
    /// Empty in a node proxy, too.
    var attachedPolicyIndex = AttachedPolicyIndex()
    /// Empty in a node proxy too.
    var traffic = TreeDictionary<TrafficScope, KnownTraffic>()

    package init() {}

    package var workloadCount: Int { workloadsByUID.count }
    package var serviceCount: Int { servicesByKey.count }
    package var policyCount: Int { policies.count }

    /// Every workload, in no particular order.
    package var workloads: [Workload] { workloadsByUID.values.map(\.workload) }

    /// Every service, in no particular order.
    package var services: [Service] { servicesByKey.values.map(\.service) }

    /// Every policy, in no particular order.
    package var authorizationPolicies: [AuthorizationPolicy] { policies.all }

    /// Whether everything that can be looked up is the same; how it came about does not matter.
    package func hasSameContent(as other: World) -> Bool {
        workloadsByUID == other.workloadsByUID && workloadsByAddress == other.workloadsByAddress
            && workloadsByPod == other.workloadsByPod && workloadsByHostname == other.workloadsByHostname
            && workloadsByNode == other.workloadsByNode && servicesByKey == other.servicesByKey
            && servicesByHostname == other.servicesByHostname && virtualAddresses == other.virtualAddresses
            && members == other.members && routes == other.routes && traffic == other.traffic
            && policies.hasSameContent(as: other.policies)
            && attachedPolicyIndex.hasSameContent(as: other.attachedPolicyIndex)
    }
}

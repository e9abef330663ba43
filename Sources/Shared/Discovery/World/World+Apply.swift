package import MeshModel

import HashTreeCollections

/// One step of the known world. Upserts replace what had the same key.
package enum WorldChange: Hashable, Sendable {
    case upsertWorkload(Workload)
    case upsertService(Service)
    /// By resource name: a workload's uid, else `NAMESPACE/HOSTNAME` of a service. Unknown names are ignored.
    case removeAddress(name: String)
    case upsertPolicy(AuthorizationPolicy)
    case removePolicy(key: String)
    /// A policy came that cannot be understood. What was known of it stays in force; if nothing was, it counts as
    /// missing wherever it would have applied.
    case refusePolicy(RefusedPolicy)
    case upsertRoutes(AttachedRoutes)
    /// By resource name; unknown names are ignored.
    case removeRoutes(name: String)
    /// A table of routes came that cannot be understood. What was known stays in force; if nothing was, requests to
    /// its port must fail.
    case refuseRoutes(name: String)
    case upsertAttachedPolicy(AttachedPolicy)
    /// By resource name; unknown names are ignored.
    case removeAttachedPolicy(name: String)
    /// A policy of waypoints came that cannot be understood. What was known of it stays in force; if nothing was, it
    /// counts as missing wherever it would have applied.
    case refuseAttachedPolicy(RefusedAttachedPolicy)
    /// Policies of waypoints have been received; until then they count as missing where they are awaited.
    case receiveAttachedPolicies
    case upsertTraffic(TrafficRules)
    /// By resource name; unknown names are ignored.
    case removeTraffic(name: String)
    /// Rules of traffic came that cannot be understood. What was known stays in force; if nothing was, requests to the
    /// service must fail.
    case refuseTraffic(name: String)
}

/// What could be read of a policy that was refused.
package struct RefusedPolicy: Hashable, Sendable {
    /// `NAMESPACE/NAME`.
    package var key: String
    package var namespace: String
    package var scope: AuthorizationPolicy.Scope

    package init(key: String, namespace: String, scope: AuthorizationPolicy.Scope) {
        self.key = key
        self.namespace = namespace
        self.scope = scope
    }
}

extension World {
    /// Applies a batch in its order; the revision grows by one.
    package mutating func apply(contentsOf changes: some Sequence<WorldChange>) {
        var policiesChanged = false
        for change in changes { policiesChanged = step(change) || policiesChanged }
        revision += 1
        if policiesChanged { policyRevision += 1 }
    }

    package mutating func apply(_ change: WorldChange) {
        apply(contentsOf: CollectionOfOne(change))
    }

    /// Answers whether policies, or what workloads say about them, changed.
    private mutating func step(_ change: WorldChange) -> Bool {
        switch change {
        case .upsertWorkload(let workload):
            let old = workloadsByUID[workload.uid]?.workload
            guard old != workload else { return false }
            if let old { remove(old) }
            insert(WorkloadRecord(workload))
            return old?.authorizationPolicies != workload.authorizationPolicies
                || old?.namespace != workload.namespace
        case .upsertService(let service):
            let old = servicesByKey[service.key]
            guard old?.service != service else { return false }
            if let old { remove(old) }
            insert(ServiceRecord(service))
            return false
        case .removeAddress(let name):
            if let old = workloadsByUID[name]?.workload {
                remove(old)
            } else if let key = ServiceKey(name), let old = servicesByKey[key] {
                remove(old)
            }
            return false
        case .upsertPolicy(let policy): return policies.upsert(policy)
        case .removePolicy(let key): return policies.remove(key)
        case .refusePolicy(let refused): return policies.refuse(refused)
        case .upsertRoutes, .removeRoutes, .refuseRoutes:
            if stepRoutes(change) { routeRevision += 1 }
            return false
        case .upsertAttachedPolicy, .removeAttachedPolicy, .refuseAttachedPolicy, .receiveAttachedPolicies:
            if stepAttachedPolicies(change) { attachedPolicyRevision += 1 }
            return false
        case .upsertTraffic, .removeTraffic, .refuseTraffic:
            if stepTraffic(change) { trafficRevision += 1 }
            return false
        }
    }

    private mutating func insert(_ record: WorkloadRecord) {
        let workload = record.workload
        workloadsByUID[workload.uid] = record
        for key in workload.addressKeys {
            workloadsByAddress.insert(record, for: key) {
                ($1.addressRank, $0.workload.uid) < ($0.addressRank, $1.workload.uid)
            }
        }
        let byUID = { (left: WorkloadRecord, right: WorkloadRecord) in left.workload.uid < right.workload.uid }
        workloadsByPod.insert(record, for: workload.podKey, before: byUID)
        if !workload.hostname.isEmpty {
            workloadsByHostname.insert(record, for: workload.hostnameKey, before: byUID)
        }
        if !workload.node.isEmpty { workloadsByNode[workload.node, default: [:]][workload.uid] = record }
        for (key, ports) in workload.services {
            members[key, default: [:]][workload.uid] = Endpoint(record: record, ports: ports)
        }
    }

    private mutating func remove(_ workload: Workload) {
        let uid = workload.uid
        workloadsByUID[uid] = nil
        for key in workload.addressKeys { workloadsByAddress.remove(for: key) { $0.workload.uid == uid } }
        workloadsByPod.remove(for: workload.podKey) { $0.workload.uid == uid }
        workloadsByHostname.remove(for: workload.hostnameKey) { $0.workload.uid == uid }
        workloadsByNode[workload.node]?[uid] = nil
        if workloadsByNode[workload.node]?.isEmpty == true { workloadsByNode[workload.node] = nil }
        for key in workload.services.keys {
            members[key]?[uid] = nil
            if members[key]?.isEmpty == true { members[key] = nil }
        }
    }

    private mutating func insert(_ record: ServiceRecord) {
        servicesByKey[record.service.key] = record
        servicesByHostname.insert(record, for: record.service.hostname, before: ServiceRecord.precedes)
        virtualAddresses.insert(record)
    }

    private mutating func remove(_ record: ServiceRecord) {
        let key = record.service.key
        servicesByKey[key] = nil
        servicesByHostname.remove(for: key.hostname) { $0.service.key == key }
        virtualAddresses.remove(record)
    }
}

extension Workload {
    /// Where the workload is found by address: nowhere when it shares its node's.
    fileprivate var addressKeys: Set<NetworkAddress> {
        guard networkMode == .standard else { return [] }
        return Set(addresses.map { NetworkAddress(network: network, ip: $0) })
    }

    fileprivate var podKey: PodKey { PodKey(namespace: namespace, name: name) }

    fileprivate var hostnameKey: ServiceKey { ServiceKey(namespace: namespace, hostname: hostname) }
}

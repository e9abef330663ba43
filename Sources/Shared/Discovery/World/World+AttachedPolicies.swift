package import MeshModel

/// What could be read of a policy of waypoints that was refused.
package struct RefusedAttachedPolicy: Hashable, Sendable {
    /// Of the resource: `KIND/NAMESPACE/NAME`.
    package var name: String
    /// Where it would have held; `nil`: unknown, so everywhere.
    package var bindings: [PolicyBinding]?

    package init(name: String, bindings: [PolicyBinding]?) {
        self.name = name
        self.bindings = bindings
    }
}

/// The policies of waypoints that hold for some traffic.
package struct ApplicableRequestPolicies: Hashable, Sendable {
    /// By key.
    package var policies: [RequestPolicy]
    /// By key.
    package var tokens: [TokenPolicy]
    /// Keys of policies that were received and not understood; `*` when none have been received yet. Whoever decides
    /// must refuse: one of them might be a denial.
    package var missing: [String]

    package init(policies: [RequestPolicy] = [], tokens: [TokenPolicy] = [], missing: [String] = []) {
        self.policies = policies
        self.tokens = tokens
        self.missing = missing
    }
}

extension World {
    /// All policies for requests that go to a service, or to a workload (`nil`), through a waypoint.
    package func requestPolicies(for service: ServiceKey?, of waypoint: WaypointKey) -> ApplicableRequestPolicies {
        var bindings: [PolicyBinding] = [.waypoint(waypoint), .waypoints(namespace: waypoint.namespace)]
        if let service { bindings.append(.service(service)) }
        let found = attachedPolicyIndex.applicable(to: bindings)
        var result = ApplicableRequestPolicies(missing: found.missing)
        for attached in found.policies {
            switch attached.policy {
            case .request(let policy): result.policies.append(policy)
            case .token(let policy): result.tokens.append(policy)
            }
        }
        return result
    }

    /// Every policy of waypoints, in no particular order.
    package var attachedPolicies: [AttachedPolicy] { attachedPolicyIndex.all }

    /// Every policy about tokens, in no particular order.
    package var tokenPolicies: [TokenPolicy] {
        attachedPolicyIndex.all.compactMap { attached in
            if case .token(let policy) = attached.policy { policy } else { nil }
        }
    }

    /// Names of policies that were refused while none was known.
    var refusedAttachedPolicyNames: [String] { attachedPolicyIndex.refusedNames }

    /// From now on they count as missing, until ``WorldChange/receiveAttachedPolicies``.
    mutating func awaitAttachedPolicies() { attachedPolicyIndex.isAwaited = true }

    /// Answers whether anything changed.
    mutating func stepAttachedPolicies(_ change: WorldChange) -> Bool {
        switch change {
        case .upsertAttachedPolicy(let policy): return attachedPolicyIndex.upsert(policy)
        case .removeAttachedPolicy(let name): return attachedPolicyIndex.remove(name)
        case .refuseAttachedPolicy(let refused): return attachedPolicyIndex.refuse(refused)
        case .receiveAttachedPolicies:
            defer { attachedPolicyIndex.isAwaited = false }
            return attachedPolicyIndex.isAwaited
        default: return false
        }
    }
}

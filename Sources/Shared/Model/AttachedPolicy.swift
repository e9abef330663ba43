/// A policy of waypoints and the traffic it is for.
package struct AttachedPolicy: Hashable, Sendable {
    /// What kind of policy it is.
    package enum Policy: Hashable, Sendable {
        /// Without targets: the bindings say where it holds.
        case request(RequestPolicy)
        case token(TokenPolicy)
    }

    package let policy: Policy
    /// Where it holds, in any order; without one, nowhere.
    package let bindings: [PolicyBinding]

    package init(_ policy: RequestPolicy, bindings: [PolicyBinding]) {
        var policy = policy
        policy.targets = []
        self.policy = .request(policy)
        self.bindings = bindings
    }

    package init(_ policy: TokenPolicy, bindings: [PolicyBinding]) {
        self.policy = .token(policy)
        self.bindings = bindings
    }

    /// What it is known by: kind, namespace and name.
    package var name: AttachedPolicyName {
        switch policy {
        case .request(let policy): AttachedPolicyName(.request, policy.key)
        case .token(let policy): AttachedPolicyName(.token, policy.key)
        }
    }
}

/// What a policy of waypoints is known by. Ordered by its text.
package struct AttachedPolicyName: Hashable, Sendable, Comparable, CustomStringConvertible {
    package enum Kind: String, CaseIterable, Hashable, Sendable {
        case request
        case token
    }

    package let kind: Kind
    /// `NAMESPACE/NAME` of the resource.
    package let key: String

    package init(_ kind: Kind, _ key: String) {
        self.kind = kind
        self.key = key
    }

    /// `KIND/NAMESPACE/NAME`.
    package var description: String { "\(kind.rawValue)/\(key)" }

    package static func < (left: AttachedPolicyName, right: AttachedPolicyName) -> Bool {
        left.description < right.description
    }
}

/// Traffic through waypoints that a policy is for.
package enum PolicyBinding: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// What goes to this service.
    case service(ServiceKey)
    /// Everything through this waypoint.
    case waypoint(WaypointKey)
    /// Everything through each waypoint of this namespace.
    case waypoints(namespace: String)

    /// For people, and what bindings are ordered by.
    package var description: String {
        switch self {
        case .service(let key): "service \(key)"
        case .waypoint(let key): "waypoint \(key)"
        case .waypoints(let namespace): "all waypoints of \(namespace)"
        }
    }

    package static func < (left: PolicyBinding, right: PolicyBinding) -> Bool {
        left.description < right.description
    }
}

/// A waypoint, by the Gateway it was made for.
package struct WaypointKey: Hashable, Sendable, CustomStringConvertible {
    package let namespace: String
    package let name: String

    package init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }

    /// `NAMESPACE/NAME`.
    package var description: String { "\(namespace)/\(name)" }
}

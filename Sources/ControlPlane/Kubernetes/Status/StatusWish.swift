/// An object that has a status of ours.
package struct StatusKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let kind: ResourceKind
    package let namespace: String
    package let name: String

    package init(_ kind: ResourceKind, namespace: String, name: String) {
        self.kind = kind
        self.namespace = namespace
        self.name = name
    }

    /// As its kind's table has it.
    var objectKey: String { namespace.isEmpty ? name : "\(namespace)/\(name)" }

    /// `services shop/web`.
    package var description: String { "\(kind.name) \(objectKey)" }

    package static func < (left: StatusKey, right: StatusKey) -> Bool {
        (left.kind.name, left.namespace, left.name) < (right.kind.name, right.namespace, right.name)
    }
}

/// What the status of an object should say, as far as it is ours to say.
package struct StatusWish: Hashable, Sendable {
    /// One of `status.conditions`, as the API conventions have them (kubernetes.io, "Typical status properties").
    package struct Condition: Hashable, Sendable {
        package var type: String
        package var isTrue: Bool
        package var reason: String
        package var message: String

        package init(_ type: String, _ isTrue: Bool, _ reason: String, _ message: String) {
            self.type = type
            self.isTrue = isTrue
            self.reason = reason
            self.message = message
        }
    }

    /// A parent of a route that is served here; `nil` leaves a field out.
    package struct Parent: Hashable, Sendable {
        package var group: String
        package var kind: String
        package var namespace: String?
        package var name: String
        package var sectionName: String?
        package var port: Int?
        package var conditions: [Condition]

        package init(
            group: String, kind: String, namespace: String?, name: String, sectionName: String?, port: Int?,
            conditions: [Condition]
        ) {
            self.group = group
            self.kind = kind
            self.namespace = namespace
            self.name = name
            self.sectionName = sectionName
            self.port = port
            self.conditions = conditions
        }
    }

    package struct Listener: Hashable, Sendable {
        package var name: String
        package var conditions: [Condition]

        package init(name: String, conditions: [Condition]) {
            self.name = name
            self.conditions = conditions
        }
    }

    /// `IPAddress` or `Hostname`, and its text.
    package struct Address: Hashable, Sendable {
        package var type: String
        package var value: String

        package init(type: String, value: String) {
            self.type = type
            self.value = value
        }
    }

    package enum Content: Hashable, Sendable {
        /// These conditions, and of the owned types no others.
        case conditions([Condition], owned: Set<String>)
        /// These entries of `status.parents` with our name as controller and a parent of the mesh, and no other such.
        case parents([Parent])
        /// A Gateway of a class of ours: its addresses and listeners are ours altogether, of its conditions these.
        case gateway([Condition], addresses: [Address], listeners: [Listener])
        /// An annotation of the object itself; `nil`: it should not be there. Another object of the name, with another
        /// uid, is left alone.
        case annotation(String, String?, uid: String)
    }

    package var key: StatusKey
    /// metadata.generation of the object that was judged; 0 when its kind has none.
    package var generation: Int
    package var content: Content

    package init(_ key: StatusKey, generation: Int, _ content: Content) {
        self.key = key
        self.generation = generation
        self.content = content
    }

    /// What is said of an object of which there is nothing to say; `nil`: it is left alone.
    static func none(_ key: StatusKey) -> StatusWish? {
        if let owned = StatusKinds.ownedConditions[key.kind.plural] {
            return StatusWish(key, generation: 0, .conditions([], owned: owned))
        }
        return StatusKinds.routes.contains(key.kind) ? StatusWish(key, generation: 0, .parents([])) : nil
    }
}

/// Which kinds have a status of ours.
package enum StatusKinds {
    private static func kind(_ plural: String) -> [ResourceKind] { ResourceKind.all.filter { $0.plural == plural } }

    /// Istio's name for whoever judges routes, whatever their parent: tools look for it.
    static let controller = "istio.io/gateway-controller"
    package static let gateways = kind("gateways")
    package static let services = kind("services")
    package static let entries = kind("serviceentries")
    package static let policies = kind("authorizationpolicies")
    /// They have an annotation of ours instead; their status is the kubelet's.
    package static let pods = kind("pods")
    package static let routes = ["httproutes", "grpcroutes", "tcproutes", "tlsroutes"].flatMap(kind)

    /// Types of conditions that nobody else writes, by the kind's plural (istio.io, "Ambient mesh").
    static let ownedConditions: [String: Set<String>] = [
        "services": ["istio.io/WaypointBound"], "serviceentries": ["istio.io/WaypointBound"],
        "authorizationpolicies": ["ZtunnelAccepted", "WaypointAccepted"],
    ]

    static let all = Set(gateways + services + entries + policies + routes + pods)
}

/// The part that every resource has.
package struct ResourceMetadata: Hashable, Sendable {
    package var name: String
    /// Empty for kinds without a namespace.
    package var namespace: String
    package var uid: String
    package var labels: [String: String]
    package var annotations: [String: String]
    /// RFC 3339 in UTC as written, which sorts by time; empty when unknown (files rarely have it).
    package var creationTimestamp: String
    /// Number of the spec's version, which a status refers to; 0 when unknown (files rarely have it).
    package var generation: Int = 0
    /// A deletionTimestamp is set.
    package var isBeingDeleted: Bool
    package var origin: ResourceOrigin

    package init(
        name: String, namespace: String = "", labels: [String: String] = [:], annotations: [String: String] = [:],
        uid: String = "", creationTimestamp: String = "", isBeingDeleted: Bool = false,
        origin: ResourceOrigin = .unknown
    ) {
        self.name = name
        self.namespace = namespace
        self.labels = labels
        self.annotations = annotations
        self.uid = uid
        self.creationTimestamp = creationTimestamp
        self.isBeingDeleted = isBeingDeleted
        self.origin = origin
    }

    /// `NAMESPACE/NAME`, or the bare name of a kind without namespaces.
    package var key: String { namespace.isEmpty ? name : "\(namespace)/\(name)" }
}

/// A typed resource. Its kind and key name it in messages and find duplicates.
package protocol MeshResource: Hashable, Sendable {
    static var kind: String { get }
    var metadata: ResourceMetadata { get set }
}

extension MeshResource {
    /// `Kind NAMESPACE/NAME`.
    package var title: String { "\(Self.kind) \(metadata.key)" }

    /// Older first; without times by namespace and name. The order in which equals take precedence.
    static func takesPrecedence(_ left: Self, _ right: Self) -> Bool {
        let (leftTime, rightTime) = (left.metadata.creationTimestamp, right.metadata.creationTimestamp)
        if leftTime != rightTime {
            // A resource that does not say its age counts as the youngest.
            return !leftTime.isEmpty && (rightTime.isEmpty || leftTime < rightTime)
        }
        return (left.metadata.namespace, left.metadata.name) < (right.metadata.namespace, right.metadata.name)
    }
}

/// gateway.networking.k8s.io ReferenceGrant: lets resources of other namespaces refer to those of its own.
package struct ReferenceGrantResource: MeshResource {
    package static let kind = "ReferenceGrant"

    package struct Source: Hashable, Sendable {
        package var group: String
        package var kind: String
        package var namespace: String

        package init(group: String, kind: String, namespace: String) {
            self.group = group
            self.kind = kind
            self.namespace = namespace
        }
    }

    package struct Target: Hashable, Sendable {
        package var group: String
        package var kind: String
        /// `nil`: every one of the kind.
        package var name: String?

        package init(group: String, kind: String, name: String? = nil) {
            self.group = group
            self.kind = kind
            self.name = name
        }
    }

    package var metadata: ResourceMetadata
    package var from: [Source] = []
    package var to: [Target] = []

    package init(metadata: ResourceMetadata) { self.metadata = metadata }
}

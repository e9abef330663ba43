/// v1 Namespace.
package struct NamespaceResource: MeshResource {
    package static let kind = "Namespace"
    package var metadata: ResourceMetadata

    package init(metadata: ResourceMetadata) { self.metadata = metadata }
}

/// v1 Node: its labels say where it stands.
package struct NodeResource: MeshResource {
    package static let kind = "Node"
    package var metadata: ResourceMetadata

    package init(metadata: ResourceMetadata) { self.metadata = metadata }
}

/// v1 ServiceAccount.
package struct ServiceAccountResource: MeshResource {
    package static let kind = "ServiceAccount"
    package var metadata: ResourceMetadata

    package init(metadata: ResourceMetadata) { self.metadata = metadata }
}

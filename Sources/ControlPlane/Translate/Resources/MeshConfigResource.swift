package import MeshModel

/// The ConfigMap in which Istio's mesh configuration stands (`data.mesh`), as far as it is read.
package struct MeshConfigResource: MeshResource {
    package static let kind = "ConfigMap"
    /// Its name, and its namespace where the root namespace has none.
    package static let name = "istio"
    package static let standardNamespace = "istio-system"

    package var metadata: ResourceMetadata
    package var providers: [ExtensionProviderResource] = []
    /// Fields of the mesh configuration that are written and not read.
    package var unread: [String] = []

    package init(metadata: ResourceMetadata) { self.metadata = metadata }
}

/// An entry of `extensionProviders` that is an external authorizer.
package struct ExtensionProviderResource: Hashable, Sendable {
    package var name: String
    /// `[NAMESPACE/]HOST`.
    package var service: String = ""
    package var port: UInt16 = 0
    /// `nil`: it is none that can be asked.
    package var transport: Authorizer.Transport?
    package var timeoutNanoseconds: Int64 = Authorizer.timeoutNanoseconds
    package var failsOpen: Bool = false
    package var statusOnError: UInt16 = Authorizer.statusOnError
    package var body: CheckedBody?
    /// With one, nobody is asked.
    package var problems: [FieldProblem] = []
    package var line: Int = 0

    package init(name: String) { self.name = name }
}

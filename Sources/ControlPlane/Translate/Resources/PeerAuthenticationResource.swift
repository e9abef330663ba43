/// security.istio.io PeerAuthentication.
package struct PeerAuthenticationResource: MeshResource {
    package static let kind = "PeerAuthentication"

    package enum Mode: String, Hashable, Sendable {
        /// Inherited from the next wider scope.
        case unset = "UNSET"
        case disable = "DISABLE"
        case permissive = "PERMISSIVE"
        case strict = "STRICT"
    }

    package var metadata: ResourceMetadata
    /// `nil` or empty: the whole namespace, or the mesh when it stands in the root namespace.
    package var selector: [String: String]?
    package var mode: Mode = .unset
    /// By workload port.
    package var portModes: [UInt16: Mode] = [:]
    /// Any problem makes the whole resource STRICT.
    package var problems: [FieldProblem] = []

    package init(metadata: ResourceMetadata) { self.metadata = metadata }
}

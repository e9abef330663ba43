/// gateway.networking.k8s.io Gateway, as far as the mesh has a use for it: as a waypoint.
package struct GatewayResource: MeshResource {
    package static let kind = "Gateway"

    package var metadata: ResourceMetadata
    /// spec.gatewayClassName.
    package var className: String = ""
    /// The port that HBONE comes to.
    package var tunnelPort: UInt16 = 15008

    package init(metadata: ResourceMetadata) { self.metadata = metadata }

    /// Of a class that makes a waypoint.
    package var isWaypoint: Bool { className == "istio-waypoint" || className == "apus-waypoint" }
}

import ControlTranslate

enum GatewayDecoder {
    /// What a waypoint's listener may say and the mesh does not need: HBONE authenticates itself.
    private static let idleListenerFields: Set<String> = ["name", "protocol", "allowedRoutes", "tls", "hostname"]

    static func decode(_ root: inout MapReader, _ metadata: ResourceMetadata) -> GatewayResource? {
        var gateway = GatewayResource(metadata: metadata)
        root.skip(["status"])
        guard var spec = root.map("spec") else {
            root.complain(root.line, "spec", "is missing")
            return nil
        }
        gateway.className = spec.text("gatewayClassName") ?? ""
        // Other classes are none of ours: nothing is said of their fields.
        if gateway.isWaypoint {
            for var listener in spec.maps("listeners") {
                if let port = listener.port("port"), listener.text("protocol") == "HBONE" { gateway.tunnelPort = port }
                listener.skip(idleListenerFields)
                listener.complainAboutTheRest()
                spec.absorb(listener)
            }
            spec.complainAboutTheRest()
        }
        root.absorb(spec)
        return gateway
    }
}

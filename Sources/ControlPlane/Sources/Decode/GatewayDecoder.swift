import ControlTranslate

enum GatewayDecoder {
    /// What a waypoint's listener may say and the mesh does not need: HBONE authenticates itself.
    private static let idleListenerFields: Set<String> = ["allowedRoutes", "tls", "hostname"]

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
                let found = GatewayResource.Listener(
                    name: listener.text("name") ?? "", port: listener.port("port"),
                    protocolName: listener.text("protocol") ?? "")
                if let port = found.port, found.protocolName == "HBONE" { gateway.tunnelPort = port }
                gateway.listeners.append(found)
                listener.skip(idleListenerFields)
                listener.complainAboutTheRest()
                spec.absorb(listener)
            }
            gateway.hasAddresses = !spec.maps("addresses").isEmpty
            spec.complainAboutTheRest()
        }
        root.absorb(spec)
        return gateway
    }
}

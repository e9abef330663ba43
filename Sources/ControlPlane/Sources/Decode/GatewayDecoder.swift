import ControlTranslate

enum GatewayDecoder {
    /// What a waypoint's listener may say and the mesh does not need: HBONE authenticates itself.
    private static let idleListenerFields: Set<String> = ["tls", "hostname"]

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
                    protocolName: listener.text("protocol") ?? "", admission: admission(&listener))
                if let port = found.port, found.protocolName == "HBONE" { gateway.tunnelPort = port }
                gateway.listeners.append(found)
                listener.skip(idleListenerFields)
                listener.complainAboutTheRest()
                spec.absorb(listener)
            }
            if let infrastructure = spec.map("infrastructure") {
                gateway.infrastructure = decode(infrastructure, &spec)
            }
            gateway.hasAddresses = !spec.maps("addresses").isEmpty
            spec.complainAboutTheRest()
        }
        root.absorb(spec)
        return gateway
    }

    /// What is not understood admits nobody else.
    private static func admission(_ listener: inout MapReader) -> NamespaceAdmission {
        guard var routes = listener.map("allowedRoutes") else { return .same }
        defer { listener.absorb(routes) }
        // Waypoints are asked for by labels; no route names them.
        routes.skip(["kinds"])
        guard var namespaces = routes.map("namespaces") else { return .same }
        defer { routes.absorb(namespaces) }
        let from = namespaces.text("from") ?? "Same"
        let selector = namespaces.map("selector")
        switch from {
        case "All": return .all
        case "None": return .none
        case "Same": return .same
        case "Selector":
            guard var selector else {
                namespaces.complain(namespaces.line, namespaces.field("selector"), "is missing")
                return .same
            }
            let found = selector.labelSelector()
            namespaces.absorb(selector)
            return found.map(NamespaceAdmission.selector) ?? .same
        default:
            let expected = "expected All, Selector, Same or None, found \"\(from.prefix(16))\""
            namespaces.complain(namespaces.line, namespaces.field("from"), expected)
            return .same
        }
    }

    private static func decode(
        _ start: MapReader, _ spec: inout MapReader
    ) -> GatewayResource.Infrastructure {
        var reader = start
        var infrastructure = GatewayResource.Infrastructure(
            labels: reader.labels("labels"), annotations: reader.labels("annotations"))
        if var reference = reader.map("parametersRef") {
            infrastructure.parameters = GatewayResource.Parameters(
                group: reference.text("group") ?? "", kind: reference.text("kind") ?? "",
                name: reference.text("name") ?? "")
            reference.complainAboutTheRest()
            reader.absorb(reference)
        }
        reader.complainAboutTheRest()
        spec.absorb(reader)
        return infrastructure
    }
}

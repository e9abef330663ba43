import MeshModel

/// What one parentRef of a route leads to.
struct RouteParent {
    enum Outcome {
        /// The ports to attach to; only clients of the namespace when one is given.
        case attached([RouteTarget], clientNamespace: String?)
        case refused(String)
        /// A kind that is not served here: no status is written for it.
        case foreign
    }

    let reference: RouteParentReference
    let outcome: Outcome
}

/// Resolves the parents of routes, services of the mesh (Gateway API, GEP-1294).
struct RouteParents {
    private let services: RouteServices

    init(_ services: RouteServices) {
        self.services = services
    }

    func resolve(_ reference: RouteParentReference, of route: ResourceMetadata) -> RouteParent {
        RouteParent(reference: reference, outcome: outcome(reference, route.namespace))
    }

    private func outcome(_ reference: RouteParentReference, _ routeNamespace: String) -> RouteParent.Outcome {
        let namespace = reference.namespace ?? routeNamespace
        let title = "\(reference.kind) \(namespace)/\(reference.name)"
        let entries: [RouteServices.Entry]
        switch (reference.group, reference.kind) {
        case (RouteGroup.core, "Service"):
            if services.isExternalName(namespace: namespace, name: reference.name) {
                return .refused("\(title) is of type ExternalName: no connection arrives under its name")
            }
            entries = services.service(namespace: namespace, name: reference.name).map { [$0] } ?? []
        case (RouteGroup.istio, "ServiceEntry"):
            // An entry that others cannot see gets no routes from them.
            entries = services.entry(namespace: namespace, name: reference.name)
                .filter { $0.isVisibleEverywhere || namespace == routeNamespace }
        default: return .foreign
        }
        guard let first = entries.first else { return .refused("\(title) does not exist") }
        guard !first.isHeadless else {
            return .refused("\(title) has no cluster IP: routes are chosen by the address a client connects to")
        }
        let targets = entries.flatMap { entry in
            entry.ports.filter { port in
                (reference.port == nil || port.number == reference.port)
                    && (reference.sectionName == nil || port.name == reference.sectionName)
            }.map { RouteTarget(service: entry.key, port: $0.number) }
        }
        guard !targets.isEmpty else {
            let port = reference.port.map { " \($0)" } ?? ""
            let name = reference.sectionName.map { " named \($0)" } ?? ""
            return .refused("\(title) has no TCP port\(port)\(name)")
        }
        // A route of the service's own namespace is its producer's; any other one speaks for its own clients only.
        return .attached(targets, clientNamespace: namespace == routeNamespace ? nil : routeNamespace)
    }
}

import ControlSources
import ControlTranslate
import MeshModel
import Testing

/// The mesh of the Gateway API's conformance tests, and worlds with routes in it.
enum Echo {
    private static let mesh = """
        {apiVersion: v1, kind: Service, metadata: {name: echo, namespace: mesh}, \
        spec: {clusterIP: 10.0.0.1, ports: [{name: http, port: 80}, {name: http-alt, port: 8080}]}}
        ---
        {apiVersion: v1, kind: Service, metadata: {name: echo-v1, namespace: mesh}, \
        spec: {clusterIP: 10.0.0.2, ports: [{port: 80}, {port: 8080}, {port: 7070}]}}
        ---
        {apiVersion: v1, kind: Service, metadata: {name: echo-v2, namespace: mesh}, \
        spec: {clusterIP: 10.0.0.3, ports: [{port: 80}, {port: 7070}]}}
        ---
        {apiVersion: v1, kind: Service, metadata: {name: far, namespace: other}, \
        spec: {clusterIP: 10.0.0.4, ports: [{port: 80}]}}

        """

    static func world(_ documents: String..., needsGrants: Bool = false) -> DesiredWorld {
        let text = ([mesh] + documents).joined(separator: "\n---\n")
        let file = ResourceFile.parse(text: text, path: "x.yaml")
        #expect(!file.isMalformed, "\(file.findings)")
        var settings = TranslateSettings()
        settings.requiresReferenceGrants = needsGrants
        return Translate.translate(ResourceSet.merging([file.resources]).resources, settings)
    }

    static func route(
        _ rules: String, parent: String = "{group: '', kind: Service, name: echo}", namespace: String = "mesh",
        kind: String = "HTTPRoute", name: String = "route"
    ) -> String {
        """
        apiVersion: gateway.networking.k8s.io/v1
        kind: \(kind)
        metadata: {name: \(name), namespace: \(namespace), generation: 2}
        spec: {parentRefs: [\(parent)], rules: [\(rules)]}
        """
    }

    static func grant(
        from: String = "{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: mesh}",
        to: String = "{group: '', kind: Service}", namespace: String = "other"
    ) -> String {
        """
        apiVersion: gateway.networking.k8s.io/v1beta1
        kind: ReferenceGrant
        metadata: {name: grant, namespace: \(namespace)}
        spec: {from: [\(from)], to: [\(to)]}
        """
    }

    static let far = route("{backendRefs: [{namespace: other, name: far, port: 80}]}")

    static func table(_ world: DesiredWorld, port: UInt16 = 80, client: String? = nil) throws -> RouteTable {
        try #require(world.routes.first { $0.table.target.port == port && $0.clientNamespace == client }).table
    }

    static func backends(_ rule: HTTPRouteRule?) throws -> [RouteBackend] {
        guard case .forward(let backends, _) = try #require(rule).behaviour.action else { return [] }
        return backends
    }

    static func condition(_ world: DesiredWorld, _ kind: RouteCondition.Kind) throws -> RouteCondition {
        let parent = try #require(world.routeStatuses.first?.parents.first)
        return try #require(parent.conditions.first { $0.kind == kind })
    }

    static func expectUnresolved(
        _ world: DesiredWorld, _ reason: RouteCondition.Reason, _ why: InvalidBackend
    ) throws {
        #expect(try backends(table(world).http.first).map(\.destination) == [.invalid(why)])
        let resolved = try condition(world, .resolvedReferences)
        #expect(!resolved.isTrue && resolved.reason == reason)
        #expect(try condition(world, .accepted).isTrue)
        #expect(world.findings.contains { $0.severity == .error && $0.message.contains(reason.rawValue) })
    }
}

import ControlTranslate
import MeshModel
import Testing

/// What of the Gateway API's conformance tests a translation decides, under the tests' own names.
@Suite struct RouteConformanceTests {
    @Test("MeshHTTPRouteSimpleSameNamespace")
    func simple() throws {
        let world = Echo.world(Echo.route("{backendRefs: [{name: echo-v1, port: 80}]}"))
        #expect(world.routes.map(\.scope.description) == [
            "mesh/echo.mesh.svc.cluster.local/80", "mesh/echo.mesh.svc.cluster.local/8080",
        ])
        let target = RouteTarget(
            service: ServiceKey(namespace: "mesh", hostname: "echo-v1.mesh.svc.cluster.local"), port: 80)
        #expect(try Echo.backends(Echo.table(world).http.first).map(\.destination) == [.service(target)])
        #expect(try Echo.condition(world, .accepted) == RouteCondition(.accepted, true, .accepted))
        #expect(try Echo.condition(world, .resolvedReferences) == RouteCondition(.resolvedReferences, true, .resolved))
        #expect(world.routeStatuses.first?.generation == 2)
    }

    @Test("MeshFrontend, MeshPorts: a route holds for the ports that its parentRef names", arguments: [
        ("{group: '', kind: Service, name: echo}", [80, 8080]),
        ("{group: '', kind: Service, name: echo, port: 80}", [80]),
        ("{group: '', kind: Service, name: echo, sectionName: http-alt}", [8080]),
        ("{group: '', kind: Service, name: echo, sectionName: http-alt, port: 80}", []),
    ] as [(String, [UInt16])])
    func ports(_ parent: String, _ expected: [UInt16]) throws {
        let world = Echo.world(Echo.route("{backendRefs: [{name: echo-v1, port: 80}]}", parent: parent))
        #expect(world.routes.map(\.table.target.port) == expected)
        let accepted = try Echo.condition(world, .accepted)
        #expect(accepted.reason == (expected.isEmpty ? .noMatchingParent : .accepted))
    }

    @Test("MeshConsumerRoute: a route of another namespace is for the clients of that namespace")
    func consumer() throws {
        let parent = "{group: '', kind: Service, name: echo, namespace: mesh, port: 80}"
        let world = Echo.world(
            Echo.route("{backendRefs: [{name: echo-v1, port: 80}]}"),
            Echo.route("{backendRefs: [{namespace: mesh, name: echo-v2, port: 80}]}", parent: parent, namespace: "c"))
        #expect(try Echo.table(world).http.map(\.origin.namespace) == ["mesh"])
        #expect(try Echo.table(world, client: "c").http.map(\.origin.namespace) == ["c"])
        #expect(world.routeStatuses.allSatisfy { $0.parents.allSatisfy { $0.conditions.allSatisfy(\.isTrue) } })
    }

    @Test("HTTPRouteInvalidCrossNamespaceBackendRef")
    func crossNamespace() throws {
        try Echo.expectUnresolved(Echo.world(Echo.far, needsGrants: true), .notPermitted, .referenceNotPermitted)
    }

    @Test("without the rule for grants, a mesh asks for none")
    func crossNamespaceInMeshes() throws {
        #expect(try Echo.condition(Echo.world(Echo.far), .resolvedReferences).isTrue)
    }

    @Test("HTTPRouteReferenceGrant: with it the back end resolves, when it is taken back no longer")
    func referenceGrant() throws {
        let named = Echo.grant(to: "{group: '', kind: Service, name: far}")
        for grant in [Echo.grant(), named] {
            #expect(try Echo.condition(Echo.world(Echo.far, grant, needsGrants: true), .resolvedReferences).isTrue)
        }
        try Echo.expectUnresolved(Echo.world(Echo.far, needsGrants: true), .notPermitted, .referenceNotPermitted)
    }

    @Test("HTTPRouteInvalidReferenceGrant", arguments: [
        Echo.grant(from: "{group: gateway.networking.k8s.io, kind: GRPCRoute, namespace: mesh}"),
        Echo.grant(from: "{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: other}"),
        Echo.grant(from: "{group: '', kind: HTTPRoute, namespace: mesh}"),
        Echo.grant(from: "{group: gateway.networking.k8s.io, kind: HTTPRoute}"),
        Echo.grant(to: "{group: '', kind: Secret}"), Echo.grant(to: "{group: apps, kind: Service}"),
        Echo.grant(to: "{group: '', kind: Service, name: near}"), Echo.grant(namespace: "mesh"),
    ])
    func invalidGrant(_ grant: String) throws {
        try Echo.expectUnresolved(Echo.world(Echo.far, grant, needsGrants: true), .notPermitted, .referenceNotPermitted)
    }

    @Test("HTTPRoutePartiallyInvalidViaInvalidReferenceGrant: only the share of the bad back end fails")
    func partial() throws {
        let rule = "{backendRefs: [{name: echo-v1, port: 80}, {namespace: other, name: far, port: 80}]}"
        let world = Echo.world(Echo.route(rule), needsGrants: true)
        let destinations = try Echo.backends(Echo.table(world).http.first).map(\.destination)
        #expect(destinations.count == 2 && destinations.last == .invalid(.referenceNotPermitted))
        #expect(try Echo.condition(world, .resolvedReferences).reason == .notPermitted)
    }

    @Test("HTTPRouteInvalidBackendRefUnknownKind")
    func unknownKind() throws {
        let world = Echo.world(Echo.route("{backendRefs: [{group: x.example.com, kind: Bucket, name: b}]}"))
        try Echo.expectUnresolved(world, .invalidKind, .invalidKind)
    }

    @Test("HTTPRouteInvalidNonExistentBackendRef", arguments: [
        "{name: nobody, port: 80}", "{name: echo-v1, port: 81}", "{name: echo-v1}",
        "{group: networking.istio.io, kind: Hostname, name: nobody.example.com, port: 80}",
    ])
    func nonExistent(_ reference: String) throws {
        try Echo.expectUnresolved(
            Echo.world(Echo.route("{backendRefs: [\(reference)]}")), .backendNotFound, .backendNotFound)
    }

    @Test("MeshGRPCRouteWeight: a missing back end of weight 0 does no harm")
    func weightZero() throws {
        let rule = """
            {backendRefs: [{name: echo-v1, port: 7070, weight: 70}, {name: echo-v2, port: 7070, weight: 30}, \
            {name: echo-v3, port: 7070, weight: 0}]}
            """
        let world = Echo.world(Echo.route(rule, kind: "GRPCRoute"))
        #expect(try Echo.condition(world, .resolvedReferences).isTrue)
        #expect(!world.findings.contains { $0.severity == .error })
        guard case .forward(let backends, _) = try Echo.table(world).grpc.first?.behaviour.action else {
            Issue.record("no rule")
            return
        }
        #expect(backends.map(\.weight.value) == [70, 30, 0])
    }

    @Test("HTTPRouteNoBackendRefs: the rule is there and leads nowhere")
    func noBackends() throws {
        let world = Echo.world(Echo.route("{}"))
        #expect(try Echo.table(world).http.map(\.behaviour.action) == [.forward(to: [])])
        #expect(try Echo.condition(world, .accepted).isTrue)
    }

    @Test("HTTPRouteInvalidParentRefNotMatchingListenerPort, ...SectionNameNotMatchingPort", arguments: [
        "{group: '', kind: Service, name: echo, port: 81}",
        "{group: '', kind: Service, name: echo, sectionName: https}",
        "{group: '', kind: Service, name: nobody}",
    ])
    func parentNotMatching(_ parent: String) throws {
        let world = Echo.world(Echo.route("{backendRefs: [{name: echo-v1, port: 80}]}", parent: parent))
        #expect(world.routes.isEmpty)
        let accepted = try Echo.condition(world, .accepted)
        #expect(!accepted.isTrue && accepted.reason == .noMatchingParent)
    }
}

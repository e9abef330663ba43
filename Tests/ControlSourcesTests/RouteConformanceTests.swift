import ControlSources
import ControlTranslate
import MeshModel
import Testing

/// What of the Gateway API's conformance tests a translation decides, under the tests' own names.
@Suite struct RouteConformanceTests {
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

    private static func world(_ documents: String..., needsGrants: Bool = false) -> DesiredWorld {
        let text = ([mesh] + documents).joined(separator: "\n---\n")
        let file = ResourceFile.parse(text: text, path: "x.yaml")
        #expect(!file.isMalformed, "\(file.findings)")
        var settings = TranslateSettings()
        settings.requiresReferenceGrants = needsGrants
        return Translate.translate(ResourceSet.merging([file.resources]).resources, settings)
    }

    private static func route(
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

    private static func grant(
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

    private static let far = route("{backendRefs: [{namespace: other, name: far, port: 80}]}")

    private func table(_ world: DesiredWorld, port: UInt16 = 80, client: String? = nil) throws -> RouteTable {
        try #require(world.routes.first { $0.table.target.port == port && $0.clientNamespace == client }).table
    }

    private func backends(_ rule: HTTPRouteRule?) throws -> [RouteBackend] {
        guard case .forward(let backends, _) = try #require(rule).behaviour.action else { return [] }
        return backends
    }

    private func condition(_ world: DesiredWorld, _ kind: RouteCondition.Kind) throws -> RouteCondition {
        let parent = try #require(world.routeStatuses.first?.parents.first)
        return try #require(parent.conditions.first { $0.kind == kind })
    }

    private func expectUnresolved(
        _ world: DesiredWorld, _ reason: RouteCondition.Reason, _ why: InvalidBackend
    ) throws {
        #expect(try backends(table(world).http.first).map(\.destination) == [.invalid(why)])
        let resolved = try condition(world, .resolvedReferences)
        #expect(!resolved.isTrue && resolved.reason == reason)
        #expect(try condition(world, .accepted).isTrue)
        #expect(world.findings.contains { $0.severity == .error && $0.message.contains(reason.rawValue) })
    }

    @Test("MeshHTTPRouteSimpleSameNamespace")
    func simple() throws {
        let world = Self.world(Self.route("{backendRefs: [{name: echo-v1, port: 80}]}"))
        #expect(world.routes.map(\.scope.description) == [
            "mesh/echo.mesh.svc.cluster.local/80", "mesh/echo.mesh.svc.cluster.local/8080",
        ])
        let target = RouteTarget(
            service: ServiceKey(namespace: "mesh", hostname: "echo-v1.mesh.svc.cluster.local"), port: 80)
        #expect(try backends(table(world).http.first).map(\.destination) == [.service(target)])
        #expect(try condition(world, .accepted) == RouteCondition(.accepted, true, .accepted))
        #expect(try condition(world, .resolvedReferences) == RouteCondition(.resolvedReferences, true, .resolved))
        #expect(world.routeStatuses.first?.generation == 2)
    }

    @Test("MeshFrontend, MeshPorts: a route holds for the ports that its parentRef names", arguments: [
        ("{group: '', kind: Service, name: echo}", [80, 8080]),
        ("{group: '', kind: Service, name: echo, port: 80}", [80]),
        ("{group: '', kind: Service, name: echo, sectionName: http-alt}", [8080]),
        ("{group: '', kind: Service, name: echo, sectionName: http-alt, port: 80}", []),
    ] as [(String, [UInt16])])
    func ports(_ parent: String, _ expected: [UInt16]) throws {
        let world = Self.world(Self.route("{backendRefs: [{name: echo-v1, port: 80}]}", parent: parent))
        #expect(world.routes.map(\.table.target.port) == expected)
        let accepted = try condition(world, .accepted)
        #expect(accepted.reason == (expected.isEmpty ? .noMatchingParent : .accepted))
    }

    @Test("MeshConsumerRoute: a route of another namespace is for the clients of that namespace")
    func consumer() throws {
        let parent = "{group: '', kind: Service, name: echo, namespace: mesh, port: 80}"
        let world = Self.world(
            Self.route("{backendRefs: [{name: echo-v1, port: 80}]}"),
            Self.route("{backendRefs: [{namespace: mesh, name: echo-v2, port: 80}]}", parent: parent, namespace: "c"))
        #expect(try table(world).http.map(\.origin.namespace) == ["mesh"])
        #expect(try table(world, client: "c").http.map(\.origin.namespace) == ["c"])
        #expect(world.routeStatuses.allSatisfy { $0.parents.allSatisfy { $0.conditions.allSatisfy(\.isTrue) } })
    }

    @Test("HTTPRouteInvalidCrossNamespaceBackendRef")
    func crossNamespace() throws {
        try expectUnresolved(Self.world(Self.far, needsGrants: true), .notPermitted, .referenceNotPermitted)
    }

    @Test("without the rule for grants, a mesh asks for none")
    func crossNamespaceInMeshes() throws {
        #expect(try condition(Self.world(Self.far), .resolvedReferences).isTrue)
    }

    @Test("HTTPRouteReferenceGrant: with it the back end resolves, when it is taken back no longer")
    func referenceGrant() throws {
        let named = Self.grant(to: "{group: '', kind: Service, name: far}")
        for grant in [Self.grant(), named] {
            #expect(try condition(Self.world(Self.far, grant, needsGrants: true), .resolvedReferences).isTrue)
        }
        try expectUnresolved(Self.world(Self.far, needsGrants: true), .notPermitted, .referenceNotPermitted)
    }

    @Test("HTTPRouteInvalidReferenceGrant", arguments: [
        grant(from: "{group: gateway.networking.k8s.io, kind: GRPCRoute, namespace: mesh}"),
        grant(from: "{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: other}"),
        grant(from: "{group: '', kind: HTTPRoute, namespace: mesh}"),
        grant(from: "{group: gateway.networking.k8s.io, kind: HTTPRoute}"),
        grant(to: "{group: '', kind: Secret}"), grant(to: "{group: apps, kind: Service}"),
        grant(to: "{group: '', kind: Service, name: near}"), grant(namespace: "mesh"),
    ])
    func invalidGrant(_ grant: String) throws {
        try expectUnresolved(Self.world(Self.far, grant, needsGrants: true), .notPermitted, .referenceNotPermitted)
    }

    @Test("HTTPRoutePartiallyInvalidViaInvalidReferenceGrant: only the share of the bad back end fails")
    func partial() throws {
        let rule = "{backendRefs: [{name: echo-v1, port: 80}, {namespace: other, name: far, port: 80}]}"
        let world = Self.world(Self.route(rule), needsGrants: true)
        let destinations = try backends(table(world).http.first).map(\.destination)
        #expect(destinations.count == 2 && destinations.last == .invalid(.referenceNotPermitted))
        #expect(try condition(world, .resolvedReferences).reason == .notPermitted)
    }

    @Test("HTTPRouteInvalidBackendRefUnknownKind")
    func unknownKind() throws {
        let world = Self.world(Self.route("{backendRefs: [{group: x.example.com, kind: Bucket, name: b}]}"))
        try expectUnresolved(world, .invalidKind, .invalidKind)
    }

    @Test("HTTPRouteInvalidNonExistentBackendRef", arguments: [
        "{name: nobody, port: 80}", "{name: echo-v1, port: 81}", "{name: echo-v1}",
        "{group: networking.istio.io, kind: Hostname, name: nobody.example.com, port: 80}",
    ])
    func nonExistent(_ reference: String) throws {
        try expectUnresolved(
            Self.world(Self.route("{backendRefs: [\(reference)]}")), .backendNotFound, .backendNotFound)
    }

    @Test("MeshGRPCRouteWeight: a missing back end of weight 0 does no harm")
    func weightZero() throws {
        let rule = """
            {backendRefs: [{name: echo-v1, port: 7070, weight: 70}, {name: echo-v2, port: 7070, weight: 30}, \
            {name: echo-v3, port: 7070, weight: 0}]}
            """
        let world = Self.world(Self.route(rule, kind: "GRPCRoute"))
        #expect(try condition(world, .resolvedReferences).isTrue)
        #expect(!world.findings.contains { $0.severity == .error })
        guard case .forward(let backends, _) = try table(world).grpc.first?.behaviour.action else {
            Issue.record("no rule")
            return
        }
        #expect(backends.map(\.weight.value) == [70, 30, 0])
    }

    @Test("HTTPRouteNoBackendRefs: the rule is there and leads nowhere")
    func noBackends() throws {
        let world = Self.world(Self.route("{}"))
        #expect(try table(world).http.map(\.behaviour.action) == [.forward(to: [])])
        #expect(try condition(world, .accepted).isTrue)
    }

    @Test("HTTPRouteInvalidParentRefNotMatchingListenerPort, ...SectionNameNotMatchingPort", arguments: [
        "{group: '', kind: Service, name: echo, port: 81}",
        "{group: '', kind: Service, name: echo, sectionName: https}",
        "{group: '', kind: Service, name: nobody}",
    ])
    func parentNotMatching(_ parent: String) throws {
        let world = Self.world(Self.route("{backendRefs: [{name: echo-v1, port: 80}]}", parent: parent))
        #expect(world.routes.isEmpty)
        let accepted = try condition(world, .accepted)
        #expect(!accepted.isTrue && accepted.reason == .noMatchingParent)
    }

    @Test("MeshHTTPRouteNamedRule, and a rule that is not understood keeps its place and fails its requests")
    func placesAreKept() throws {
        let rules = """
            {name: bad, matches: [{path: {type: Glob, value: /a}, method: PUT}], \
            backendRefs: [{name: echo-v1, port: 80}]}, \
            {name: good, backendRefs: [{name: echo-v2, port: 80}]}
            """
        let world = Self.world(Self.route(rules))
        let http = try table(world).http
        #expect(http.map(\.origin.ruleName) == ["bad", "good"] && http.map(\.origin.ruleIndex) == [0, 1])
        guard case .refuse = http.first?.behaviour.action else {
            Issue.record("the broken rule is in force")
            return
        }
        // The condition that was understood still holds.
        #expect(http.first?.matches == [HTTPMatch(method: .put)])
        #expect(try condition(world, .accepted).isTrue)
        let partial = try condition(world, .partiallyInvalid)
        #expect(partial.isTrue && partial.reason == .unsupportedValue && partial.message.hasPrefix("Dropped Rule"))
    }

    @Test("a rule with a regular expression that no waypoint runs fails at least what it was written for", arguments: [
        ("HTTPRoute", "{path: {type: RegularExpression, value: '(?=a)b'}, method: PUT}"),
        ("HTTPRoute", "{headers: [{type: RegularExpression, name: v, value: '('}], method: PUT}"),
        ("HTTPRoute", "{queryParams: [{type: RegularExpression, name: v, value: '[b-a]'}], method: PUT}"),
        ("GRPCRoute", "{method: {type: RegularExpression, service: '(', method: 'Get.*'}}"),
    ])
    func patterns(_ kind: String, _ match: String) throws {
        let rules = "{matches: [\(match)], backendRefs: [{name: echo-v1, port: 80}]}, {name: rest}"
        let world = Self.world(Self.route(rules, kind: kind))
        let table = try table(world)
        let behaviours = kind == "HTTPRoute" ? table.http.map(\.behaviour) : table.grpc.map(\.behaviour)
        guard case .refuse = behaviours.first?.action, behaviours.count == 2 else {
            Issue.record("\(behaviours)")
            return
        }
        #expect(table.http.first?.matches ?? [HTTPMatch(method: .put)] == [HTTPMatch(method: .put)])
        #expect(table.grpc.first?.matches ?? [GRPCMatch()] == [GRPCMatch()])
        #expect(try condition(world, .partiallyInvalid).message.contains("regular expression"))
    }

    @Test("the older of two routes stands first, then the alphabet decides; files without ages are the youngest")
    func precedence() throws {
        func aged(_ name: String, _ time: String) -> String {
            Self.route("{backendRefs: [{name: echo-v1, port: 80}]}", name: name).replacing(
                "generation: 2", with: time.isEmpty ? "" : "creationTimestamp: '\(time)'")
        }
        let world = Self.world(
            aged("b", ""), aged("a", ""), aged("young", "2026-03-01T00:00:00Z"), aged("old", "1999-12-31T23:59:59Z"),
            aged("unreadable", "yesterday"))
        #expect(try table(world).http.map(\.origin.name) == ["old", "young", "a", "b", "unreadable"])
        #expect(try table(world).http.first?.origin.createdSeconds == 946_684_799)
    }

    @Test("the world does not depend on the order of the resources")
    func order() {
        let routes = (0..<6).map { Self.route("{backendRefs: [{name: echo-v1, port: 80}]}", name: "r\($0)") }
        let forward = Self.world(routes.joined(separator: "\n---\n"))
        let backward = Self.world(routes.reversed().joined(separator: "\n---\n"))
        #expect(forward.routes == backward.routes && forward.routeStatuses == backward.routeStatuses)
    }
}

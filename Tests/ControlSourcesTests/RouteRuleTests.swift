import ControlTranslate
import MeshModel
import Testing

/// What becomes of rules, and their order.
@Suite struct RouteRuleTests {
    @Test("MeshHTTPRouteNamedRule, and a rule that is not understood keeps its place and fails its requests")
    func placesAreKept() throws {
        let rules = """
            {name: bad, matches: [{path: {type: Glob, value: /a}, method: PUT}], \
            backendRefs: [{name: echo-v1, port: 80}]}, \
            {name: good, backendRefs: [{name: echo-v2, port: 80}]}
            """
        let world = Echo.world(Echo.route(rules))
        let http = try Echo.table(world).http
        #expect(http.map(\.origin.ruleName) == ["bad", "good"] && http.map(\.origin.ruleIndex) == [0, 1])
        guard case .refuse = http.first?.behaviour.action else {
            Issue.record("the broken rule is in force")
            return
        }
        // The condition that was understood still holds.
        #expect(http.first?.matches == [HTTPMatch(method: .put)])
        #expect(try Echo.condition(world, .accepted).isTrue)
        let partial = try Echo.condition(world, .partiallyInvalid)
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
        let world = Echo.world(Echo.route(rules, kind: kind))
        let table = try Echo.table(world)
        let behaviours = kind == "HTTPRoute" ? table.http.map(\.behaviour) : table.grpc.map(\.behaviour)
        guard case .refuse = behaviours.first?.action, behaviours.count == 2 else {
            Issue.record("\(behaviours)")
            return
        }
        #expect(table.http.first?.matches ?? [HTTPMatch(method: .put)] == [HTTPMatch(method: .put)])
        #expect(table.grpc.first?.matches ?? [GRPCMatch()] == [GRPCMatch()])
        #expect(try Echo.condition(world, .partiallyInvalid).message.contains("regular expression"))
    }

    @Test("the older of two routes stands first, then the alphabet decides; files without ages are the youngest")
    func precedence() throws {
        func aged(_ name: String, _ time: String) -> String {
            Echo.route("{backendRefs: [{name: echo-v1, port: 80}]}", name: name).replacing(
                "generation: 2", with: time.isEmpty ? "" : "creationTimestamp: '\(time)'")
        }
        let world = Echo.world(
            aged("b", ""), aged("a", ""), aged("young", "2026-03-01T00:00:00Z"), aged("old", "1999-12-31T23:59:59Z"),
            aged("unreadable", "yesterday"))
        #expect(try Echo.table(world).http.map(\.origin.name) == ["old", "young", "a", "b", "unreadable"])
        #expect(try Echo.table(world).http.first?.origin.createdSeconds == 946_684_799)
    }

    @Test("the world does not depend on the order of the resources")
    func order() {
        let routes = (0..<6).map { Echo.route("{backendRefs: [{name: echo-v1, port: 80}]}", name: "r\($0)") }
        let forward = Echo.world(routes.joined(separator: "\n---\n"))
        let backward = Echo.world(routes.reversed().joined(separator: "\n---\n"))
        #expect(forward.routes == backward.routes && forward.routeStatuses == backward.routeStatuses)
    }
}

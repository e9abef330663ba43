import MeshModel
import SeededTesting
import Testing
import WaypointRoute

@Suite("Spreading over back ends")
struct BackendTests {
    private func backend(_ name: String, _ weight: UInt32) throws -> RouteBackend {
        RouteBackend(.service(Make.target(name)), weight: try BackendWeight(weight))
    }

    /// How often each outcome came of 2000 requests.
    private func shares(
        _ behaviour: RouteBehaviour, isGRPC: Bool = false, _ name: (RequestPlan) -> String
    ) throws -> [String: Double] {
        var counts: [String: Double] = [:]
        let rule = try HTTPRouteRule(origin: Make.origin("r"), behaviour: behaviour)
        let index = RouteIndex(Make.table([rule]))
        let head = try Make.head("POST /s/M", isGRPC ? [("content-type", "application/grpc")] : [])
        var generator = SeededGenerator(seed: 1)
        guard case .matched(let hit) = index.match(head) else { throw Unexpected(head) }
        for _ in 0..<2000 {
            let plan = RequestPlan.make(
                head, rule: index.rules[0], hit: hit, in: RequestPlan.Circumstances(port: 80, nowSeconds: 0),
                using: &generator)
            counts[name(plan), default: 0] += 1 / 2000
        }
        return counts
    }

    private func outcome(_ plan: RequestPlan) -> String {
        switch plan {
        case .forward(let forward): String(forward.target.service.hostname.prefix { $0 != "." })
        case .answer(let answer): "\(answer.status)" + (answer.headers["grpc-status"].map { "/\($0)" } ?? "")
        }
    }

    @Test("HTTPRouteWeight, MeshHTTPRouteWeight: 70/30/0")
    func weights() throws {
        let backends = [try backend("v1", 70), try backend("v2", 30), try backend("v3", 0)]
        let shares = try shares(RouteBehaviour(.forward(to: backends)), outcome)
        #expect(abs((shares["v1"] ?? 0) - 0.7) < 0.05 && abs((shares["v2"] ?? 0) - 0.3) < 0.05)
        #expect(shares["v3"] == nil)
    }

    @Test("MeshGRPCRouteWeight: a missing back end without a weight harms nobody")
    func missingWithoutWeight() throws {
        let missing = RouteBackend(.invalid(.backendNotFound), weight: try BackendWeight(0))
        let behaviour = RouteBehaviour(.forward(to: [try backend("v1", 70), try backend("v2", 30), missing]))
        #expect(try shares(behaviour, isGRPC: true, outcome).keys.sorted() == ["v1", "v2"])
    }

    @Test("HTTPRoutePartiallyInvalidViaInvalidReferenceGrant: the share of an invalid back end fails")
    func partlyInvalid() throws {
        let invalid = RouteBackend(.invalid(.referenceNotPermitted))
        let behaviour = RouteBehaviour(.forward(to: [try backend("v1", 1), invalid]))
        let http = try shares(behaviour, outcome)
        #expect(abs((http["v1"] ?? 0) - 0.5) < 0.05 && abs((http["500"] ?? 0) - 0.5) < 0.05)
        let grpc = try shares(behaviour, isGRPC: true, outcome)
        #expect(abs((grpc["v1"] ?? 0) - 0.5) < 0.05 && abs((grpc["200/14"] ?? 0) - 0.5) < 0.05)
    }

    @Test("HTTPRouteInvalidBackendRefUnknownKind, HTTPRouteInvalidNonExistentBackendRef, HTTPRouteNoBackendRefs: 500")
    func nothingToChoose() throws {
        let lists = [
            [], [try backend("v1", 0)], [RouteBackend(.invalid(.invalidKind))],
            [RouteBackend(.invalid(.backendNotFound))],
        ]
        for backends in lists {
            let behaviour = RouteBehaviour(.forward(to: backends))
            #expect(try shares(behaviour, outcome).keys.sorted() == ["500"])
            #expect(try shares(behaviour, isGRPC: true, outcome).keys.sorted() == ["200/14"])
        }
        let refused = RouteBehaviour(.refuse(.unknownFilter("ns/name")))
        #expect(try shares(refused, outcome).keys.sorted() == ["500"])
    }

    @Test("no match is 404, UNIMPLEMENTED for a call")
    func notFound() throws {
        let web = RouteAnswer.failure(.notFound, for: try Make.head("/"))
        #expect(web.status == 404 && web.headers.count == 0)
        let call = RouteAnswer.failure(
            .notFound, for: try Make.head("POST /", [("content-type", "application/grpc")]))
        #expect(call.status == 200 && call.headers["grpc-status"] == "12")
        #expect(call.headers["content-type"] == "application/grpc")
    }

    @Test("HTTPRouteRequestPercentageMirror, HTTPRouteRequestMultipleMirrors")
    func mirrors() throws {
        for percent in [0, 20, 50, 35, 100] as [UInt32] {
            let mirror = RequestMirror(target: Make.target("m"), share: try RequestFraction(percent))
            let filters = BackendFilters(mirrors: [RequestMirror(target: Make.target("n"))])
            let backend = RouteBackend(.service(Make.target("v1")), filters: filters)
            let behaviour = RouteBehaviour(.forward(to: [backend]), mirrors: [mirror])
            let shares = try shares(behaviour) { plan in
                guard case .forward(let forward) = plan else { return "?" }
                return forward.mirrors.map { String($0.service.hostname.prefix(1)) }.joined()
            }
            #expect(abs((shares["mn"] ?? 0) - Double(percent) / 100) < 0.05)
            #expect(abs((shares["n"] ?? 0) - Double(100 - percent) / 100) < 0.05)
        }
    }
}

@Suite("Routes of connections")
struct ConnectionRouteTests {
    private func origin(_ name: String, _ created: Int64) -> RouteOrigin {
        Make.origin(name, created: created, kind: .tcp)
    }

    private func backends(_ name: String) -> [RouteBackend] { [RouteBackend(.service(Make.target(name)))] }

    private func route(_ table: RouteTable, _ serverName: String?) -> String {
        var generator = SeededGenerator(seed: 3)
        switch ConnectionRoutes(table).route(serverName: serverName, using: &generator) {
        case .unrouted: return "unrouted"
        case .forward(let target): return String(target.service.hostname.prefix { $0 != "." })
        case .refuse(let reason): return "\(reason)"
        }
    }

    private func tls(_ hosts: [String], _ name: String, _ created: Int64 = 0) throws -> TLSRouteRule {
        try TLSRouteRule(
            origin: origin(name, created), hostnames: try hosts.map { try RouteHostname($0) }, backends: backends(name))
    }

    @Test("of several TCP routes the oldest counts; without routes the service itself")
    func tcp() {
        let rules = [
            TCPRouteRule(origin: origin("b", 2), backends: backends("b")),
            TCPRouteRule(origin: origin("c", 1), backends: backends("c")),
        ]
        #expect(route(RouteTable(target: Make.target("echo"), tcp: rules), nil) == "c")
        #expect(route(RouteTable(target: Make.target("echo"), tcp: rules.reversed()), "a.example") == "c")
        #expect(route(RouteTable(target: Make.target("echo")), nil) == "unrouted")
        let empty = TCPRouteRule(origin: origin("d", 0), backends: [])
        #expect(route(RouteTable(target: Make.target("echo"), tcp: rules + [empty]), nil) == "noBackend")
    }

    @Test("TLS routes: the most specific server name, then the oldest; no name, no connection")
    func tls() throws {
        let rules = [
            try tls(["*.example"], "wide"), try tls(["*.b.example"], "narrow"), try tls(["a.b.example"], "exact", 2),
            try tls(["A.B.example"], "older", 1),
        ]
        for order in [rules, rules.reversed()] {
            let table = RouteTable(target: Make.target("echo"), tls: order)
            for (name, expected) in [
                ("a.b.example", "older"), ("A.b.Example.", "older"), ("c.b.example", "narrow"),
                ("d.c.b.example", "narrow"), ("b.example", "wide"), ("example", "unknownServerName"),
                ("xexample", "unknownServerName"), (nil, "unknownServerName"), ("", "unknownServerName"),
            ] as [(String?, String)] {
                #expect(route(table, name) == expected, "\(name ?? "-")")
            }
        }
    }

    @Test("a TLS route comes before a TCP route")
    func both() throws {
        let plain = TCPRouteRule(origin: origin("plain", 0), backends: backends("plain"))
        let table = RouteTable(target: Make.target("echo"), tcp: [plain], tls: [try tls(["a.example"], "tls", 9)])
        #expect(route(table, "a.example") == "tls")
        #expect(route(table, "b.example") == "plain")
        #expect(route(table, nil) == "plain")
    }
}

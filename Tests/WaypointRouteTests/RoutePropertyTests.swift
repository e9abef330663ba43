import MeshModel
import SeededTesting
import Testing
import WaypointRoute

@Suite("Matching of routes by seed")
struct RoutePropertyTests {
    @Test("the index finds what a scan over all matches finds", arguments: 0..<8)
    func againstScan(_ seed: UInt64) throws {
        var maker = RouteMaker(generator: SeededGenerator(seed: seed))
        var matched = 0
        for _ in 0..<60 {
            let table = try maker.table()
            let index = RouteIndex(table)
            #expect(index.findings.isEmpty)
            for _ in 0..<30 {
                let head = try maker.head()
                let expected = NaiveRoutes.best(table, head)
                switch index.match(head) {
                case .matched(let hit):
                    matched += 1
                    #expect(index.rules[hit.ruleIndex].origin == expected, "seed \(seed): \(head)")
                case .unmatched: #expect(expected == nil, "seed \(seed): \(head)")
                case .unrouted: Issue.record("there are routes")
                }
            }
        }
        #expect(matched > 500)
    }

    private enum Shape: String, CaseIterable {
        case exact, prefix, nested, pattern, header, query, callMethod, hostname, wildcard
    }

    private func flatTable(_ shape: Shape, _ count: Int) throws -> RouteTable {
        var http: [HTTPRouteRule] = []
        var grpc: [GRPCRouteRule] = []
        for number in 0..<count {
            let origin = Make.origin("r\(number)")
            var hostnames: [RouteHostname] = []
            let match: HTTPMatch
            switch shape {
            case .exact: match = try HTTPMatch(.exact("/p\(number)"))
            case .prefix: match = try HTTPMatch(.prefix("/p\(number)"))
            case .nested: match = try HTTPMatch(.prefix("/a/b/c/p\(number)"))
            case .pattern: match = try HTTPMatch(.pattern("/p\(number)/[a-z]+"))
            case .header: match = try HTTPMatch(.prefix("/"), headers: [("env", "a"), ("tenant", "t\(number)")])
            case .query: match = try HTTPMatch(.prefix("/"), query: [("tenant", "t\(number)")])
            case .callMethod: match = HTTPMatch()
            case .hostname, .wildcard: match = HTTPMatch()
            }
            if shape == .hostname { hostnames = [try RouteHostname("h\(number).example")] }
            if shape == .wildcard { hostnames = [try RouteHostname("*.h\(number).example")] }
            if shape == .callMethod {
                let method = try GRPCMethodMatch(exactService: nil, method: "M\(number)")
                let matches = [GRPCMatch(method: method)]
                grpc.append(try GRPCRouteRule(origin: origin, matches: matches, behaviour: Make.forward("x")))
            } else {
                http.append(
                    try HTTPRouteRule(
                        origin: origin, hostnames: hostnames, matches: [match], behaviour: Make.forward("x")))
            }
        }
        return Make.table(http, grpc: grpc)
    }

    @Test("the candidates that are looked at do not grow with the routes", arguments: Shape.allCases)
    private func flat(_ shape: Shape) throws {
        for count in [1, 10, 100, 1000] {
            let index = RouteIndex(try flatTable(shape, count))
            for number in [0, count / 2, count - 1, count] {
                let path =
                    switch shape {
                    case .exact, .prefix: "/p\(number)"
                    case .nested: "/a/b/c/p\(number)/d"
                    case .pattern: "/p\(number)/x"
                    case .query: "/?tenant=t\(number)"
                    case .callMethod: "/s/M\(number)"
                    case .header, .hostname, .wildcard: "/"
                    }
                let host = shape == .wildcard ? "a.h\(number).example" : "h\(number).example"
                let head = try Make.head(path, [("env", "a"), ("tenant", "t\(number)")], host: host)
                var examined = 0
                let outcome = index.match(head, examined: &examined)
                #expect((outcome == .unmatched) == (number == count))
                #expect(examined <= 4, "\(shape) with \(count) routes")
            }
        }
    }
}

import MeshModel
import SeededTesting
import WaypointRoute

/// Makes tables and requests in which paths, names and values often coincide.
struct RouteMaker: SeededMaker {
    var generator: SeededGenerator

    private mutating func path() -> String {
        let parts = list(3) { $0.pick(["a", "b", "c", "ab"], or: "a") }
        return "/" + parts.joined(separator: "/") + (parts.isEmpty ? "" : pick(["", "", "/"], or: ""))
    }

    private mutating func value() -> ValueMatch { pick([.exact("x"), .exact("y"), .pattern("[xy]")], or: .exact("x")) }

    private mutating func header() throws -> HeaderMatch {
        HeaderMatch(try HeaderName(pick(["h1", "h2", "h3"], or: "h1")), value())
    }

    private mutating func pathMatch() throws -> PathMatch {
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: .pattern(pick(NaiveRoutes.patterns.map(\.text), or: ""))
        case 1, 2: .exact(try RoutePath(path()))
        default: .prefix(try RoutePath(path()))
        }
    }

    private mutating func hostnames() throws -> [RouteHostname] {
        try list(2) { try RouteHostname($0.pick(["p.q", "*.p.q", "*.q", "r.p.q", "s.r.p.q"], or: "p.q")) }
    }

    private mutating func callMatch() throws -> GRPCMethodMatch? {
        let service = pick(["a", "b", nil], or: nil)
        let method = pick(["a", "b", nil], or: nil)
        if service == nil, method == nil { return nil }
        guard Int.random(in: 0..<3, using: &generator) == 0 else {
            return try GRPCMethodMatch(exactService: service, method: method)
        }
        return try GRPCMethodMatch(
            servicePattern: service.map { _ in ".*b" }, methodPattern: method.map { _ in "[xy]" })
    }

    mutating func table() throws -> RouteTable {
        let rules = Int.random(in: 1...30, using: &generator)
        let http = try (0..<rules).map { number in
            let matches = try list(3) { maker in
                HTTPMatch(
                    path: try maker.pathMatch(), method: maker.pick([nil, nil, .get, .post], or: nil),
                    headers: try maker.list(2) { try $0.header() },
                    queryParameters: maker.list(1) { QueryMatch($0.pick(["q", "r"], or: "q"), $0.value()) })
            }
            return try HTTPRouteRule(
                origin: origin(number), hostnames: try hostnames(), matches: matches, behaviour: Make.forward("x"))
        }
        let grpc = try list(6) { maker in
            let matches = try maker.list(2) { maker in
                GRPCMatch(method: try maker.callMatch(), headers: try maker.list(1) { try $0.header() })
            }
            return (try maker.hostnames(), matches)
        }
        let calls = try grpc.enumerated().map { number, rule in
            try GRPCRouteRule(
                origin: origin(rules + number, .grpc), hostnames: rule.0, matches: rule.1, behaviour: Make.forward("x"))
        }
        return Make.table(http, grpc: calls)
    }

    /// A rule of one of four routes; the place in it makes the origin unlike every other.
    private mutating func origin(_ number: Int, _ kind: RouteOrigin.Kind = .http) -> RouteOrigin {
        let name = pick(["a", "b", "c", "d"], or: "a")
        return Make.origin(name, rule: number, created: ["a": 2, "b": 1, "c": 2][name] ?? 1, kind: kind)
    }

    mutating func head() throws -> RequestHead {
        let query = list(2) { "\($0.pick(["q", "r"], or: "q"))=\($0.pick(["x", "y", "z"], or: "x"))" }
        let path = pick([path(), path(), "/a//b", "/x/y"], or: "/") + (query.isEmpty ? "" : "?")
        let headers = list(3) { ($0.pick(["H1", "h2", "h3"], or: "h1"), $0.pick(["x", "y", "z"], or: "x")) }
        return try Make.head(
            "\(pick(["GET", "POST", "PUT"], or: "GET")) \(path)\(query.joined(separator: "&"))", headers,
            host: pick(["p.q", "r.p.q:80", "s.r.p.q", "q", "other"], or: "p.q"))
    }
}

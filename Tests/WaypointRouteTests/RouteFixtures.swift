import MeshModel
import SeededTesting
import Testing
import WaypointRoute

/// Short ways to write down routes and requests.
enum Make {
    static func origin(
        _ name: String, rule: Int = 0, created: Int64 = 0, kind: RouteOrigin.Kind = .http
    ) -> RouteOrigin {
        RouteOrigin(kind: kind, namespace: "ns", name: name, ruleIndex: rule, createdSeconds: created)
    }

    static func target(_ name: String, port: UInt16 = 8080) -> RouteTarget {
        RouteTarget(service: ServiceKey(namespace: "ns", hostname: "\(name).ns.svc.cluster.local"), port: port)
    }

    static func forward(_ names: String...) -> RouteBehaviour {
        RouteBehaviour(.forward(to: names.map { RouteBackend(.service(target($0))) }))
    }

    static func table(_ http: [HTTPRouteRule], grpc: [GRPCRouteRule] = []) -> RouteTable {
        RouteTable(target: target("echo"), http: http, grpc: grpc)
    }

    /// `[METHOD ][//HOST]/path?query`, method GET and host `echo` when left out.
    static func head(
        _ text: String, _ headers: [(String, String)] = [], scheme: HTTPScheme = .http, host: String = "echo"
    ) throws -> RequestHead {
        let words = text.split(separator: " ")
        let method = words.count == 2 ? String(words[0]) : "GET"
        return RequestHead(
            method: try RequestMethod(method.utf8), scheme: scheme, authority: try RequestAuthority(host.utf8),
            path: try RequestPath(words[words.count - 1].utf8), headers: HeaderList(headers))
    }
}

extension Make {
    /// What a table with one rule makes of a request.
    static func plan(
        _ head: RequestHead, _ matches: [HTTPMatch], _ behaviour: RouteBehaviour, port: UInt16 = 8080,
        nowSeconds: Int64 = 0, seed: UInt64 = 0
    ) throws -> RequestPlan {
        let rule = try HTTPRouteRule(origin: origin("r"), matches: matches, behaviour: behaviour)
        let index = RouteIndex(table([rule]))
        guard case .matched(let hit) = index.match(head) else { return .answer(.failure(.notFound, for: head)) }
        var generator = SeededGenerator(seed: seed)
        return RequestPlan.make(
            head, rule: index.rules[hit.ruleIndex], hit: hit,
            in: RequestPlan.Circumstances(port: port, nowSeconds: nowSeconds), using: &generator)
    }
}

/// Something else came out.
struct Unexpected: Error {
    let what: String

    init(_ what: some Any) { self.what = "\(what)" }
}

extension PathMatch {
    static func exact(_ text: String) throws -> PathMatch { .exact(try RoutePath(text)) }
    static func prefix(_ text: String) throws -> PathMatch { .prefix(try RoutePath(text)) }
}

extension HTTPMatch {
    init(
        _ path: PathMatch, _ method: HTTPMethod? = nil, headers: [(String, String)] = [], query: [(String, String)] = []
    ) throws {
        let headers = try headers.map { HeaderMatch(try HeaderName($0.0), .exact($0.1)) }
        self.init(
            path: path, method: method, headers: headers,
            queryParameters: query.map { QueryMatch($0.0, .exact($0.1)) })
    }
}

extension RouteIndex {
    /// Name of the first back end of the rule that matched; `404` when none did.
    func backend(_ head: RequestHead) -> String {
        switch match(head) {
        case .unrouted: return "unrouted"
        case .unmatched: return "404"
        case .matched(let hit):
            guard case .forward(let backends, _) = rules[hit.ruleIndex].behaviour.action,
                case .service(let target)? = backends.first?.destination
            else { return "500" }
            return String(target.service.hostname.prefix { $0 != "." })
        }
    }
}

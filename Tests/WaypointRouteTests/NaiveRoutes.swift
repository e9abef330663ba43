import MeshModel
import WaypointRoute

/// The rules of matching written a second time, as plainly as they can be: every match of every rule is asked, and all
/// that hold are ranked. Shares no code with the room but the parts of a request.
enum NaiveRoutes {
    /// What the expressions of the made tables mean.
    static let patterns: [(text: String, holds: @Sendable (String) -> Bool)] = [
        ("/a/.*", { $0.hasPrefix("/a/") }), ("/a/b/[a-z]", { $0 == "/a/b/a" || $0 == "/a/b/b" || $0 == "/a/b/c" }),
        (".*b", { $0.hasSuffix("b") }), ("/(a|b)", { $0 == "/a" || $0 == "/b" }), ("[xy]", { $0 == "x" || $0 == "y" }),
    ]

    static func best(_ table: RouteTable, _ head: RequestHead) -> RouteOrigin? {
        var found: [(rank: [Int], origin: RouteOrigin)] = []
        for rule in table.http {
            for (number, match) in rule.matches.enumerated() {
                for host in hosts(rule.hostnames, head) {
                    guard let path = path(match.path, head), method(match, head), values(match, head) else { continue }
                    let rank = host + path + [match.method == nil ? 1 : 0, -match.headers.count]
                    found.append((rank + [-match.queryParameters.count] + tail(rule.origin) + [number], rule.origin))
                }
            }
        }
        for rule in table.grpc {
            for (number, match) in rule.matches.enumerated() {
                for host in hosts(rule.hostnames, head) {
                    guard let path = call(match.method, head), headers(match.headers, head) else { continue }
                    let rank = host + path + [1, -match.headers.count, 0]
                    found.append((rank + tail(rule.origin) + [number], rule.origin))
                }
            }
        }
        return found.min { $0.rank.lexicographicallyPrecedes($1.rank) }?.origin
    }

    private static func tail(_ origin: RouteOrigin) -> [Int] {
        [Int(origin.createdSeconds)] + origin.name.utf8.map(Int.init) + [-1, origin.ruleIndex]
    }

    private static func hosts(_ names: [RouteHostname], _ head: RequestHead) -> [[Int]] {
        let host = String(decoding: head.authority.host, as: UTF8.self)
        if names.isEmpty { return [[0, 0]] }
        return names.compactMap { name in
            switch name {
            case .exact(let domain): domain.text == host ? [-domain.text.count, 0] : nil
            case .wildcard(let domain):
                host.hasSuffix(".\(domain.text)") && host.count > domain.text.count + 1 ? [0, -domain.text.count] : nil
            }
        }
    }

    private static func text(_ head: RequestHead) -> String { String(decoding: head.path.path, as: UTF8.self) }

    private static func path(_ match: PathMatch, _ head: RequestHead) -> [Int]? {
        let path = text(head)
        switch match {
        case .exact(let wanted): return wanted.text == path ? [0, -wanted.text.count, 0] : nil
        case .prefix(let prefix):
            let wanted = prefix.text.split(separator: "/")
            let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
            let length = wanted.map { $0.count + 1 }.reduce(0, +)
            return parts.starts(with: wanted) ? [1, -max(1, length), 0] : nil
        case .pattern(let text): return holds(text, path) ? [2, -text.count, 0] : nil
        }
    }

    private static func holds(_ pattern: String, _ value: String) -> Bool {
        patterns.contains { $0.text == pattern && $0.holds(value) }
    }

    private static func call(_ match: GRPCMethodMatch?, _ head: RequestHead) -> [Int]? {
        guard let match else { return [3, 0, 0] }
        let parts = text(head).split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, parts[0] == "", parts[1] != "", parts[2] != "" else { return nil }
        guard match.service.map({ self.value($0, parts[1]) }) != false,
            match.method.map({ self.value($0, parts[2]) }) != false
        else { return nil }
        if case .exact(let service)? = match.service, case .exact(let method)? = match.method {
            return [0, -(service.count + 2), -method.count]
        }
        let length = { (value: ValueMatch?) in
            switch value {
            case .exact(let text)?, .pattern(let text)?: text.count
            case nil: -2
            }
        }
        let isPrefix = if case .exact? = match.service { true } else { false }
        return [isPrefix ? 1 : 2, -(length(match.service) + 2), -max(0, length(match.method))]
    }

    private static func method(_ match: HTTPMatch, _ head: RequestHead) -> Bool {
        match.method.map { head.method == .known($0) } ?? true
    }

    private static func values(_ match: HTTPMatch, _ head: RequestHead) -> Bool {
        headers(match.headers, head)
            && match.queryParameters.allSatisfy { check in
                let query = String(decoding: head.path.query ?? [], as: UTF8.self)
                let pairs = query.split(separator: "&")
                    .map { $0.split(separator: "=", omittingEmptySubsequences: false) }
                guard let pair = pairs.first(where: { $0[0] == check.name }) else { return false }
                return value(check.value, pair.count > 1 ? String(pair[1]) : "")
            }
    }

    private static func headers(_ matches: [HeaderMatch], _ head: RequestHead) -> Bool {
        matches.allSatisfy { match in
            let values = head.headers.pairs.filter { $0.name == match.name.text }.map(\.value)
            return !values.isEmpty && value(match.value, values.joined(separator: ","))
        }
    }

    private static func value(_ match: ValueMatch, _ text: String) -> Bool {
        switch match {
        case .exact(let wanted): wanted == text
        case .pattern(let pattern): holds(pattern, text)
        }
    }
}

import MeshModel

extension RouteCandidate {
    init(
        _ match: HTTPMatch, rule: Int, origin: RouteOrigin, matchIndex: Int
    ) throws(InvalidPattern) {
        self.rule = rule
        method = match.method
        headers = try Self.checks(match.headers)
        var query: [NamedCheck] = []
        for parameter in match.queryParameters {
            query.append(NamedCheck(name: Array(parameter.name.utf8), value: try ValueCheck(parameter.value)))
        }
        self.query = query
        let kind: RoutePrecedence.PathKind
        let length: Int
        switch match.path {
        case .exact(let path):
            (kind, length) = (.exact, path.text.utf8.count)
            place = .exact(Array(path.text.utf8))
            self.path = .found
            prefixLength = nil
        case .prefix(let prefix):
            let segments = Self.segments(prefix.text)
            let bytes = segments.reduce(0) { $0 + 1 + $1.count }
            (kind, length) = (.prefix, max(1, bytes))
            place = .below(segments)
            self.path = .found
            prefixLength = bytes
        case .pattern(let text):
            let pattern = try Pattern(checking: text)
            (kind, length) = (.pattern, text.utf8.count)
            place = .lastBelow(Self.literalSegments(pattern))
            self.path = .pattern(pattern)
            prefixLength = nil
        }
        precedence = RoutePrecedence(
            kind: kind, length: length, hasMethod: match.method != nil, headers: match.headers.count,
            query: match.queryParameters.count, origin: origin, matchIndex: matchIndex)
    }

    init(
        _ match: GRPCMatch, rule: Int, origin: RouteOrigin, matchIndex: Int
    ) throws(InvalidPattern) {
        self.rule = rule
        method = nil
        headers = try Self.checks(match.headers)
        query = []
        prefixLength = nil
        let service = try match.method?.service.map { value throws(InvalidPattern) in try ValueCheck(value) }
        let call = try match.method?.method.map { value throws(InvalidPattern) in try ValueCheck(value) }
        let kind: RoutePrecedence.PathKind
        switch (service, call) {
        case (.exact(let service), .exact(let method)):
            kind = .exact
            place = .exact(Array("/".utf8) + service + Array("/".utf8) + method)
            path = .found
        case (.exact(let bytes), nil):
            kind = .prefix
            place = .below(Self.segments(String(decoding: bytes, as: UTF8.self)))
            path = .call(service: service, method: nil)
        case (nil, nil):
            kind = .any
            place = .lastBelow([])
            path = .found
        default:
            kind = .pattern
            place = .lastBelow([])
            path = .call(service: service, method: call)
        }
        // With the slashes around it, as a path has it.
        let serviceLength = (match.method?.service?.length).map { $0 + 2 } ?? 0
        precedence = RoutePrecedence(
            kind: kind, length: serviceLength, callMethodLength: match.method?.method?.length ?? 0,
            headers: match.headers.count, origin: origin, matchIndex: matchIndex)
    }

    private static func checks(_ matches: [HeaderMatch]) throws(InvalidPattern) -> [NamedCheck] {
        var checks: [NamedCheck] = []
        for match in matches {
            checks.append(NamedCheck(name: Array(match.name.text.utf8), value: try ValueCheck(match.value)))
        }
        return checks
    }

    private static func segments(_ path: String) -> [ArraySlice<UInt8>] {
        Array(path.utf8).split(separator: UInt8(ascii: "/"))
    }

    /// The segments that every path of an expression begins with, so that it is tried only there.
    private static func literalSegments(_ pattern: Pattern) -> [ArraySlice<UInt8>] {
        let prefix = pattern.literalPrefix
        guard prefix.first == UInt8(ascii: "/") else { return [] }
        let parts = prefix.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        // The last may go on behind the literal text; an empty one leads nowhere in the tree.
        return Array(parts.dropLast().prefix { !$0.isEmpty })
    }
}

extension ValueMatch {
    fileprivate var length: Int {
        switch self {
        case .exact(let text), .pattern(let text): text.utf8.count
        }
    }
}

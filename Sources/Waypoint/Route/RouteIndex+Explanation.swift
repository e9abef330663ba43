package import MeshModel

/// Why a request gets the rule that it gets.
package struct RouteExplanation: Hashable, Sendable {
    /// What ``RouteIndex/match(_:)`` says.
    package let outcome: RouteIndex.Outcome
    /// The match of the rule that held, from 0; `nil` without a rule.
    package let match: Int?
    /// That match in words; empty without a rule.
    package let matched: String
    /// Where no rule matches: each match in the order of precedence, with the condition that does not hold.
    package let misses: [String]
}

extension RouteIndex {
    /// Why ``match(_:)`` decides as it does.
    /// - Parameter table: that the index was made of.
    package func explain(_ head: RequestHead, in table: RouteTable) -> RouteExplanation {
        var examined = 0
        guard isRouted, let number = candidate(for: head, examined: &examined) else {
            let misses = candidates.map { candidate in
                let origin = candidate.precedence.origin
                let place = "\(origin.kind.rawValue) \(origin.key), rule \(origin.ruleIndex)"
                let reason = candidate.reasonAgainst(head, table.match(of: candidate))
                return "\(place), match \(candidate.precedence.matchIndex): \(reason)"
            }
            return RouteExplanation(
                outcome: match(head), match: nil, matched: "", misses: isRouted ? misses : [])
        }
        let candidate = candidates[number]
        return RouteExplanation(
            outcome: match(head), match: candidate.precedence.matchIndex,
            matched: table.match(of: candidate).sentence, misses: [])
    }
}

/// A match of either kind of route.
private enum AnyMatch {
    case http(HTTPMatch)
    case grpc(GRPCMatch)
    case unknown

    var headers: [HeaderMatch] {
        switch self {
        case .http(let match): match.headers
        case .grpc(let match): match.headers
        case .unknown: []
        }
    }

    var query: [QueryMatch] {
        if case .http(let match) = self { match.queryParameters } else { [] }
    }

    /// What it says of the path, or of the gRPC method.
    var place: String {
        switch self {
        case .http(let match): return match.path.sentence
        case .grpc(let match):
            guard let method = match.method else { return "every gRPC method" }
            let parts = [("service", method.service), ("method", method.method)].compactMap { name, value in
                value.map { "\(name) \($0.sentence)" }
            }
            return "gRPC " + parts.joined(separator: ", ")
        case .unknown: return "its conditions"
        }
    }

    var sentence: String {
        var parts = [place]
        if case .http(let match) = self, let method = match.method { parts.append("method \(method.rawValue)") }
        parts += headers.map { "header \($0.name) \($0.value.sentence)" }
        parts += query.map { "query parameter \($0.name) \($0.value.sentence)" }
        return parts.joined(separator: ", ")
    }
}

extension RouteTable {
    fileprivate func match(of candidate: RouteCandidate) -> AnyMatch {
        let (origin, index) = (candidate.precedence.origin, candidate.precedence.matchIndex)
        if let rule = http.first(where: { $0.origin == origin }), rule.matches.indices.contains(index) {
            return .http(rule.matches[index])
        }
        if let rule = grpc.first(where: { $0.origin == origin }), rule.matches.indices.contains(index) {
            return .grpc(rule.matches[index])
        }
        return .unknown
    }
}

extension RouteCandidate {
    /// The first condition that does not hold, in words; only for a candidate that does not match.
    fileprivate func reasonAgainst(_ head: RequestHead, _ match: AnyMatch) -> String {
        guard isPlace(of: head.path.path) else { return "expected \(match.place)" }
        if let method, head.method != .known(method) { return "expected method \(method.rawValue)" }
        for (check, wanted) in zip(headers, match.headers) {
            guard let value = head.headerValue(check.name) else { return "header \(wanted.name) is missing" }
            if !check.value.holds(value) { return "expected header \(wanted.name) \(wanted.value.sentence)" }
        }
        for (check, wanted) in zip(query, match.query) {
            guard let value = head.path.queryValue(check.name) else {
                return "query parameter \(wanted.name) is missing"
            }
            if !check.value.holds(value) { return "expected query parameter \(wanted.name) \(wanted.value.sentence)" }
        }
        if !holds(head) { return "expected \(match.place)" }
        return "its route is for other hosts"
    }

    /// Whether the index would look at it for this path.
    private func isPlace(of path: ArraySlice<UInt8>) -> Bool {
        switch place {
        case .exact(let wanted): return path.elementsEqual(wanted)
        case .below(let segments), .lastBelow(let segments):
            let parts = path.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            return parts.starts(with: segments)
        }
    }
}

extension PathMatch {
    fileprivate var sentence: String {
        switch self {
        case .exact(let path): "path \(path)"
        case .prefix(let path): "path below \(path)"
        case .pattern(let text): "path matching \(text)"
        }
    }
}

extension ValueMatch {
    fileprivate var sentence: String {
        switch self {
        case .exact(let text): "\"\(text)\""
        case .pattern(let text): "matching \"\(text)\""
        }
    }
}

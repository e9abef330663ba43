extension RouteBehaviour {
    /// Its filters and what else it does to requests, in words, in the order in which they act.
    package var filterLines: [String] {
        var lines: [String] = []
        if cors != nil { lines.append("filter CORS") }
        if authorization != nil { lines.append("filter ExternalAuth") }
        lines += requestHeaders.map { ["filter RequestHeaderModifier: \($0.words)"] } ?? []
        lines += mirrors.map { mirror in
            "filter RequestMirror: \(mirror.share.numerator) of \(mirror.share.denominator) to \(mirror.target)"
        }
        switch action {
        case .forward(_, let rewrite): lines += rewrite.map { ["filter URLRewrite: \($0.words)"] } ?? []
        case .redirect(let redirect): lines.append("filter RequestRedirect: \(redirect.status.rawValue)")
        case .refuse(let fault): lines.append("cannot be carried out: \(fault.words)")
        }
        lines += responseHeaders.map { ["filter ResponseHeaderModifier: \($0.words)"] } ?? []
        if session != nil { lines.append("session persistence") }
        return lines
    }
}

extension RouteFault {
    /// As a user may read it.
    package var words: String {
        switch self {
        case .unknownFilter(let name): "filter \(name) is not known"
        case .pattern(let text, let reason): "expression \(text) is not understood: \(reason)"
        case .other(let text): text
        }
    }
}

extension HeaderModifier {
    fileprivate var words: String {
        let parts =
            set.map { "set \($0.name)" } + add.map { "add \($0.name)" } + remove.map { "remove \($0)" }
        return parts.joined(separator: ", ")
    }
}

extension URLRewrite {
    fileprivate var words: String {
        var parts = hostname.map { ["host \($0)"] } ?? []
        switch path {
        case .full(let path): parts.append("path \(path)")
        case .prefix(let path): parts.append("prefix \(path)")
        case nil: break
        }
        return parts.joined(separator: ", ")
    }
}

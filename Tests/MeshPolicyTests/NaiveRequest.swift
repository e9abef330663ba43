import MeshModel
import MeshPolicy

/// The language read a second time, as plainly as it can be: every request is turned into all its readings, each with
/// one text for a header, and a rule is asked about each. Shares no code with the room.
enum NaiveRequest {
    static func allowed(
        _ policies: [RequestPolicy], missing: [String], _ asked: Asked, answers: [String: AuthorizerAnswer]
    ) -> Bool {
        for policy in policies {
            if case .custom(let provider) = policy.action, matches(policy, asked) {
                if provider == "" || answers[provider] != .allowed { return false }
            }
        }
        let enforced = policies.filter { !$0.isDryRun }
        if enforced.contains(where: { $0.action == .deny && matches($0, asked) }) || missing != [] { return false }
        let allows = enforced.filter { $0.action == .allow }
        return allows.isEmpty || allows.contains { matches($0, asked) }
    }

    static func matches(_ policy: RequestPolicy, _ asked: Asked) -> Bool {
        policy.rules.contains { rule in
            let terms = rule.clauses.flatMap { $0.matches.flatMap(\.terms) }
            if policy.action == .allow, asked.isPlain, terms.contains(where: { isHTTP($0.test) }) { return false }
            return rule.clauses.filter { clause in
                clause.matches.isEmpty
                    || clause.matches.contains { match in
                        match.terms != [] && match.terms.filter { holds($0, policy.action, asked) } == match.terms
                    }
            }.count == rule.clauses.count
        }
    }

    static func isHTTP(_ test: RequestPolicy.Test) -> Bool {
        switch test {
        case .hosts, .methods, .paths, .header, .requestPrincipals, .claim: return true
        default: return false
        }
    }

    private static func holds(_ term: Term, _ action: RequestPolicy.Action, _ asked: Asked) -> Bool {
        var isIgnored = isHTTP(term.test) && asked.isPlain
        if case .custom = action {
            switch term.test {
            case .claim, .requestPrincipals: isIgnored = true
            default: break
            }
        }
        if isIgnored { return true }
        let readings = readings(term.test, asked).map { $0 != term.isNegated }
        return action == .allow ? !readings.contains(false) : readings.contains(true)
    }

    /// Whether the values match, once for each way in which the request can be read.
    private static func readings(_ test: RequestPolicy.Test, _ asked: Asked) -> [Bool] {
        let id = asked.identity
        let iss = string(asked.claims?["iss"]), sub = string(asked.claims?["sub"])
        switch test {
        case .principals(let v):
            let text = id.map { "\($0.trustDomain)/ns/\($0.namespace)/sa/\($0.serviceAccount)" }
            return [v.contains { matches($0, text) }]
        case .namespaces(let v):
            return [v.contains { w in id.map { glob(Array(w.description), Array($0.namespace)) } ?? false }]
        case .serviceAccounts(let v):
            return [v.contains { $0.namespace == id?.namespace && $0.serviceAccount == id?.serviceAccount }]
        case .trustDomains(let v): return [v.contains { matches($0, id?.trustDomain) }]
        case .sourceIPs(let v): return [v.contains { $0.contains(asked.source) }]
        case .remoteIPs(let v): return [v.contains { $0.contains(asked.remote ?? asked.source) }]
        case .destinationIPs(let v): return [v.contains { $0.contains(asked.destination.ip) }]
        case .destinationPorts(let v): return [v.contains { $0 == asked.destination.port }]
        case .serverNames(let v): return [v.contains { matches(lower($0), asked.serverName?.lowercased()) }]
        case .hosts(let v): return [v.contains { matches(lower($0), asked.authority.lowercased()) }]
        case .methods(let v): return [v.contains { matches($0, asked.method) }]
        case .paths(let v):
            let path = asked.path.split(whereSeparator: { $0 == "?" || $0 == "#" }).first.map(String.init) ?? ""
            return [v.contains { matches($0, path) }]
        case .header(let name, let v):
            let lines = asked.headers.filter { $0.name == name }.map(\.value)
            if lines.isEmpty { return [false] }
            if v.contains(.presence) { return [true] }
            return (lines + [lines.joined(separator: ",")]).map { line in v.contains { matches($0, line) } }
        case .requestPrincipals(let v): return [v.contains { matches($0.issuer, iss) && matches($0.subject, sub) }]
        case .claim(let path, let v):
            var value = asked.claims.map { JSONValue.object($0) }
            for key in path {
                if case .object(let members)? = value { value = members[key] } else { value = nil }
            }
            var texts = [string(value)]
            if case .array(let list)? = value { texts = list.map(string) }
            return [v.contains { pattern in texts.contains { matches(pattern, $0) } }]
        }
    }

    private static func string(_ value: JSONValue?) -> String? {
        if case .string(let text)? = value { return text }
        return nil
    }

    private static func matches(_ match: Text, _ text: String?) -> Bool {
        guard let text else { return false }
        switch match {
        case .exact(let wanted): return wanted == text
        case .prefix(let wanted): return text.hasPrefix(wanted)
        case .suffix(let wanted): return text.hasSuffix(wanted)
        case .presence: return text != ""
        }
    }

    private static func lower(_ match: Text) -> Text {
        switch match {
        case .exact(let text): return .exact(text.lowercased())
        case .prefix(let text): return .prefix(text.lowercased())
        case .suffix(let text): return .suffix(text.lowercased())
        case .presence: return .presence
        }
    }

    /// By trying every length for every star.
    private static func glob(_ pattern: [Character], _ text: [Character]) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        let rest = Array(pattern.dropFirst())
        if first == "*" { return (0...text.count).contains { glob(rest, Array(text.dropFirst($0))) } }
        return text.first == first && glob(rest, Array(text.dropFirst()))
    }

    private static func matches(_ match: RequestPolicy.PathMatch, _ path: String) -> Bool {
        switch match {
        case .text(let text): return matches(text, path)
        case .template(let template): return segments(Array(template.description), Array(path))
        }
    }

    /// By trying every length for every operator.
    private static func segments(_ pattern: [Character], _ path: [Character]) -> Bool {
        if pattern.starts(with: "{**}") {
            return (0...path.count).contains { segments(Array(pattern.dropFirst(4)), Array(path.dropFirst($0))) }
        }
        if pattern.starts(with: "{*}") {
            let longest = path.prefix { $0 != "/" }.count
            return longest > 0 && segments(Array(pattern.dropFirst(3)), Array(path.dropFirst(longest)))
        }
        guard let first = pattern.first else { return path.isEmpty }
        return path.first == first && segments(Array(pattern.dropFirst()), Array(path.dropFirst()))
    }
}

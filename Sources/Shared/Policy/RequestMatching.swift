import MeshModel

/// Whether a term holds, when a request can be read in two ways.
enum Truth: Hashable {
    case no
    /// By one reading it does, by another it doesn't. Closes: no ALLOW rule takes it for a yes, every other rule does.
    case maybe
    case yes

    init(_ value: Bool) { self = value ? .yes : .no }

    /// Whether one of the values matches an attribute; none matches one that is not there.
    init<Attribute, Value>(_ attribute: Attribute?, _ values: [Value], _ matches: (Value, Attribute) -> Bool) {
        guard let attribute else {
            self = .no
            return
        }
        self.init(values.contains { matches($0, attribute) })
    }

    var negated: Truth {
        switch self {
        case .no: return .yes
        case .maybe: return .maybe
        case .yes: return .no
        }
    }
}

extension RequestPolicy {
    /// The first rule that matches, counted from 0. A policy without rules matches nothing.
    func matchingRule(_ facts: RequestFacts) -> Int? {
        rules.firstIndex { rule in
            rule.clauses.allSatisfy { clause in
                clause.matches.isEmpty || clause.matches.contains { holds($0, facts) }
            }
        }
    }

    /// All terms hold, and there is one.
    func holds(_ match: Match, _ facts: RequestFacts) -> Bool {
        !match.terms.isEmpty && match.terms.allSatisfy { holds($0, facts) }
    }

    func holds(_ term: Term, _ facts: RequestFacts) -> Bool {
        switch term.truth(facts) {
        case .no: return false
        case .maybe: return action != .allow
        case .yes: return true
        }
    }
}

extension RequestPolicy.Term {
    func truth(_ facts: RequestFacts) -> Truth {
        let truth = test.truth(facts)
        return isNegated ? truth.negated : truth
    }
}

extension RequestPolicy.Test {
    func truth(_ facts: RequestFacts) -> Truth {
        // Sets lower such terms away for connections without requests; this is the same answer again.
        if isOfRequest, facts.http == nil { return .maybe }
        switch self {
        case .principals(let values): return Truth(facts.connection.principal, values) { $0.matches($1) }
        case .namespaces(let values): return Truth(facts.connection.identity?.namespace, values) { $0.matches($1) }
        case .serviceAccounts(let values): return Truth(facts.connection.identity, values) { $0.matches($1) }
        case .trustDomains(let values): return Truth(facts.connection.identity?.trustDomain, values) { $0.matches($1) }
        case .sourceIPs(let blocks): return Truth(facts.connection.source, blocks) { $0.canonical.contains($1) }
        case .remoteIPs(let blocks): return Truth(facts.remote, blocks) { $0.canonical.contains($1) }
        case .destinationIPs(let blocks):
            return Truth(facts.connection.destination.ip, blocks) { $0.canonical.contains($1) }
        case .destinationPorts(let ports): return Truth(facts.connection.destination.port, ports) { $0 == $1 }
        case .serverNames(let values):
            return Truth(facts.serverName?.utf8, values) { $0.matches($1, ignoringCase: true) }
        case .hosts(let values): return Truth(facts.http?.authority, values) { $0.matches($1, ignoringCase: true) }
        case .methods(let values): return Truth(facts.http?.method, values) { $0.matches($1) }
        case .paths(let values): return Self.path(facts.http?.path ?? [], values)
        case .header(let name, let values): return Self.header(facts.http?.values(ofHeader: name) ?? [], values)
        case .requestPrincipals(let values):
            guard let issuer = facts.http?.claims?.issuer, let subject = facts.http?.claims?.subject else { return .no }
            return Truth((issuer, subject), values) { $0.issuer.matches($1.0) && $0.subject.matches($1.1) }
        case .claim(let path, let values):
            return Truth(facts.http?.claims?[path: path]?.texts, values) { $1.contains(where: $0.matches) }
        }
    }

    private static func path(_ path: ArraySlice<UInt8>, _ values: [RequestPolicy.PathMatch]) -> Truth {
        let truths = values.lazy.map { $0.truth(path) }
        return truths.contains(.yes) ? .yes : truths.contains(.maybe) ? .maybe : .no
    }

    /// Several lines of one field may be read one by one or joined by commas. Only when every line and the whole match
    /// is it a yes; when any of them does, it may be one (CVE-2026-26308).
    private static func header(_ lines: [ArraySlice<UInt8>], _ values: [RequestPolicy.StringMatch]) -> Truth {
        guard let first = lines.first else { return .no }
        if values.contains(.presence) { return .yes }
        let matches = { (line: ArraySlice<UInt8>) in values.contains { $0.matches(line) } }
        guard lines.count > 1 else { return Truth(matches(first)) }
        let matching = lines.count(where: matches)
        let joined = matches(ArraySlice(lines.joined(separator: CollectionOfOne(UInt8(ascii: ",")))))
        if matching == lines.count, joined { return .yes }
        return matching > 0 || joined ? .maybe : .no
    }
}

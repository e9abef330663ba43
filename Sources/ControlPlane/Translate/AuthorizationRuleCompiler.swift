import MeshModel

/// One rule as clauses of the whole language. Parts that mean nothing are left out of `rule`, as if they held, and
/// listed in `problems`.
struct AuthorizationRuleCompiler {
    private typealias Match = RequestPolicy.Match
    private typealias Test = RequestPolicy.Test
    private typealias Resource = AuthorizationPolicyResource

    /// Where a value stands, and how a node's inability to judge it is told.
    private struct Place {
        /// `nil`: that of the values.
        var field: String?
        var line: Int?
        var reason: String?
    }

    private(set) var rule = RequestPolicy.Rule(clauses: [])
    private(set) var problems: [FieldProblem]
    /// Parts that are in the rule but cannot be judged at L4.
    private(set) var nodeProblems: [FieldProblem] = []
    /// Parts that Istio would refuse; here they hold as written.
    private(set) var warnings: [FieldProblem] = []
    private var values: AuthorizationValues
    private let isCustom: Bool

    init(_ written: AuthorizationPolicyResource.Rule, _ values: AuthorizationValues, isCustom: Bool = false) {
        problems = written.problems
        self.values = values
        self.isCustom = isCustom
        append(written.from.map { checked(match($0), written.line, "a source that names nothing") })
        append(written.to.map { checked(match($0), written.line, "an operation that names nothing") })
        for condition in written.when {
            append([checked(match(condition), condition.line, "a condition without values")])
        }
        problems += self.values.problems
    }

    /// An empty match is a problem unless a problem has emptied it.
    private mutating func checked(_ match: Match, _ line: Int, _ complaint: String) -> Match {
        if match.terms.isEmpty, problems.isEmpty, values.problems.isEmpty {
            problems.append(FieldProblem(line: line, field: "rule", reason: "has \(complaint)"))
        }
        return match
    }

    /// One of the matches must hold. A match without a condition always does, and then so does the clause.
    private mutating func append(_ matches: [Match]) {
        guard !matches.isEmpty, !matches.contains(where: \.terms.isEmpty) else { return }
        rule.clauses.append(RequestPolicy.Clause(matches: matches))
    }

    private mutating func match(_ source: Resource.Source) -> Match {
        problems += source.problems
        var match = Match(terms: [])
        add(source.principals, to: &match, Test.principals) { $0.principals($1) }
        add(source.requestPrincipals, to: &match, Test.requestPrincipals) { $0.requestPrincipals($1) }
        add(source.namespaces, to: &match, Test.namespaces) { $0.namespaces($1) }
        add(source.serviceAccounts, to: &match, Test.serviceAccounts) { $0.serviceAccounts($1) }
        add(source.trustDomains, to: &match, Test.trustDomains) { $0.domains($1) }
        add(source.ipBlocks, to: &match, Test.sourceIPs) { $0.blocks($1) }
        add(source.remoteIPBlocks, to: &match, Test.remoteIPs) { $0.blocks($1) }
        if let first = source.serviceAccounts.all.first {
            if !source.principals.isEmpty || !source.namespaces.isEmpty {
                warn(first, "stands beside principals or namespaces, which Istio refuses; here all of them must hold")
            }
            let lists = [source.serviceAccounts.positive, source.serviceAccounts.negative]
            if lists.contains(where: { $0.count > 16 || $0.contains { $0.text.utf8.count > 320 } }) {
                warn(first, "has more than 16 values or more than 320 characters in one, which Istio refuses")
            }
        }
        return match
    }

    private mutating func match(_ operation: Resource.Operation) -> Match {
        problems += operation.problems
        var match = Match(terms: [])
        add(operation.hosts, to: &match, Test.hosts) { $0.texts($1) }
        add(operation.ports, to: &match, Test.destinationPorts) { $0.ports($1) }
        add(operation.methods, to: &match, Test.methods) { $0.texts($1) }
        add(operation.paths, to: &match, Test.paths) { $0.paths($1) }
        return match
    }

    private mutating func match(_ condition: Resource.Condition) -> Match {
        problems += condition.problems
        var match = Match(terms: [])
        let place = Place(
            field: condition.field, line: condition.line, reason: "cannot be judged at L4: key \"\(condition.key)\"")
        let written = condition.values
        let key: AuthorizationConditionKey
        do {
            key = try AuthorizationConditionKey(condition.key)
        } catch {
            problems.append(FieldProblem(line: condition.line, field: condition.field, reason: error.reason))
            return match
        }
        switch key {
        case .sourceIP: add(written, place, to: &match, Test.sourceIPs) { $0.blocks($1) }
        case .remoteIP: add(written, place, to: &match, Test.remoteIPs) { $0.blocks($1) }
        case .destinationIP: add(written, place, to: &match, Test.destinationIPs) { $0.blocks($1) }
        case .destinationPort: add(written, place, to: &match, Test.destinationPorts) { $0.ports($1) }
        case .principal: add(written, place, to: &match, Test.principals) { $0.principals($1) }
        case .namespace: add(written, place, to: &match, Test.namespaces) { $0.namespaces($1) }
        case .serviceAccount: add(written, place, to: &match, Test.serviceAccounts) { $0.serviceAccounts($1) }
        case .trustDomain: add(written, place, to: &match, Test.trustDomains) { $0.domains($1) }
        case .serverName: add(written, place, to: &match, Test.serverNames) { $0.texts($1) }
        case .requestPrincipal: add(written, place, to: &match, Test.requestPrincipals) { $0.requestPrincipals($1) }
        case .header(let name): add(written, place, to: &match, { Test.header(name: name, $0) }) { $0.texts($1) }
        case .claim(let path): add(written, place, to: &match, { Test.claim(path: path, $0) }) { $0.texts($1) }
        }
        return match
    }

    /// Adds the terms of an attribute that is written. What cannot be read adds a problem and no term.
    private mutating func add<Value>(
        _ written: Resource.Values, _ place: Place = Place(), to match: inout Match, _ make: ([Value]) -> Test,
        _ read: (inout AuthorizationValues, [Resource.Value]) -> [Value]
    ) {
        for (list, isNegated) in [(written.positive, false), (written.negative, true)] {
            let readable = read(&values, list)
            guard let first = list.first, !readable.isEmpty else { continue }
            let term = RequestPolicy.Term(make(readable), isNegated: isNegated)
            let (field, line) = (place.field ?? first.list, place.line ?? first.line)
            if isCustom, term.test.isOfToken {
                let reason = "is known only after the token is checked, which is after the authorizer is asked"
                problems.append(FieldProblem(line: line, field: field, reason: reason))
                continue
            }
            if isCustom, term.test.isOfIdentity {
                warn(first, "stands in a CUSTOM policy, which Istio refuses; here it holds as written")
            }
            if !term.isJudgedByNode {
                let reason = place.reason ?? Self.reasonAgainst(term.test)
                nodeProblems.append(FieldProblem(line: line, field: field, reason: reason))
            }
            match.terms.append(term)
        }
    }

    private mutating func warn(_ value: Resource.Value, _ reason: String) {
        warnings.append(FieldProblem(line: value.line, field: value.list, reason: reason))
    }

    private static func reasonAgainst(_ test: Test) -> String {
        switch test {
        case .namespaces: return "has a * inside a name, which L4 cannot judge"
        case .trustDomains: return "is no part of L4 policies"
        default: return "is an attribute of HTTP requests, which L4 cannot judge"
        }
    }
}

extension RequestPolicy.Test {
    /// Whether the peer's certificate has this attribute.
    fileprivate var isOfIdentity: Bool {
        switch self {
        case .principals, .namespaces, .serviceAccounts, .trustDomains: return true
        default: return false
        }
    }
}

extension AuthorizationPolicyResource.Values {
    fileprivate var all: [AuthorizationPolicyResource.Value] { positive + negative }
}

extension AuthorizationPolicyResource.Value {
    /// Path of the list it stands in.
    fileprivate var list: String { field.lastIndex(of: "[").map { String(field[..<$0]) } ?? field }
}

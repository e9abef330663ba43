import MeshModel

/// One rule as clauses. Parts that L4 cannot judge are left out of `rule`, as if they held, and listed in `problems`.
struct AuthorizationRuleCompiler {
    private typealias Match = AuthorizationPolicy.Match

    private(set) var rule: AuthorizationPolicy.Rule
    private(set) var problems: [FieldProblem]
    private var values: AuthorizationValues

    init(_ written: AuthorizationPolicyResource.Rule, namespace: String) {
        rule = AuthorizationPolicy.Rule(clauses: [])
        problems = written.problems
        values = AuthorizationValues(ownNamespace: namespace)
        append(written.from.map { checked(match($0), written.line, "a source that names nothing") })
        append(written.to.map { checked(match($0), written.line, "an operation that names nothing") })
        for condition in written.when {
            append([checked(match(condition), condition.line, "a condition without values")])
        }
        problems += values.problems
    }

    /// An empty match is a problem unless a problem has emptied it.
    private mutating func checked(_ match: Match, _ line: Int, _ complaint: String) -> Match {
        if match == Match(), problems.isEmpty, values.problems.isEmpty {
            problems.append(FieldProblem(line: line, field: "rule", reason: "has \(complaint)"))
        }
        return match
    }

    /// One of the matches must hold. A match without a condition always does, and then so does the clause.
    private mutating func append(_ matches: [Match]) {
        guard !matches.isEmpty, !matches.contains(Match()) else { return }
        rule.clauses.append(AuthorizationPolicy.Clause(matches: matches))
    }

    private mutating func match(_ source: AuthorizationPolicyResource.Source) -> Match {
        problems += source.problems
        var match = Match()
        match.principals = values.principals(source.principals.positive)
        match.notPrincipals = values.principals(source.principals.negative)
        match.namespaces = values.namespaces(source.namespaces.positive)
        match.notNamespaces = values.namespaces(source.namespaces.negative)
        match.serviceAccounts = values.serviceAccounts(source.serviceAccounts.positive)
        match.notServiceAccounts = values.serviceAccounts(source.serviceAccounts.negative)
        match.sourceIPs = values.blocks(source.ipBlocks.positive)
        match.notSourceIPs = values.blocks(source.ipBlocks.negative)
        return match
    }

    private mutating func match(_ operation: AuthorizationPolicyResource.Operation) -> Match {
        problems += operation.problems
        var match = Match()
        match.destinationPorts = values.ports(operation.ports.positive)
        match.notDestinationPorts = values.ports(operation.ports.negative)
        return match
    }

    private mutating func match(_ condition: AuthorizationPolicyResource.Condition) -> Match {
        problems += condition.problems
        let (positive, negative) = (condition.values.positive, condition.values.negative)
        var match = Match()
        switch condition.key {
        case "source.ip":
            match.sourceIPs = values.blocks(positive)
            match.notSourceIPs = values.blocks(negative)
        case "source.namespace":
            match.namespaces = values.namespaces(positive)
            match.notNamespaces = values.namespaces(negative)
        case "source.principal":
            match.principals = values.principals(positive)
            match.notPrincipals = values.principals(negative)
        case "destination.ip":
            match.destinationIPs = values.blocks(positive)
            match.notDestinationIPs = values.blocks(negative)
        case "destination.port":
            match.destinationPorts = values.ports(positive)
            match.notDestinationPorts = values.ports(negative)
        default:
            let reason = "cannot be judged at L4: key \"\(condition.key)\""
            problems.append(FieldProblem(line: condition.line, field: condition.field, reason: reason))
        }
        return match
    }
}

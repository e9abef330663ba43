/// A policy for somebody who can't judge all of it. What can't be judged closes: an ALLOW rule with such a term
/// never allows; in all other rules the term counts as holding, so that they match more.
extension RequestPolicy {
    /// - Parameter isJudged: whether the term can be judged there.
    package func lowered(keeping isJudged: (Term) -> Bool) -> RequestPolicy {
        var result = self
        result.rules = rules.map { rule in
            if rule.clauses.allSatisfy({ $0.matches.allSatisfy { $0.terms.allSatisfy(isJudged) } }) { return rule }
            if action == .allow { return .never }
            return Rule(clauses: rule.clauses.compactMap { $0.widened(keeping: isJudged) })
        }
        return result
    }

    /// What of it holds for a connection that carries no HTTP: in ALLOW a rule about HTTP goes, elsewhere its HTTP part
    /// (Istio's documentation of AuthorizationPolicy).
    package var forConnections: RequestPolicy { lowered { !$0.test.isOfRequest } }

    /// What of it a node can enforce; `nil` for AUDIT, which never decides. CUSTOM becomes DENY: a node can't ask.
    package func forNode(scope: AuthorizationPolicy.Scope) -> AuthorizationPolicy? {
        guard action != .audit else { return nil }
        let isAllow = action == .allow
        let rules: [AuthorizationPolicy.Rule] = lowered(keeping: \.isJudgedByNode).rules.compactMap { rule in
            if rule == .never { return nil }
            var clauses: [AuthorizationPolicy.Clause] = []
            for clause in rule.clauses {
                let matches = clause.matches.compactMap { AuthorizationPolicy.Match($0) }
                if matches.count == clause.matches.count {
                    clauses.append(AuthorizationPolicy.Clause(matches: matches))
                } else if isAllow {
                    return nil
                }
            }
            return AuthorizationPolicy.Rule(clauses: clauses)
        }
        return AuthorizationPolicy(
            name: name, namespace: namespace, scope: scope, action: isAllow ? .allow : .deny, rules: rules,
            isDryRun: isDryRun)
    }
}

extension RequestPolicy.Clause {
    /// `nil`: a match has lost all its terms, so the clause always holds.
    fileprivate func widened(keeping isJudged: (RequestPolicy.Term) -> Bool) -> RequestPolicy.Clause? {
        var result = self
        for index in matches.indices where !matches[index].terms.isEmpty {
            result.matches[index].terms.removeAll { !isJudged($0) }
            if result.matches[index].terms.isEmpty { return nil }
        }
        return result
    }
}

extension RequestPolicy.Term {
    /// Whether ``AuthorizationPolicy`` has a field for it.
    package var isJudgedByNode: Bool {
        switch test {
        case .principals, .serviceAccounts, .sourceIPs, .destinationIPs, .destinationPorts: return true
        case .namespaces(let values): return values.allSatisfy { $0.simple != nil }
        case .trustDomains, .remoteIPs, .serverNames, .hosts, .methods, .paths, .header, .requestPrincipals, .claim:
            return false
        }
    }
}

extension AuthorizationPolicy.Match {
    /// `nil` when it has no such field, when an attribute must match two lists at once, or when a list is empty, which
    /// would mean something else there.
    fileprivate init?(_ match: RequestPolicy.Match) {
        self.init()
        for term in match.terms {
            let (test, not) = (term.test, term.isNegated)
            let isKept: Bool
            switch test {
            case .principals(let values): isKept = put(values, not, \.principals, \.notPrincipals)
            case .namespaces(let values):
                let simple = values.compactMap(\.simple)
                isKept = simple.count == values.count && put(simple, not, \.namespaces, \.notNamespaces)
            case .serviceAccounts(let values): isKept = put(values, not, \.serviceAccounts, \.notServiceAccounts)
            case .sourceIPs(let values): isKept = put(values, not, \.sourceIPs, \.notSourceIPs)
            case .destinationIPs(let values): isKept = put(values, not, \.destinationIPs, \.notDestinationIPs)
            case .destinationPorts(let values): isKept = put(values, not, \.destinationPorts, \.notDestinationPorts)
            case .trustDomains, .remoteIPs, .serverNames, .hosts, .methods, .paths, .header, .requestPrincipals,
                .claim:
                isKept = false
            }
            guard isKept else { return nil }
        }
    }

    private mutating func put<Value>(
        _ values: [Value], _ isNegated: Bool, _ positive: WritableKeyPath<Self, [Value]>,
        _ negative: WritableKeyPath<Self, [Value]>
    ) -> Bool {
        let field = isNegated ? negative : positive
        guard !values.isEmpty, self[keyPath: field].isEmpty else { return false }
        self[keyPath: field] = values
        return true
    }
}

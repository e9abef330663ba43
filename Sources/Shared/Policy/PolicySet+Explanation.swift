import MeshModel

extension PolicySet {
    /// The decision in words, one line per thing that was looked at, the verdict last. For people; never parsed.
    package func explain(_ facts: ConnectionFacts) -> [String] {
        let subject = Subject(facts)
        var lines = [facts.sentence]
        lines += enforced(.deny).map { $0.explanation(subject) }
        lines += missingKeys.map { "policy \($0) is named by the workload but was not received: everything is refused" }
        lines += enforced(.allow).map { $0.explanation(subject) }
        lines += dryRunPolicies.map { "\($0.explanation(subject)) (dry run: not enforced)" }
        switch decide(facts) {
        case .allowed(let admission): lines.append("allowed: \(admission)")
        case .denied(let denial): lines.append("denied: \(denial)")
        }
        return lines
    }
}

extension ConnectionFacts {
    fileprivate var sentence: String {
        let who = identity.map { "\($0) (mutual TLS)" } ?? "no identity (plain text)"
        return "from \(source), \(who), to \(destination)"
    }
}

extension AuthorizationPolicy {
    fileprivate func explanation(_ subject: Subject) -> String {
        let name = "\(action == .allow ? "ALLOW" : "DENY") policy \(key) (\(scope.rawValue))"
        if rules.isEmpty { return "\(name) has no rules and never matches" }
        if let index = matchingRule(subject) { return "\(name) matches by rule \(index)" }
        let reasons = rules.enumerated().map { "rule \($0): \($1.reasonAgainst(subject))" }
        return "\(name) does not match: \(reasons.joined(separator: "; "))"
    }
}

extension AuthorizationPolicy.Rule {
    /// Only for a rule that does not hold.
    fileprivate func reasonAgainst(_ subject: Subject) -> String {
        guard let index = clauses.firstIndex(where: { !$0.holds(for: subject) }) else { return "holds" }
        let reasons = clauses[index].matches.compactMap { match in
            match.unmetField(for: subject).map { match.reasonAgainst(subject, field: $0) }
        }
        return "clause \(index): \(reasons.joined(separator: ", nor "))"
    }
}

extension AuthorizationPolicy.Match {
    fileprivate func reasonAgainst(_ subject: Subject, field: MatchField) -> String {
        let principal = subject.principal ?? "absent identity"
        let namespace = subject.identity?.namespace ?? "of an absent identity"
        let source = subject.source
        let destination = subject.destination
        switch field {
        case .nothing: return "an empty match never holds"
        case .namespaces: return "namespace \(namespace) is none of \(Self.list(namespaces))"
        case .notNamespaces: return "namespace \(namespace) is excluded by \(Self.list(notNamespaces))"
        case .principals: return "\(principal) is none of \(Self.list(principals))"
        case .notPrincipals: return "\(principal) is excluded by \(Self.list(notPrincipals))"
        case .serviceAccounts: return "\(principal) is none of the service accounts \(Self.list(serviceAccounts))"
        case .notServiceAccounts: return "\(principal) is excluded by service account \(Self.list(notServiceAccounts))"
        case .sourceIPs: return "source \(source) is not in \(Self.list(sourceIPs))"
        case .notSourceIPs: return "source \(source) is excluded by \(Self.list(notSourceIPs))"
        case .destinationIPs: return "destination \(destination.ip) is not in \(Self.list(destinationIPs))"
        case .notDestinationIPs: return "destination \(destination.ip) is excluded by \(Self.list(notDestinationIPs))"
        case .destinationPorts: return "port \(destination.port) is none of \(Self.list(destinationPorts))"
        case .notDestinationPorts: return "port \(destination.port) is excluded by \(Self.list(notDestinationPorts))"
        }
    }

    private static func list(_ values: [some CustomStringConvertible]) -> String {
        "[\(values.map(\.description).joined(separator: ", "))]"
    }
}

package import MeshModel

/// A decision about a request with its reasons, for logs and for people. Header values and claims are never in it, and
/// what a client sent is escaped.
package struct RequestExplanation: Hashable, Sendable {
    /// One attribute that a rule looked at.
    package struct FieldFinding: Hashable, Sendable {
        /// As in the policy: `paths`, `request.headers[x-role]`.
        package let field: String
        package let holds: Bool
        /// In words: `path "/admin" is none of [/public*]`, `header x-role is missing`.
        package let reason: String
    }

    /// One rule: the fields by which it holds, or those that keep it from holding.
    package struct RuleFinding: Hashable, Sendable {
        /// Counted from 0.
        package let rule: Int
        package let holds: Bool
        package let fields: [FieldFinding]
    }

    /// One policy, with its rules up to the first that holds.
    package struct PolicyFinding: Hashable, Sendable {
        /// `NAMESPACE/NAME`.
        package let policy: String
        package let action: RequestPolicy.Action
        package let isDryRun: Bool
        package let rules: [RuleFinding]

        /// The rule by which it matches, counted from 0.
        package var matchingRule: Int? { rules.first(where: \.holds)?.rule }
    }

    /// In the order in which they were asked, then those that never decide.
    package let policies: [PolicyFinding]
    package let missing: [String]
    package let verdict: RequestVerdict

    /// One line for each thing that was looked at, the verdict last. For people; never parsed.
    package var lines: [String] {
        var lines = policies.map(\.line)
        lines += missing.map { "policy \($0) should apply but was not received: everything is refused" }
        switch verdict {
        case .allowed(let admission): lines.append("allowed: \(admission)")
        case .denied(let denial): lines.append("denied: \(denial)")
        }
        return lines
    }
}

extension RequestExplanation.PolicyFinding {
    fileprivate var line: String {
        var name = "\(action.name) policy \(policy)"
        if case .custom(let provider) = action { name += " (asks \(provider))" }
        if isDryRun { name += " (dry run: not enforced)" }
        if rules.isEmpty { return "\(name) has no rules that apply here and never matches" }
        if let rule = rules.first(where: \.holds) {
            let reasons = rule.fields.map(\.reason)
            let because = reasons.isEmpty ? "it holds for everything" : reasons.joined(separator: ", ")
            return "\(name) matches by rule \(rule.rule): \(because)"
        }
        let reasons = rules.map { rule in
            "rule \(rule.rule): \(rule.fields.map(\.reason).joined(separator: ", nor "))"
        }
        return "\(name) does not match: \(reasons.joined(separator: "; "))"
    }
}

extension RequestPolicySet {
    /// Why `decide` decides as it does.
    /// - Parameter answers: as for `decide`.
    package func explain(
        _ facts: RequestFacts, answers: [String: AuthorizerAnswer] = [:]
    ) -> RequestExplanation {
        let stages = stages(facts)
        let enforced = stages.custom.map(\.policy) + stages.deny.policies + stages.allow.policies
        let asked = enforced + stages.audit + stages.dryRun
        return RequestExplanation(
            policies: asked.map { $0.finding(facts) }, missing: missing, verdict: decide(facts, answers: answers))
    }
}

extension RequestPolicy {
    fileprivate func finding(_ facts: RequestFacts) -> RequestExplanation.PolicyFinding {
        var findings: [RequestExplanation.RuleFinding] = []
        for (index, rule) in rules.enumerated() {
            let finding = self.finding(index, rule, facts)
            findings.append(finding)
            if finding.holds { break }
        }
        return RequestExplanation.PolicyFinding(policy: key, action: action, isDryRun: isDryRun, rules: findings)
    }

    private func finding(_ index: Int, _ rule: Rule, _ facts: RequestFacts) -> RequestExplanation.RuleFinding {
        if rule == .never {
            let reason = RequestExplanation.FieldFinding(field: "", holds: false, reason: "not in force here")
            return RequestExplanation.RuleFinding(rule: index, holds: false, fields: [reason])
        }
        var held: [RequestExplanation.FieldFinding] = []
        for clause in rule.clauses where !clause.matches.isEmpty {
            guard let match = clause.matches.first(where: { holds($0, facts) }) else {
                let unmet = clause.matches.map { match -> RequestExplanation.FieldFinding in
                    guard let term = match.terms.first(where: { !holds($0, facts) }) else {
                        return .init(field: "", holds: false, reason: "an empty match never holds")
                    }
                    return finding(term, facts)
                }
                return RequestExplanation.RuleFinding(rule: index, holds: false, fields: unmet)
            }
            held += match.terms.map { finding($0, facts) }
        }
        return RequestExplanation.RuleFinding(rule: index, holds: true, fields: held)
    }

    private func finding(_ term: Term, _ facts: RequestFacts) -> RequestExplanation.FieldFinding {
        .init(field: term.fieldName, holds: holds(term, facts), reason: term.reason(facts))
    }
}

extension TableContent {
    /// The first difference to what `plan` would write, in words; `nil` when there is none.
    func difference(to plan: CapturePlan, ownership: TableOwnership, port: UInt32) -> String? {
        guard let header else { return "table \(CapturePlan.tableName) is missing" }
        guard header.flags == ownership.flags else {
            return "table \(CapturePlan.tableName): expected flags \(ownership.flags), found \(header.flags)"
        }
        if ownership != .unowned, header.ownerPort != port {
            let owner = header.ownerPort.map { "netlink port \($0)" } ?? "nobody"
            return "table \(CapturePlan.tableName): expected to be its owner, found \(owner)"
        }
        let expectedNames = Set(plan.chains.map(\.name))
        if let extra = chains.first(where: { !expectedNames.contains($0.name) }) {
            return "chain \(extra.name) is not ours"
        }
        for chain in plan.chains {
            if let words = difference(in: chain) { return words }
        }
        return nil
    }

    private func difference(in expected: CaptureChain) -> String? {
        guard let found = chains.first(where: { $0.name == expected.name }) else {
            return "chain \(expected.name) is missing"
        }
        let wanted = Chain(
            name: expected.name, kind: expected.kind.rawValue, hook: expected.hook.rawValue,
            priority: expected.priority, policy: 1)
        guard found == wanted else {
            return "chain \(expected.name): expected \(wanted.words), found \(found.words)"
        }
        let foundRules = rules[expected.name] ?? []
        for (index, rule) in expected.rules.enumerated() {
            guard index < foundRules.count else {
                return "chain \(expected.name): rule \"\(rule.comment)\" is missing"
            }
            let other = foundRules[index]
            guard other.expressions != rule.expressions else { continue }
            if !foundRules.contains(where: { $0.expressions == rule.expressions }) {
                let state = foundRules.contains { $0.comment == rule.comment } ? "was changed" : "is missing"
                return "chain \(expected.name): rule \"\(rule.comment)\" \(state)"
            }
            return "chain \(expected.name): expected rule \"\(rule.comment)\" at place \(index + 1), "
                + "found \"\(other.comment)\""
        }
        guard foundRules.count == expected.rules.count else {
            return "chain \(expected.name): expected \(expected.rules.count) rules, found \(foundRules.count)"
        }
        return nil
    }
}

extension TableContent.Chain {
    fileprivate var words: String {
        guard let kind, let hook, let priority else { return "no hook" }
        return "type \(kind) hook \(hook) priority \(priority) policy \(policy == 1 ? "accept" : "drop")"
    }
}

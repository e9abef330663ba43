import MeshModel
import MeshPolicy
import SeededTesting
import Testing

/// The rules of matching written a second time, as plainly as they can be: each field turned into yes or no, levels by
/// counting. Shares no code with the room.
private enum Naive {
    static func allowed(_ policies: [Policy], missing: [String], _ facts: ConnectionFacts) -> Bool {
        let enforced = policies.filter { !$0.isDryRun }
        let denies = enforced.filter { $0.action == .deny && matches($0, facts) }.count
        let allows = enforced.filter { $0.action == .allow }
        if denies > 0 || !missing.isEmpty { return false }
        return allows.isEmpty || allows.filter { matches($0, facts) }.count > 0
    }

    private static func matches(_ policy: Policy, _ facts: ConnectionFacts) -> Bool {
        policy.rules.filter { rule in
            rule.clauses.filter { clause in
                clause.matches.isEmpty || clause.matches.filter { matches($0, facts) }.count > 0
            }.count == rule.clauses.count
        }.count > 0
    }

    private static func matches(_ match: Match, _ facts: ConnectionFacts) -> Bool {
        let id = facts.identity
        let name = id?.namespace ?? ""
        let principal = id.map { "\($0.trustDomain)/ns/\($0.namespace)/sa/\($0.serviceAccount)" }
        let text = { (value: Policy.StringMatch, text: String) -> Bool in
            switch value {
            case .exact(let wanted): return wanted == text
            case .prefix(let wanted): return text.hasPrefix(wanted)
            case .suffix(let wanted): return text.hasSuffix(wanted)
            case .presence: return text != ""
            }
        }
        let inNamespaces = { (list: [Policy.StringMatch]) in list.map { text($0, name) } }
        let inPrincipals = { (list: [Policy.StringMatch]) in
            list.map { value in principal.map { text(value, $0) } ?? false }
        }
        let inAccounts = { (list: [Policy.ServiceAccountMatch]) in
            list.map { $0.namespace == id?.namespace && $0.serviceAccount == id?.serviceAccount }
        }
        let positive = [
            inNamespaces(match.namespaces), inPrincipals(match.principals), inAccounts(match.serviceAccounts),
            match.sourceIPs.map { $0.contains(facts.source) },
            match.destinationIPs.map { $0.contains(facts.destination.ip) },
            match.destinationPorts.map { $0 == facts.destination.port },
        ]
        let negative = [
            inNamespaces(match.notNamespaces), inPrincipals(match.notPrincipals), inAccounts(match.notServiceAccounts),
            match.notSourceIPs.map { $0.contains(facts.source) },
            match.notDestinationIPs.map { $0.contains(facts.destination.ip) },
            match.notDestinationPorts.map { $0 == facts.destination.port },
        ]
        guard (positive + negative).contains(where: { !$0.isEmpty }) else { return false }
        return positive.allSatisfy { $0.isEmpty || $0.contains(true) } && negative.allSatisfy { !$0.contains(true) }
    }
}

/// Makes small worlds in which values often coincide.
private struct WorldMaker: SeededMaker {
    var generator: SeededGenerator

    mutating func some<Value>(_ make: (inout WorldMaker) -> Value) -> [Value] {
        guard chance(1, of: 5) else { return [] }
        return list(2, from: 1, make)
    }

    mutating func identity() -> Identity? {
        guard chance(4, of: 5) else { return nil }
        return Identity(
            trustDomain: pick(["td", "td2"], or: ""), namespace: pick(["a", "ab"], or: ""),
            serviceAccount: pick(["x", "xy"], or: ""))
    }

    mutating func text() -> Policy.StringMatch {
        let value = pick(["", "a", "ab", "b", "td/ns/a/sa/x", "td", "x", "/sa/xy", "td2/ns"], or: "")
        return pick([.exact(value), .prefix(value), .suffix(value), .presence], or: .presence)
    }

    mutating func account() -> Policy.ServiceAccountMatch {
        .init(namespace: pick(["a", "ab"], or: ""), serviceAccount: pick(["x", "xy"], or: ""))
    }

    mutating func address() -> IPAddress {
        chance(3, of: 4)
            ? IPAddress(v4: 0x0a00_0000 + UInt32.random(in: 0...3, using: &generator))
            : IPAddress(v6High: 0x2001_0db8_0000_0000, low: UInt64.random(in: 0...3, using: &generator))
    }

    mutating func block() -> IPBlock {
        let address = address()
        let bits = address.family.bitCount
        return IPBlock(address, length: pick([0, 8, bits - 1, bits], or: 0)) ?? IPBlock(address)
    }

    mutating func port() -> UInt16 { pick([80, 443], or: 1) }

    mutating func match() -> Match {
        var match = Match()
        match.namespaces = some { $0.text() }
        match.notNamespaces = some { $0.text() }
        match.principals = some { $0.text() }
        match.notPrincipals = some { $0.text() }
        match.sourceIPs = some { $0.block() }
        match.notSourceIPs = some { $0.block() }
        match.destinationIPs = some { $0.block() }
        match.notDestinationIPs = some { $0.block() }
        match.destinationPorts = some { $0.port() }
        match.notDestinationPorts = some { $0.port() }
        match.serviceAccounts = some { $0.account() }
        match.notServiceAccounts = some { $0.account() }
        return match
    }

    mutating func policy() -> Policy {
        let rules = list(2) { maker in
            Policy.Rule(clauses: maker.list(2) { maker in Policy.Clause(matches: maker.list(2) { $0.match() }) })
        }
        return Policy(
            name: pick(["p", "q"], or: ""), namespace: "n", scope: .global, action: pick([.allow, .deny], or: .deny),
            rules: rules, isDryRun: chance(1, of: 6))
    }

    mutating func facts() -> ConnectionFacts {
        ConnectionFacts(
            source: address(), identity: identity(), destination: TransportAddress(address(), port: port()))
    }
}

@Suite("Policy against a second reading of its rules")
struct PolicyPropertyTests {
    @Test("both agree on every connection, and order never matters", arguments: 1...8 as ClosedRange<UInt64>)
    func agreement(seed: UInt64) {
        var maker = WorldMaker(generator: SeededGenerator(seed: seed))
        var allowed = 0
        let rounds = 3000
        for round in 0..<rounds {
            let policies = maker.list(4) { $0.policy() }
            let missing = maker.chance(1, of: 20) ? ["n/missing"] : []
            let facts = maker.facts()
            let expected = Naive.allowed(policies, missing: missing, facts)
            let verdict = PolicySet(applying: policies, missing: missing).decide(facts)
            #expect((verdict.admission != nil) == expected, "seed \(seed), round \(round)")
            let shuffled = PolicySet(applying: policies.shuffled(using: &maker.generator), missing: missing)
            #expect((shuffled.decide(facts).admission != nil) == expected, "seed \(seed), round \(round), shuffled")
            let enforced = PolicySet(applying: policies.filter { !$0.isDryRun }, missing: missing)
            #expect((enforced.decide(facts).admission != nil) == expected, "seed \(seed), round \(round), dry run")
            allowed += expected ? 1 : 0
        }
        // The worlds must exercise both answers.
        #expect((rounds / 10...rounds * 9 / 10).contains(allowed))
    }
}

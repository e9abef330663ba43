import MeshModel
import MeshPolicy
import SeededTesting
import Testing

@Suite("Request policy against a second reading of its rules")
struct RequestPropertyTests {
    @Test("both agree on every request, and order never matters", arguments: 1...8 as ClosedRange<UInt64>)
    func agreement(seed: UInt64) {
        var maker = RequestMaker(generator: SeededGenerator(seed: seed))
        var allowed = 0
        let rounds = 2000
        for round in 0..<rounds {
            let policies = maker.list(4) { $0.policy() }
            let missing = maker.chance(1, of: 20) ? ["n/missing"] : []
            let asked = maker.asked()
            let answers = maker.answers()
            let expected = NaiveRequest.allowed(policies, missing: missing, asked, answers: answers)
            let set = RequestPolicySet(applying: policies, missing: missing)
            let verdict = set.decide(asked.facts, answers: answers)
            #expect((verdict.admission != nil) == expected, "seed \(seed), round \(round)")
            #expect(set.explain(asked.facts, answers: answers).verdict == verdict)
            let shuffled = RequestPolicySet(applying: policies.shuffled(using: &maker.generator), missing: missing)
            let again = shuffled.decide(asked.facts, answers: answers)
            #expect((again.admission != nil) == expected, "seed \(seed), round \(round), shuffled")
            let audits = policies.filter { $0.action == .audit && NaiveRequest.matches($0, asked) }.map(\.key)
            #expect(set.audits(asked.facts).map(\.policy) == audits, "seed \(seed), round \(round), audit")
            let denies = policies.filter { $0.isDryRun && $0.action == .deny && NaiveRequest.matches($0, asked) }
            let found = set.dryRun(asked.facts).filter { if case .wouldDeny = $0 { true } else { false } }
            #expect(found.count == denies.count, "seed \(seed), round \(round), dry run")
            allowed += expected ? 1 : 0
        }
        // The worlds must exercise both answers.
        #expect((rounds / 10...rounds * 9 / 10).contains(allowed))
    }

    @Test("explanations find a rule when the second reading does", arguments: 1...4 as ClosedRange<UInt64>)
    func explanations(seed: UInt64) {
        var maker = RequestMaker(generator: SeededGenerator(seed: seed))
        for round in 0..<1000 {
            let policy = maker.policy()
            let asked = maker.asked()
            let finding = RequestPolicySet(applying: [policy]).explain(asked.facts).policies.first
            let expected = NaiveRequest.matches(policy, asked)
            #expect((finding?.matchingRule != nil) == expected, "seed \(seed), round \(round)")
        }
    }

    /// The whole language and the node's part of it are one: what is lowered decides the same where nothing is lost,
    /// and more strictly where something is.
    @Test("a policy lowered for the node is as strict or stricter", arguments: 1...8 as ClosedRange<UInt64>)
    func lowering(seed: UInt64) {
        var maker = RequestMaker(generator: SeededGenerator(seed: seed))
        var same = 0
        for round in 0..<2000 {
            var policy = maker.policy()
            policy.action = maker.chance(1, of: 2) ? .allow : .deny
            var asked = maker.asked()
            guard let node = policy.forNode(scope: .global) else { continue }
            let terms = policy.rules.flatMap { $0.clauses.flatMap { $0.matches.flatMap(\.terms) } }
            let isWhole = terms.allSatisfy(\.isJudgedByNode) && maker.attributesAreSingle(policy)
            let byNode = PolicySet(applying: [node]).decide(asked.facts.connection).admission != nil
            for isPlain in [true, false] {
                asked.isPlain = isPlain
                let byWaypoint = RequestPolicySet(applying: [policy]).decide(asked.facts).admission != nil
                #expect(byWaypoint || !byNode, "seed \(seed), round \(round): the node lets through more")
                if isWhole { #expect(byWaypoint == byNode, "seed \(seed), round \(round): not the same") }
            }
            same += isWhole ? 1 : 0
        }
        #expect(same > 200)
    }
}

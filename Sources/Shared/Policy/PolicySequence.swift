import MeshModel

/// Policies of one stage in their order. Those that can only match certain paths are found by the path: a request looks
/// at the ones of its own path and at those that name none exactly, however many there are.
struct PolicySequence: Sendable {
    let policies: [RequestPolicy]
    /// Of each policy; made once.
    private let keys: [String]
    /// Places of policies of which every rule names its paths exactly, ascending.
    private let byPath: [ArraySlice<UInt8>: [Int]]
    /// Places of all others, ascending.
    private let others: [Int]
    /// Of the longest path above, bytes: longer ones need not be hashed.
    private let pathBytesMax: Int

    init(_ policies: [RequestPolicy]) {
        self.policies = policies
        keys = policies.map(\.key)
        var byPath: [ArraySlice<UInt8>: [Int]] = [:]
        var others: [Int] = []
        for (place, policy) in policies.enumerated() {
            guard let paths = policy.exactPaths else {
                others.append(place)
                continue
            }
            for path in paths { byPath[path[...], default: []].append(place) }
        }
        self.byPath = byPath
        self.others = others
        pathBytesMax = byPath.keys.map(\.count).max() ?? 0
    }

    /// The first policy that matches, by its first rule that does.
    func firstMatch(_ facts: RequestFacts) -> RuleReference? {
        var (own, others) = (places(of: facts.http?.path)[...], facts.http == nil ? [] : others[...])
        while let place = Self.next(&own, &others) {
            if let rule = policies[place].matchingRule(facts) { return RuleReference(policy: keys[place], rule: rule) }
        }
        return nil
    }

    /// Places of the policies that name a path; of all policies without one.
    private func places(of path: ArraySlice<UInt8>?) -> [Int] {
        guard let path else { return Array(policies.indices) }
        return path.count <= pathBytesMax ? byPath[path] ?? [] : []
    }

    /// How many policies are looked at for a path, if none matches.
    func count(lookedAtFor path: ArraySlice<UInt8>) -> Int { places(of: path).count + others.count }

    /// The smaller of what two ascending lists begin with.
    private static func next(_ left: inout ArraySlice<Int>, _ right: inout ArraySlice<Int>) -> Int? {
        guard let first = left.first else { return right.popFirst() }
        guard let other = right.first, other < first else { return left.popFirst() }
        return right.popFirst()
    }
}

extension RequestPolicy {
    /// The only paths of requests that the policy may match; `nil`: any may be.
    fileprivate var exactPaths: Set<[UInt8]>? { Self.union(rules.map(\.exactPaths)) }

    /// All of them together; `nil` when one is.
    fileprivate static func union(_ sets: [Set<[UInt8]>?]) -> Set<[UInt8]>? {
        var union: Set<[UInt8]> = []
        for set in sets {
            guard let set else { return nil }
            union.formUnion(set)
        }
        return union
    }
}

extension RequestPolicy.Rule {
    /// All clauses must hold, so one that names paths is enough.
    fileprivate var exactPaths: Set<[UInt8]>? {
        for clause in clauses where !clause.matches.isEmpty {
            if let paths = RequestPolicy.union(clause.matches.map(\.exactPaths)) { return paths }
        }
        return nil
    }
}

extension RequestPolicy.Match {
    /// All terms must hold, so one that names paths is enough; without a term it never does.
    fileprivate var exactPaths: Set<[UInt8]>? {
        if terms.isEmpty { return [] }
        for term in terms where !term.isNegated {
            if let paths = term.test.exactPaths { return paths }
        }
        return nil
    }
}

extension RequestPolicy.Test {
    fileprivate var exactPaths: Set<[UInt8]>? {
        guard case .paths(let values) = self else { return nil }
        var paths: Set<[UInt8]> = []
        for value in values {
            guard case .text(.exact(let path)) = value else { return nil }
            paths.insert(Array(path.utf8))
        }
        return paths
    }
}

package import MeshModel

/// Chooses among the hosts of one service port. Chance, time and the state of hosts come in.
package struct Balancer: Sendable {
    /// What a choice depends on beside the hosts.
    package struct Question {
        /// Of the consistent hash; `nil`: the request has no key, chance decides.
        package var key: UInt64?
        package var now: Duration
        /// Requests under way, by place of the host.
        package var active: [Int]
        /// Since when each host is there, by place.
        package var since: [Duration]
        /// Whether a host is out for being unwell, by place.
        package var isEjected: [Bool]
        /// Whether a host may not be chosen for this request, by place; empty: all may.
        package var isExcluded: [Bool] = []

        package init(key: UInt64? = nil, now: Duration, active: [Int], since: [Duration], isEjected: [Bool]) {
            self.key = key
            self.now = now
            self.active = active
            self.since = since
            self.isEjected = isEjected
        }
    }

    private let policy: TrafficPolicy
    package private(set) var hosts: [BalancedHost] = []
    private var groups: [HostGroup] = []
    /// Of round robin with weights, by place.
    private var credits: [Double] = []

    package init(_ policy: TrafficPolicy) { self.policy = policy }

    /// Other hosts; the order does not matter.
    package mutating func update(_ hosts: [BalancedHost]) {
        let sorted = hosts.sorted { ($0.priority, $0.uid) < ($1.priority, $1.uid) }
        guard sorted != self.hosts else { return }
        let old = Dictionary(zip(self.hosts.map(\.uid), credits)) { first, _ in first }
        self.hosts = sorted
        credits = sorted.map { old[$0.uid] ?? 0 }
        let count = (sorted.last?.priority ?? -1) + 1
        groups = (0..<count).map { HostGroup(sorted, priority: $0, table: table) }
    }

    private var table: HashTable? {
        guard case .consistentHash(let hash) = policy.balancing else { return nil }
        switch hash.table {
        case .ring(let size): return .ring(minimumSize: Int(size))
        case .maglev(let size): return .maglev(size: Int(size))
        }
    }

    /// The place of the chosen host; `nil` when none may be chosen.
    package mutating func choose(_ question: Question, using generator: inout some RandomNumberGenerator) -> Int? {
        guard !hosts.isEmpty else { return nil }
        // Mostly there is one priority, and then nothing is allocated.
        if groups.count == 1 {
            return choose(groups[0], question, ignoringEjection: isInPanic(groups[0], question), &generator)
        }
        return chooseByPriority(question, &generator)
    }

    /// Too few hosts are healthy; 0 percent: that is never so.
    private func isInPanic(_ group: HostGroup, _ question: Question) -> Bool {
        guard let least = policy.outliers?.healthyPercentMin, least > 0 else { return false }
        let healthy = group.places.count { !question.isEjected[$0] }
        return PriorityLoads.isInPanic(healthy: healthy, total: group.places.count, healthyPercentMin: Int(least))
    }

    private mutating func chooseByPriority(
        _ question: Question, _ generator: inout some RandomNumberGenerator
    ) -> Int? {
        let levels = groups.map { group in
            (group.places.count { !question.isEjected[$0] }, group.places.count)
        }
        let loads = PriorityLoads(levels, healthyPercentMin: Int(policy.outliers?.healthyPercentMin ?? 0))
        // Equal keys must come to the same priority, too.
        let ticket = question.key.map { Int(StableHash.mix($0) % 100) } ?? Int.random(in: 0..<100, using: &generator)
        let first = loads.priority(ticket: ticket)
        // What was excluded may leave the first choice empty.
        for step in 0...groups.count {
            let priority = step == 0 ? first : step - 1
            guard step == 0 || priority != first else { continue }
            let isInPanic = loads.inPanic[priority]
            let choice = choose(groups[priority], question, ignoringEjection: isInPanic, &generator)
            if let choice { return choice }
        }
        return nil
    }

    private mutating func choose(
        _ group: HostGroup, _ question: Question, ignoringEjection: Bool,
        _ generator: inout some RandomNumberGenerator
    ) -> Int? {
        let isEligible = { (place: Int) in
            (ignoringEjection || !question.isEjected[place])
                && (question.isExcluded.isEmpty || !question.isExcluded[place])
        }
        switch policy.balancing {
        case .consistentHash:
            guard let key = question.key else { return random(group, question, isEligible, &generator) }
            let host =
                group.ring?.host(key) { isEligible(group.places[$0]) }
                ?? group.maglev?.host(key) { isEligible(group.places[$0]) }
            return host.map { group.places[$0] }
        case .roundRobin: return next(group, question, isEligible)
        case .leastRequest:
            guard let one = random(group, question, isEligible, &generator) else { return nil }
            // Two that differ, so that of two endpoints the idle one is always found.
            guard let other = random(group, question, { $0 != one && isEligible($0) }, &generator) else { return one }
            let (left, right) = (load(one, question), load(other, question))
            return left <= right ? one : other
        case .random, .passthrough: return random(group, question, isEligible, &generator)
        }
    }

    /// Requests for each unit of weight.
    private func load(_ place: Int, _ question: Question) -> Double {
        Double(question.active[place]) / weight(place, question)
    }

    private func weight(_ place: Int, _ question: Question) -> Double {
        let weight = Double(hosts[place].weight)
        guard let warmUp = policy.warmUp else { return weight }
        return weight * warmUp.factor(age: question.now - question.since[place])
    }

    private func random(
        _ group: HostGroup, _ question: Question, _ isEligible: (Int) -> Bool,
        _ generator: inout some RandomNumberGenerator
    ) -> Int? {
        // Mostly all are eligible and alike, and then no list is needed.
        if !group.isWeighted, policy.warmUp == nil, let place = group.places.randomElement(using: &generator),
            isEligible(place)
        {
            return place
        }
        var total = 0.0
        for place in group.places where isEligible(place) { total += weight(place, question) }
        guard total > 0 else { return nil }
        var ticket = Double.random(in: 0..<total, using: &generator)
        var last: Int?
        for place in group.places where isEligible(place) {
            last = place
            ticket -= weight(place, question)
            if ticket < 0 { return place }
        }
        return last
    }

    /// Smooth weighted round robin, as in nginx: everybody gains its weight, the richest is chosen and pays for all.
    private mutating func next(_ group: HostGroup, _ question: Question, _ isEligible: (Int) -> Bool) -> Int? {
        var total = 0.0
        var best: Int?
        for place in group.places where isEligible(place) {
            let weight = weight(place, question)
            total += weight
            credits[place] += weight
            if best.map({ credits[place] > credits[$0] }) ?? true { best = place }
        }
        if let best { credits[best] -= total }
        return best
    }
}

/// How requests are shared among priorities: a priority takes what its healthy hosts can take, with a reserve of 40 %,
/// and leaves the rest to the next. Source: Envoy's documentation of priority levels (overprovisioning factor 1.4).
package struct PriorityLoads: Hashable, Sendable {
    /// Percent of the requests by priority; 100 together.
    package let percents: [Int]
    /// Priorities whose ejections are not heeded, because too few hosts would be left.
    package let inPanic: [Bool]

    /// - Parameters:
    ///   - levels: hosts of each priority that are healthy, and all of them.
    ///   - healthyPercentMin: below it a priority is in panic; 0: never.
    package init(_ levels: [(healthy: Int, total: Int)], healthyPercentMin: Int) {
        let available = levels.map { Self.available($0.healthy, of: $0.total) }
        let sum = min(100, available.reduce(0, +))
        inPanic = levels.map { level in
            sum < 100 && Self.hasTooFew(level.healthy, of: level.total, healthyPercentMin: healthyPercentMin)
        }
        guard sum > 0 else {
            // Nobody is well: whoever may be used in panic, the best first.
            let first = inPanic.firstIndex(of: true) ?? levels.firstIndex { $0.total > 0 } ?? 0
            percents = levels.indices.map { $0 == first ? 100 : 0 }
            return
        }
        var rest = 100
        var loads = available.map { available in
            let load = min(rest, available * 100 / sum)
            rest -= load
            return load
        }
        // What rounding left over.
        if let first = loads.firstIndex(where: { $0 > 0 }) { loads[first] += rest }
        percents = loads
    }

    private static func available(_ healthy: Int, of total: Int) -> Int {
        total == 0 ? 0 : min(100, 140 * healthy / total)
    }

    private static func hasTooFew(_ healthy: Int, of total: Int, healthyPercentMin: Int) -> Bool {
        total > 0 && healthy * 100 < healthyPercentMin * total
    }

    /// As ``inPanic`` says it, where there is one priority only.
    package static func isInPanic(healthy: Int, total: Int, healthyPercentMin: Int) -> Bool {
        available(healthy, of: total) < 100 && hasTooFew(healthy, of: total, healthyPercentMin: healthyPercentMin)
    }

    /// The priority of a ticket from 0 to 99.
    package func priority(ticket: Int) -> Int {
        var rest = ticket
        for (priority, load) in percents.enumerated() {
            if rest < load { return priority }
            rest -= load
        }
        return 0
    }
}

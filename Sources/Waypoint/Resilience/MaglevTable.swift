/// A table of places that hosts fill in turns, each in an order of its own, in proportion to their weights. Finds a
/// host in one step, and spreads keys more evenly than a ring; a host more or less moves a few keys of others too.
/// Source: "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016, 3.4.
struct MaglevTable: Sendable {
    private let table: [Int32]
    /// How often another place is tried before the caller must choose without the table.
    private static let attemptsMax: UInt64 = 32

    /// - Parameter size: a prime number, larger than the number of hosts.
    init(_ hosts: [BalancedHost], size: Int) {
        guard !hosts.isEmpty, size > 1 else {
            table = []
            return
        }
        let modulus = UInt64(size)
        let heaviest = Double(hosts.map(\.weight).max() ?? 1)
        var table = [Int32](repeating: -1, count: size)
        var offsets: [UInt64] = []
        var skips: [UInt64] = []
        for host in hosts {
            offsets.append(StableHash.hash(host.uid.utf8) % modulus)
            skips.append(StableHash.hash(host.uid.utf8, seed: 1) % max(1, modulus - 1) + 1)
        }
        var credits = [Double](repeating: 0, count: hosts.count)
        var filled = 0
        while filled < size {
            for place in hosts.indices where filled < size {
                credits[place] += Double(hosts[place].weight) / heaviest
                guard credits[place] >= 1 else { continue }
                credits[place] -= 1
                while table[Int(offsets[place])] >= 0 { offsets[place] = (offsets[place] + skips[place]) % modulus }
                table[Int(offsets[place])] = Int32(truncatingIfNeeded: place)
                filled += 1
            }
        }
        self.table = table
    }

    /// Whom each place belongs to.
    var places: [Int32] { table }

    /// The host of a key; with hosts that are not eligible, other places are tried that follow from the key.
    func host(_ key: UInt64, where isEligible: (Int) -> Bool) -> Int? {
        guard !table.isEmpty else { return nil }
        for attempt in 0..<Self.attemptsMax {
            let hash = attempt == 0 ? key : StableHash.mix(key &+ attempt &* 0x9e37_79b9_7f4a_7c15)
            let host = Int(table[Int(hash % UInt64(table.count))])
            if isEligible(host) { return host }
        }
        // Nearly all are out: the next place of one that is not.
        let start = Int(key % UInt64(table.count))
        for step in 0..<table.count {
            let host = Int(table[(start + step) % table.count])
            if isEligible(host) { return host }
        }
        return nil
    }
}

/// Points of all hosts on a ring, in proportion to their weights; a key belongs to the first point behind it. A host
/// more or less moves only the keys it gets or had.
struct HashRing: Sendable {
    /// Bounds the memory of one table.
    static let sizeMax = 1 << 20

    private struct Point: Sendable {
        let hash: UInt64
        /// Place among the hosts the ring was made of.
        let host: Int32
    }

    private let points: [Point]

    init(_ hosts: [BalancedHost], minimumSize: Int) {
        let total = hosts.reduce(0.0) { $0 + Double($1.weight) }
        guard let least = hosts.map(\.weight).min(), total > 0 else {
            points = []
            return
        }
        // A power of two for the lightest host: a host more or less seldom changes the points of the others.
        let share = Double(least) / total
        var base = 1.0
        while base < share * Double(minimumSize) { base *= 2 }
        let size = min(base / share, Double(Self.sizeMax))
        var points: [Point] = []
        points.reserveCapacity(Int(size) + hosts.count)
        for (place, host) in hosts.enumerated() {
            let count = max(1, Int((Double(host.weight) / total * size).rounded()))
            let start = StableHash.hash(host.uid.utf8)
            for number in 0..<count {
                let hash = StableHash.mix(start &+ UInt64(number) &* 0x9e37_79b9_7f4a_7c15)
                points.append(Point(hash: hash, host: Int32(truncatingIfNeeded: place)))
            }
        }
        self.points = points.sorted { ($0.hash, $0.host) < ($1.hash, $1.host) }
    }

    var count: Int { points.count }

    /// The host of a key; those that are not eligible are passed over.
    func host(_ key: UInt64, where isEligible: (Int) -> Bool) -> Int? {
        guard !points.isEmpty else { return nil }
        var (low, high) = (0, points.count)
        while low < high {
            let middle = (low + high) / 2
            if points[middle].hash < key { low = middle + 1 } else { high = middle }
        }
        for step in 0..<points.count {
            let host = Int(points[(low + step) % points.count].host)
            if isEligible(host) { return host }
        }
        return nil
    }
}

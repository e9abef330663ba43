/// Counts values by size, in the buckets of Envoy's histograms.
package struct Histogram: Hashable, Sendable {
    /// Upper ends of the buckets, in milliseconds or bytes, each included; a last bucket has none. As Envoy's defaults,
    /// which Istio's dashboards are made for.
    package static let bounds: [Double] = [
        0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
        3_600_000,
    ]

    /// Values by bucket, not added up.
    package private(set) var counts = [Int](repeating: 0, count: Histogram.bounds.count + 1)
    package private(set) var sum = 0.0

    package init() {}

    /// Adds one value and returns the number of its bucket.
    @discardableResult
    package mutating func record(_ value: Double) -> Int {
        let bucket = Self.bucket(of: value)
        counts[bucket] += 1
        sum += value
        return bucket
    }

    /// Adds what another one counted.
    package mutating func add(_ other: Histogram) {
        for index in counts.indices { counts[index] += other.counts[index] }
        sum += other.sum
    }

    /// Small values are the most, so the search begins there.
    private static func bucket(of value: Double) -> Int {
        var index = 0
        while index < bounds.count, value > bounds[index] { index += 1 }
        return index
    }
}

/// A request that stands for others of its bucket, by its trace. Source: OpenMetrics 1.0, Exemplars.
struct Exemplar: Hashable, Sendable {
    let trace: TraceContext
    let value: Double
    /// Microseconds since 1970-01-01T00:00:00Z.
    let timeMicroseconds: Int64
}

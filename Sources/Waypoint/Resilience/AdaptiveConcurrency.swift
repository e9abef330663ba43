package import MeshModel

/// A limit of requests under way that follows the latency. Now and then, with few requests let in, it measures the
/// latency without load; between, it compares: as long as latency stays near, the limit grows by its square root, and
/// when latency rises the limit shrinks in proportion. Source: Envoy's documentation of the gradient controller.
package struct AdaptiveConcurrency: Sendable {
    private enum Phase: Sendable {
        /// Measures the latency without load.
        case quiet
        /// Gathers latencies until then.
        case gathering(until: Duration)
    }

    /// Latencies of one window that are kept; further ones replace older ones.
    private static let samplesMax = 512

    private let settings: AdaptiveConcurrencySettings
    private var phase = Phase.quiet
    private var samples: [Int64] = []
    private var sampleCount = 0
    private var nextQuiet = Duration.zero
    /// To go back to after a measurement.
    private var busyLimit: Int
    /// Requests that began before the measurement saw the load of before.
    private var quietSince = Duration.zero

    /// How many requests may be under way.
    package private(set) var limit: Int
    package private(set) var active = 0
    /// The latency without load, once it was measured.
    package private(set) var baseLatency: Duration?

    package init(_ settings: AdaptiveConcurrencySettings) {
        self.settings = settings
        limit = Int(settings.limitMin)
        busyLimit = Int(settings.limitMin)
    }

    /// Takes a place, if one is left. ``end(started:now:isSample:using:)`` gives it back.
    package mutating func start() -> Bool {
        guard active < limit else { return false }
        active += 1
        return true
    }

    /// A request is over.
    /// - Parameters:
    ///   - started: when ``start()`` let it in.
    ///   - isSample: `false` for one whose time says nothing, such as one that the client left.
    package mutating func end(
        started: Duration, now: Duration, isSample: Bool, using generator: inout some RandomNumberGenerator
    ) {
        active = max(0, active - 1)
        guard isSample else { return }
        switch phase {
        case .quiet:
            guard started >= quietSince else { return }
            add(now - started)
            if sampleCount >= Int(settings.quietRequests) { finishQuiet(now, &generator) }
        case .gathering(let until):
            add(now - started)
            guard now >= until else { return }
            update()
            if now >= nextQuiet { beginQuiet(now) } else { phase = .gathering(until: now + settings.updateInterval) }
        }
    }

    private mutating func add(_ latency: Duration) {
        let (seconds, attoseconds) = max(.zero, latency).components
        let nanoseconds = min(seconds, 1_000_000) * 1_000_000_000 + attoseconds / 1_000_000_000
        if samples.count < Self.samplesMax {
            samples.append(nanoseconds)
        } else {
            samples[sampleCount % Self.samplesMax] = nanoseconds
        }
        sampleCount += 1
    }

    private mutating func takeSample() -> Duration {
        let sorted = samples.sorted()
        samples.removeAll(keepingCapacity: true)
        sampleCount = 0
        guard !sorted.isEmpty else { return .zero }
        let place = min(sorted.count - 1, sorted.count * Int(settings.percentile) / 100)
        return .nanoseconds(sorted[place])
    }

    private mutating func beginQuiet(_ now: Duration) {
        phase = .quiet
        quietSince = now
        busyLimit = limit
        limit = Int(settings.limitMin)
        samples.removeAll(keepingCapacity: true)
        sampleCount = 0
    }

    private mutating func finishQuiet(_ now: Duration, _ generator: inout some RandomNumberGenerator) {
        baseLatency = max(.nanoseconds(1), takeSample())
        limit = busyLimit
        phase = .gathering(until: now + settings.updateInterval)
        let jitter = Double(settings.jitterPercent) / 100 * Double.random(in: 0...1, using: &generator)
        nextQuiet = now + settings.quietInterval * (1 + jitter)
    }

    private mutating func update() {
        guard let baseLatency, sampleCount > 0 else { return }
        let good = baseLatency * (1 + Double(settings.bufferPercent) / 100)
        let seen = max(.nanoseconds(1), takeSample())
        let gradient = min(2, max(0.5, good / seen))
        let shrunk = Double(limit) * gradient
        let next = shrunk + shrunk.squareRoot()
        limit = min(Int(settings.limitMax), max(Int(settings.limitMin), Int(next)))
    }
}

/// The times of certificates. Milliseconds of a clock that never goes back; its zero means nothing.
package struct CertificateTiming: Hashable, Sendable {
    /// Calls to the authority at one time; as Istio's ztunnel.
    package var concurrentFetchesMax = 8
    /// The first wait after a failure; doubles.
    package var firstBackoff: Int64 = 500
    package var longestBackoff: Int64 = 150_000
    /// A wait is spread by so much either way, so that nodes that failed together do not try together.
    package var backoffJitter = 0.2
    /// A renewal is spread by so much of half the life either way.
    package var renewalJitter = 0.1
    /// While a certificate is held, no wait is longer than this part of its remaining life.
    package var retryPartOfLife = 0.25
    /// No wait is shorter, however near the end.
    package var shortestWait: Int64 = 200
    /// The longest a call may take; with a certificate at hand, at most a third of its remaining life.
    package var longestCall: Int64 = 10_000
    package var shortestCall: Int64 = 1_000

    package init() {}

    /// When to renew a certificate that came now: at half of the life it still has. Not counted from its start, which
    /// authorities set back for other clocks: of a certificate for ten seconds, set back two minutes, half of the whole
    /// would be over before it came.
    func renewalTime(now: Int64, expiresAt: Int64, using generator: inout some RandomNumberGenerator) -> Int64 {
        let half = Double(max(0, expiresAt - now)) / 2
        return now + max(shortestWait, spread(half, by: renewalJitter, using: &generator))
    }

    /// When to try again after the failure of that number, from 1.
    func retryTime(
        now: Int64, failures: Int, expiresAt: Int64?, using generator: inout some RandomNumberGenerator
    ) -> Int64 {
        let doublings = min(max(0, failures - 1), 30)
        let backoff = min(Double(longestBackoff), Double(firstBackoff) * Double(1 << doublings))
        var wait = min(longestBackoff, spread(backoff, by: backoffJitter, using: &generator))
        if let expiresAt, expiresAt > now {
            wait = min(wait, Int64(Double(expiresAt - now) * retryPartOfLife))
        }
        return now + max(shortestWait, wait)
    }

    func callLimit(now: Int64, expiresAt: Int64?) -> Int64 {
        guard let expiresAt, expiresAt > now else { return longestCall }
        return min(longestCall, max(shortestCall, (expiresAt - now) / 3))
    }

    private func spread(
        _ value: Double, by part: Double, using generator: inout some RandomNumberGenerator
    ) -> Int64 {
        Int64(value * Double.random(in: (1 - part)...(1 + part), using: &generator))
    }
}

/// How urgent a certificate is.
package enum FetchPriority: Int, Hashable, Sendable, Comparable, CaseIterable {
    /// One is held still.
    case refresh
    /// Somebody will need it soon.
    case warmUp
    /// A connection waits for it.
    case realTime

    package static func < (left: FetchPriority, right: FetchPriority) -> Bool { left.rawValue < right.rawValue }
}

package import Crypto

/// Tokens that were accepted a short while ago. Keeps digests, so no token stays in memory. Pure.
package struct TokenReviewCache: Sendable {
    private struct Entry: Sendable {
        let token: ReviewedToken
        let sinceMilliseconds: Int64
        let untilMilliseconds: Int64
    }

    private let lifetimeMilliseconds: Int64
    private let countMax: Int
    private var entries: [SHA256.Digest: Entry] = [:]

    package init(
        lifetimeMilliseconds: Int64 = AuthorityLimits.reviewLifetimeMilliseconds,
        countMax: Int = AuthorityLimits.reviewsKeptMax
    ) {
        self.lifetimeMilliseconds = lifetimeMilliseconds
        self.countMax = countMax
    }

    package var count: Int { entries.count }

    /// Keeps an accepted token for its time in the cache, or until it expires if that comes first.
    /// - Parameter nowMilliseconds: Unix time, because tokens expire by it.
    package mutating func keep(_ token: ReviewedToken, for digest: SHA256.Digest, nowMilliseconds: Int64) {
        var until = nowMilliseconds + lifetimeMilliseconds
        if let expiry = token.expirySeconds { until = min(until, Self.milliseconds(expiry)) }
        guard until > nowMilliseconds, countMax > 0 else { return }
        if entries[digest] == nil, entries.count >= countMax { makeRoom(nowMilliseconds) }
        entries[digest] = Entry(
            token: token, sinceMilliseconds: nowMilliseconds, untilMilliseconds: until)
    }

    /// The token, if it was accepted lately. A clock that was set back ends what was kept by the other time.
    package mutating func find(_ digest: SHA256.Digest, nowMilliseconds: Int64) -> ReviewedToken? {
        guard let entry = entries[digest] else { return nil }
        guard entry.sinceMilliseconds <= nowMilliseconds, nowMilliseconds < entry.untilMilliseconds else {
            entries[digest] = nil
            return nil
        }
        return entry.token
    }

    /// What is over goes first; of the rest, the older half: then room is made seldom.
    private mutating func makeRoom(_ nowMilliseconds: Int64) {
        entries = entries.filter {
            $0.value.sinceMilliseconds <= nowMilliseconds && nowMilliseconds < $0.value.untilMilliseconds
        }
        guard entries.count >= countMax else { return }
        let oldest = entries.sorted { $0.value.sinceMilliseconds < $1.value.sinceMilliseconds }
        for (digest, _) in oldest.prefix(max(entries.count / 2, 1)) { entries[digest] = nil }
    }

    /// A token may name any number as its end.
    private static func milliseconds(_ seconds: Int64) -> Int64 {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        return overflow ? (seconds > 0 ? .max : .min) : product
    }
}

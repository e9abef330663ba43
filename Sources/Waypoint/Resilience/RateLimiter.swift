package import MeshModel

/// Whom a bucket is for.
package enum RateKey: Hashable, Sendable {
    case identity(Identity)
    case text(String)
}

/// Tokens that requests take, refilled at intervals. Full at first.
package struct TokenBucket: Hashable, Sendable {
    private(set) package var tokens: UInt32
    private var lastFill: Duration

    package init(_ limit: RateLimit, now: Duration) {
        tokens = limit.tokensMax
        lastFill = now
    }

    /// Takes a token, if there is one.
    package mutating func take(_ limit: RateLimit, now: Duration) -> Bool {
        fill(limit, now: now)
        guard tokens > 0 else { return false }
        tokens -= 1
        return true
    }

    /// Whether the bucket says no more than a new one would.
    package mutating func isFull(_ limit: RateLimit, now: Duration) -> Bool {
        fill(limit, now: now)
        return tokens >= limit.tokensMax
    }

    /// As it is now.
    package func standing(_ limit: RateLimit, now: Duration) -> RateStanding {
        let refill = limit.fillInterval - (now - lastFill)
        return RateStanding(
            limit: limit.tokensMax, remaining: tokens, refill: min(max(refill, .zero), limit.fillInterval))
    }

    private mutating func fill(_ limit: RateLimit, now: Duration) {
        guard now > lastFill, limit.fillInterval > .zero else { return }
        let fills = Int64(((now - lastFill) / limit.fillInterval).rounded(.down))
        guard fills > 0 else { return }
        let added = fills.multipliedReportingOverflow(by: Int64(limit.tokensPerFill))
        let total = added.overflow ? Int64.max : added.partialValue.addingReportingOverflow(Int64(tokens)).partialValue
        tokens = total < 0 || total >= Int64(limit.tokensMax) ? limit.tokensMax : UInt32(clamping: total)
        lastFill += limit.fillInterval * fills
    }
}

/// The buckets of one limit, one for each key. Their number is bounded: when there are too many, those that are full
/// are forgotten, which changes nothing for their owners; while none is, new keys share one bucket. So nobody gets
/// fresh tokens by making up keys.
package struct RateLimiter: Sendable {
    /// Keys remembered at once, per limit and loop.
    package static let keysMax = 4096
    /// Buckets looked at when one must go, so that a flood of keys costs little each.
    private static let inspectedMax = 16

    package let limit: RateLimit
    private let keysMax: Int
    private var buckets: [RateKey: TokenBucket] = [:]
    private var shared: TokenBucket?
    /// Where the search for a full bucket goes on.
    private var order: [RateKey] = []
    private var cursor = 0

    package init(_ limit: RateLimit, keysMax: Int = RateLimiter.keysMax) {
        self.limit = limit
        self.keysMax = max(1, keysMax)
    }

    /// Buckets of keys.
    package var keyCount: Int { buckets.count }

    /// Takes a token of the key's bucket, if there is one. Answers how the bucket stands then, and whether there was.
    /// - Parameter key: `nil`: the bucket of all, or of those without a key.
    package mutating func take(_ key: RateKey?, now: Duration) -> (isTaken: Bool, standing: RateStanding) {
        guard let key else { return takeShared(now) }
        if var bucket = buckets[key] {
            let taken = bucket.take(limit, now: now)
            buckets[key] = bucket
            return (taken, bucket.standing(limit, now: now))
        }
        guard let place = place(now) else { return takeShared(now) }
        if place < order.count {
            buckets[order[place]] = nil
            order[place] = key
        } else {
            order.append(key)
        }
        var bucket = TokenBucket(limit, now: now)
        let taken = bucket.take(limit, now: now)
        buckets[key] = bucket
        return (taken, bucket.standing(limit, now: now))
    }

    /// Where another key can be kept; `nil`: nowhere.
    private mutating func place(_ now: Duration) -> Int? {
        if order.count < keysMax { return order.count }
        for _ in 0..<min(Self.inspectedMax, order.count) {
            cursor = (cursor + 1) % order.count
            if buckets[order[cursor]]?.isFull(limit, now: now) != false { return cursor }
        }
        return nil
    }

    private mutating func takeShared(_ now: Duration) -> (isTaken: Bool, standing: RateStanding) {
        var bucket = shared ?? TokenBucket(limit, now: now)
        let taken = bucket.take(limit, now: now)
        shared = bucket
        return (taken, bucket.standing(limit, now: now))
    }
}

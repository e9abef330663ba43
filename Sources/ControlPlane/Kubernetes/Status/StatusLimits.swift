/// Bounds of writing statuses.
package struct StatusLimits: Hashable, Sendable {
    /// Requests under way at the same time.
    package var parallelMax = 4
    /// Requests that may begin at once, and how many are added each second after that: a change of a thousand objects
    /// must not keep an API server from its work.
    package var burst = 40
    package var perSecond = 20
    /// Repairs of one object, whose status somebody else changes while we wish what we wished before: so many at once,
    /// then one in each interval, until the other one gives up.
    package var repairsMax = 5
    package var repairMilliseconds: Int64 = 60_000

    package init() {}
}

/// What is told of a status that is not written, each once.
package enum StatusTrouble: Hashable, Sendable, CustomStringConvertible {
    /// It failed and is tried again.
    case failed(APIFailure)
    /// The server refuses it; not before the object or what we have to say changes.
    case refused(APIFailure)
    /// The server took it and has not kept it; not before the object or what we have to say changes.
    case ineffective
    /// Somebody else changes it back and back; we repair it now and then only.
    case contested

    package var description: String {
        switch self {
        case .failed(let failure): "\(failure); trying again"
        case .refused(let failure): "\(failure); not tried again until something changes"
        case .ineffective: "the API server takes it and does not keep it; not tried again until something changes"
        case .contested: "somebody else writes it as well; it is repaired now and then only"
        }
    }
}

/// A bucket of permissions that fills with time. Pure.
struct TokenBucket: Hashable, Sendable {
    private let size: Double
    private let perMillisecond: Double
    private var level: Double
    private var last: Int64?

    init(size: Int, perMillisecond: Double) {
        self.size = Double(size)
        self.perMillisecond = perMillisecond
        level = Double(size)
    }

    /// Takes one, if there is one.
    mutating func take(_ now: Int64) -> Bool {
        fill(now)
        guard level >= 1 else { return false }
        level -= 1
        return true
    }

    /// Nothing was taken for so long that all of it is there again.
    mutating func isFull(_ now: Int64) -> Bool {
        fill(now)
        return level >= size
    }

    /// Until the next one is there.
    mutating func wait(_ now: Int64) -> Int64 {
        fill(now)
        return level >= 1 ? 0 : Int64(((1 - level) / perMillisecond).rounded(.up))
    }

    private mutating func fill(_ now: Int64) {
        if let last { level = min(size, level + Double(max(0, now - last)) * perMillisecond) }
        last = now
    }
}

package import MeshModel

/// What stands before a service: its limits and faults, with the state they need. One for each service and loop.
package struct ServiceShield: Sendable {
    /// What rate limits say of a request that wants in.
    package struct Admission: Hashable, Sendable {
        package var isLetIn = true
        /// Of the limit that refused, or else of the one with the fewest tokens left; `nil`: there are no limits.
        package var standing: RateStanding?
    }

    /// What a limit may tell requests apart by.
    package struct Facts: Sendable {
        package var identity: Identity?
        /// The value of a field of the request; `nil`: absent.
        package var header: @Sendable (HeaderName) -> String?

        package init(identity: Identity?, header: @escaping @Sendable (HeaderName) -> String?) {
            self.identity = identity
            self.header = header
        }
    }

    /// Values of fields are told apart by their first bytes.
    private static let keyBytesMax = 256

    package private(set) var limiters: [RateLimiter]
    package private(set) var concurrency: AdaptiveConcurrency?
    private let fault: FaultInjection?

    package init(_ limits: TrafficGuard) {
        limiters = limits.rateLimits.map { RateLimiter($0) }
        concurrency = limits.concurrency.map { AdaptiveConcurrency($0) }
        fault = limits.fault
    }

    /// Takes a token of every limit, until one has none.
    package mutating func admit(_ facts: Facts, now: Duration) -> Admission {
        var admission = Admission()
        for place in limiters.indices {
            let (isTaken, standing) = limiters[place].take(Self.key(limiters[place].limit, facts), now: now)
            if !isTaken || standing.remaining < admission.standing?.remaining ?? .max { admission.standing = standing }
            if !isTaken {
                admission.isLetIn = false
                return admission
            }
        }
        return admission
    }

    /// Takes a place among the requests under way, if the adaptive limit has one. Then
    /// ``ended(started:now:isSample:using:)`` follows.
    package mutating func enter() -> Bool { concurrency?.start() != false }

    /// Which bucket of a limit a request takes of; `nil`: that of all, or of those without a key.
    package static func key(_ limit: RateLimit, _ facts: Facts) -> RateKey? {
        switch limit.key {
        case .all: nil
        case .identity: facts.identity.map { .identity($0) }
        case .header(let name):
            facts.header(name).map { .text(String(decoding: $0.utf8.prefix(Self.keyBytesMax), as: UTF8.self)) }
        }
    }

    /// A request that was let through is over.
    package mutating func ended(
        started: Duration, now: Duration, isSample: Bool, using generator: inout some RandomNumberGenerator
    ) {
        concurrency?.end(started: started, now: now, isSample: isSample, using: &generator)
    }

    /// What is done to a request on purpose.
    package func fault(using generator: inout some RandomNumberGenerator) -> FaultDecision {
        fault?.decide(using: &generator) ?? FaultDecision()
    }
}

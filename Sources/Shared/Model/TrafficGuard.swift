/// What stands before a service at its waypoint: limits, faults on purpose, and who still reaches workloads in
/// quarantine. What users write as TrafficGuard.
package struct TrafficGuard: Hashable, Sendable {
    package var rateLimits: [RateLimit] = []
    /// Asked once the limits of the waypoint's own have let a request through.
    package var globalRateLimit: GlobalRateLimit?
    package var fault: FaultInjection?
    package var concurrency: AdaptiveConcurrencySettings?
    /// `nil`: no request goes to two endpoints at once.
    package var hedging: HedgingPolicy?
    /// Callers that are sent to workloads in quarantine.
    package var quarantineCallers: Set<Identity> = []

    package init() {}
}

/// A token bucket, or one for each caller.
package struct RateLimit: Hashable, Sendable {
    package enum Key: Hashable, Sendable {
        /// One bucket for all requests.
        case all
        /// The identity that TLS has proven.
        case identity
        /// Requests without the field share one bucket.
        case header(HeaderName)
    }

    package var key: Key
    /// What a bucket holds when full.
    package var tokensMax: UInt32
    /// Added each interval.
    package var tokensPerFill: UInt32
    package var fillInterval: Duration

    package init(key: Key, tokensMax: UInt32, tokensPerFill: UInt32, fillInterval: Duration) {
        self.key = key
        self.tokensMax = tokensMax
        self.tokensPerFill = tokensPerFill
        self.fillInterval = fillInterval
    }
}

/// What a client is told of a limit.
package struct RateStanding: Hashable, Sendable {
    /// Requests of one interval, or what a bucket holds when full.
    package let limit: UInt32
    /// Requests that would be let through now.
    package let remaining: UInt32
    /// Until there are more.
    package let refill: Duration

    package init(limit: UInt32, remaining: UInt32, refill: Duration) {
        self.limit = limit
        self.remaining = remaining
        self.refill = refill
    }
}

/// A share of requests in steps of 0.0001 %.
package struct RequestShare: Hashable, Sendable {
    package static let whole: UInt32 = 1_000_000

    /// 0 to 1,000,000.
    package let partsPerMillion: UInt32

    /// `nil` above the whole.
    package init?(partsPerMillion: UInt32) {
        guard partsPerMillion <= Self.whole else { return nil }
        self.partsPerMillion = partsPerMillion
    }

    /// `nil` unless zero or 0.0001 to 100.
    package init?(percent: Double) {
        guard percent == 0 || (0.0001...100).contains(percent) else { return nil }
        partsPerMillion = UInt32((percent * 10_000).rounded())
    }
}

/// Requests that are held up or fail on purpose.
package struct FaultInjection: Hashable, Sendable {
    package struct Delay: Hashable, Sendable {
        package var duration: Duration
        package var share: RequestShare

        package init(duration: Duration, share: RequestShare) {
            self.duration = duration
            self.share = share
        }
    }

    package struct Abort: Hashable, Sendable {
        package enum Answer: Hashable, Sendable {
            case http(status: UInt16)
            case grpc(status: UInt8)
        }

        package var answer: Answer
        package var share: RequestShare

        package init(answer: Answer, share: RequestShare) {
            self.answer = answer
            self.share = share
        }
    }

    package var delay: Delay?
    package var abort: Abort?

    package init(delay: Delay? = nil, abort: Abort? = nil) {
        self.delay = delay
        self.abort = abort
    }
}

/// A limit of requests under way that follows the latency; names and defaults as of Envoy's adaptive concurrency
/// filter with the gradient controller.
package struct AdaptiveConcurrencySettings: Hashable, Sendable {
    package var limitMin: UInt32 = 3
    package var limitMax: UInt32 = 1000
    /// Between two measurements of the latency without load.
    package var quietInterval: Duration = .seconds(60)
    /// Requests of such a measurement.
    package var quietRequests: UInt32 = 50
    /// How long latencies are gathered before the limit is set anew.
    package var updateInterval: Duration = .milliseconds(100)
    /// The latency that stands for all that were gathered.
    package var percentile: UInt32 = 50
    /// How much more than without load is still good, in percent.
    package var bufferPercent: UInt32 = 25
    /// Of the quiet interval, added by chance, so that waypoints do not measure all at once.
    package var jitterPercent: UInt32 = 15

    package init() {}
}

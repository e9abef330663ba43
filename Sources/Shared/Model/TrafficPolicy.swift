/// How a waypoint spreads requests over the endpoints of a service, and when it spares them. What Istio's
/// DestinationRule calls a traffic policy.
package struct TrafficPolicy: Hashable, Sendable {
    package var balancing: EndpointBalancing = .leastRequest
    /// `nil`: as the service says; with outlier detection nearer endpoints first.
    package var locality: LocalityPreference?
    package var warmUp: WarmUp?
    package var connections: ConnectionLimits = ConnectionLimits()
    /// `nil`: no endpoint is ever ejected.
    package var outliers: OutlierDetection?
    package var retryBudget: RetryBudgetSettings?
    /// `nil`: endpoints of the mesh are reached by the mesh's own encryption, all others in plain text.
    package var tls: OriginTLS?
    /// Something is asked for without which nothing may be sent, and we cannot do it: every request fails for this
    /// reason.
    package var refusal: String?

    package init() {}
}

/// Which of several endpoints gets a request.
package enum EndpointBalancing: Hashable, Sendable {
    case roundRobin
    /// The one of two random endpoints that has fewer requests under way.
    case leastRequest
    case random
    /// The address that the client called, whatever endpoints there are.
    case passthrough
    /// Equal keys go to the same endpoint while it is there.
    case consistentHash(ConsistentHash)
}

/// What requests are told apart by, and the table that finds their endpoint.
package struct ConsistentHash: Hashable, Sendable {
    package enum Key: Hashable, Sendable {
        case header(HeaderName)
        case cookie(HashCookie)
        case sourceAddress
        case queryParameter(String)
    }

    package enum Table: Hashable, Sendable {
        /// Points on a ring; never fewer than this in all.
        case ring(minimumSize: UInt32)
        /// A prime number of places.
        case maglev(size: UInt32)
    }

    package var key: Key
    package var table: Table

    package init(key: Key, table: Table = .ring(minimumSize: 1024)) {
        self.key = key
        self.table = table
    }
}

/// A cookie that keeps a client at an endpoint.
package struct HashCookie: Hashable, Sendable {
    package var name: HTTPToken
    package var path: RoutePath?
    /// `nil`: clients without the cookie get none; zero: one for the browser's session.
    package var lifetime: Duration?

    package init(name: HTTPToken, path: RoutePath? = nil, lifetime: Duration? = nil) {
        self.name = name
        self.path = path
        self.lifetime = lifetime
    }
}

/// Which endpoints come first by where they stand.
package enum LocalityPreference: Hashable, Sendable {
    /// All alike.
    case off
    /// The same subzone, zone, region, then the region named for ours, then the others.
    case failover(regions: [String: String])
    /// The more of these, in order, are shared, the better.
    case scopes([LoadBalancing.Scope])
    case distribute([LocalityShare])
}

/// What the clients of one locality send where.
package struct LocalityShare: Hashable, Sendable {
    /// `REGION/ZONE/SUBZONE`; `*` for any part, and for all that follow.
    package var from: String
    /// By the same kind of pattern; percentages, 100 together.
    package var to: [String: UInt32]

    package init(from: String, to: [String: UInt32]) {
        self.from = from
        self.to = to
    }
}

/// A new endpoint gets its share little by little.
package struct WarmUp: Hashable, Sendable {
    package var duration: Duration
    /// Of its full share, from the beginning.
    package var minimumPercent: UInt32
    /// 1: in proportion to the time; larger: faster at first.
    package var aggression: Double

    package init(duration: Duration, minimumPercent: UInt32 = 10, aggression: Double = 1) {
        self.duration = duration
        self.minimumPercent = minimumPercent
        self.aggression = aggression
    }
}

/// How much one waypoint has under way to one service; `nil` is no limit, or for times the waypoint's own.
package struct ConnectionLimits: Hashable, Sendable {
    package var connectionsMax: UInt32?
    /// Requests that wait for a connection.
    package var pendingMax: UInt32?
    package var requestsMax: UInt32?
    package var retriesMax: UInt32?
    /// 1: connections are not kept.
    package var requestsPerConnectionMax: UInt32?
    package var connectTimeout: Duration?
    /// How long a connection is kept without requests; zero: for ever.
    package var idleTimeout: Duration?
    /// The same for connections that are carried as bytes.
    package var streamIdleTimeout: Duration?
    package var connectionDurationMax: Duration?
    /// `nil`: connections are not probed.
    package var keepAlive: TCPKeepAlive?

    package init() {}
}

/// Probes of idle TCP connections (tcp(7)); `nil` leaves a value to the system. Whole seconds, at least one.
package struct TCPKeepAlive: Hashable, Sendable {
    /// Without an answer before the connection is given up.
    package var probes: UInt32?
    /// Before the first probe.
    package var time: Duration?
    /// Between two.
    package var interval: Duration?

    package init(probes: UInt32? = nil, time: Duration? = nil, interval: Duration? = nil) {
        self.probes = probes
        self.time = time
        self.interval = interval
    }
}

/// When an endpoint that fails is left out for a while.
package struct OutlierDetection: Hashable, Sendable {
    /// Answers of 500 and above in a row; 0: not counted.
    package var consecutiveServerErrors: UInt32 = 5
    /// Answers of 502, 503, 504 in a row; 0: not counted.
    package var consecutiveGatewayErrors: UInt32 = 0
    /// Failures without an answer count on their own, not among the answers.
    package var splitsLocalFailures: Bool = false
    package var consecutiveLocalFailures: UInt32 = 5
    /// Between two sweeps that let endpoints back in.
    package var interval: Duration = .seconds(10)
    /// The first time; it grows with each further ejection.
    package var baseEjectionTime: Duration = .seconds(30)
    /// Of the endpoints; one may always be ejected.
    package var ejectedPercentMax: UInt32 = 10
    /// With fewer healthy endpoints than this, ejections are not heeded; 0: always heeded.
    package var healthyPercentMin: UInt32 = 0

    package init() {}
}

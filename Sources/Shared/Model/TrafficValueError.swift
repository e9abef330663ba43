/// Why a value of a traffic policy is not taken. Closed: whoever translates resources turns each into a finding.
package enum TrafficValueError: Error, Hashable, Sendable {
    /// Outside of what the field allows.
    case range(field: String, expected: String)
    /// More entries than a waypoint takes.
    case count(field: String, most: Int)

    /// Where, in words of the model.
    package var field: String {
        switch self {
        case .range(let field, _), .count(let field, _): field
        }
    }

    /// Why, as a clause.
    package var reason: String {
        switch self {
        case .range(_, let expected): "expected \(expected)"
        case .count(_, let most): "expected at most \(most) entries"
        }
    }
}

/// What keeps one resource from taking a waypoint with it.
package enum TrafficLimits {
    package static let portsMax = 128
    package static let sharesMax = 64
    package static let rateLimitsMax = 16
    /// Descriptors of a global rate limit, and entries of each.
    package static let descriptorsMax = 8
    /// Of a domain, and of a key or a fixed value of a descriptor.
    package static let descriptorBytesMax = 256
    package static let quarantineCallersMax = 64
    /// Endpoints of one service in quarantine.
    package static let quarantinedMax = 10_000
    /// Envoy's bound for a Maglev table.
    package static let maglevSizeMax: UInt32 = 5_000_011
    /// Points on a ring.
    package static let ringSizeMax: UInt32 = 1_048_576
    /// The longest time any field may name.
    package static let durationMax: Duration = .seconds(30 * 86_400)
}

extension TrafficPolicy {
    /// Holds the values to what their fields allow.
    package func check() throws(TrafficValueError) {
        switch balancing {
        case .consistentHash(let hash): try hash.check()
        case .roundRobin, .leastRequest, .random, .passthrough: break
        }
        if case .distribute(let shares)? = locality {
            guard shares.count <= TrafficLimits.sharesMax, shares.allSatisfy({ $0.to.count <= TrafficLimits.sharesMax })
            else { throw .count(field: "localityLbSetting.distribute", most: TrafficLimits.sharesMax) }
            for share in shares where share.to.values.reduce(0, { $0 &+ min($1, 101) }) != 100 {
                throw .range(field: "localityLbSetting.distribute", expected: "percentages that are 100 together")
            }
        }
        if let warmUp {
            try duration("warmup.duration", warmUp.duration, from: .milliseconds(1))
            try percent("warmup.minimumPercent", warmUp.minimumPercent)
            guard (1...1000).contains(warmUp.aggression) else {
                throw .range(field: "warmup.aggression", expected: "1 to 1000")
            }
        }
        try connections.check()
        try tls?.check()
        guard let outliers else { return }
        try duration("outlierDetection.interval", outliers.interval, from: .milliseconds(1))
        try duration("outlierDetection.baseEjectionTime", outliers.baseEjectionTime, from: .milliseconds(1))
        try percent("outlierDetection.maxEjectionPercent", outliers.ejectedPercentMax)
        try percent("outlierDetection.minHealthPercent", outliers.healthyPercentMin)
    }
}

extension ConsistentHash {
    fileprivate func check() throws(TrafficValueError) {
        switch table {
        case .ring(let size):
            guard (1...TrafficLimits.ringSizeMax).contains(size) else {
                throw .range(field: "ringHash.minimumRingSize", expected: "1 to \(TrafficLimits.ringSizeMax)")
            }
        case .maglev(let size):
            guard size <= TrafficLimits.maglevSizeMax, Self.isPrime(size) else {
                throw .range(
                    field: "maglev.tableSize", expected: "a prime number of at most \(TrafficLimits.maglevSizeMax)")
            }
        }
        switch key {
        case .cookie(let cookie):
            if let lifetime = cookie.lifetime { try duration("httpCookie.ttl", lifetime, from: .zero) }
        case .queryParameter(let name):
            guard (1...256).contains(name.utf8.count) else {
                throw .range(field: "httpQueryParameterName", expected: "1 to 256 bytes")
            }
        case .header, .sourceAddress: break
        }
    }

    private static func isPrime(_ number: UInt32) -> Bool {
        guard number > 1 else { return false }
        var divisor: UInt32 = 2
        while divisor * divisor <= number {
            if number.isMultiple(of: divisor) { return false }
            divisor += 1
        }
        return true
    }
}

extension ConnectionLimits {
    fileprivate func check() throws(TrafficValueError) {
        if let connectTimeout { try duration("tcp.connectTimeout", connectTimeout, from: .milliseconds(1)) }
        if let idleTimeout { try duration("http.idleTimeout", idleTimeout, from: .zero) }
        if let streamIdleTimeout { try duration("tcp.idleTimeout", streamIdleTimeout, from: .zero) }
        if let connectionDurationMax {
            try duration("tcp.maxConnectionDuration", connectionDurationMax, from: .milliseconds(1))
        }
        try keepAlive?.check()
    }
}

extension TCPKeepAlive {
    /// The bounds are those of the kernel: MAX_TCP_KEEPCNT, MAX_TCP_KEEPIDLE and MAX_TCP_KEEPINTVL of net/tcp.h.
    fileprivate func check() throws(TrafficValueError) {
        if let probes, !(1...127).contains(probes) {
            throw .range(field: "tcp.tcpKeepalive.probes", expected: "1 to 127")
        }
        for (field, value) in [("time", time), ("interval", interval)] {
            guard let value, value < .seconds(1) || value > .seconds(32_767) else { continue }
            throw .range(field: "tcp.tcpKeepalive.\(field)", expected: "1 s to 32767 s")
        }
    }
}

extension TrafficGuard {
    /// Holds the values to what their fields allow.
    package func check() throws(TrafficValueError) {
        guard rateLimits.count <= TrafficLimits.rateLimitsMax else {
            throw .count(field: "rateLimits", most: TrafficLimits.rateLimitsMax)
        }
        for limit in rateLimits {
            try duration("rateLimits.fillInterval", limit.fillInterval, from: .milliseconds(50))
            guard limit.tokensMax > 0, limit.tokensPerFill > 0 else {
                throw .range(field: "rateLimits", expected: "at least one token")
            }
        }
        try globalRateLimit?.check()
        try hedging?.check()
        if let delay = fault?.delay { try duration("fault.delay.fixedDelay", delay.duration, from: .milliseconds(1)) }
        switch fault?.abort?.answer {
        case .http(let status)?:
            guard (200...599).contains(status) else {
                throw .range(field: "fault.abort.httpStatus", expected: "200 to 599")
            }
        case .grpc(let status)?:
            guard status <= 16 else { throw .range(field: "fault.abort.grpcStatus", expected: "a gRPC status") }
        case nil: break
        }
        try concurrency?.check()
        guard quarantineCallers.count <= TrafficLimits.quarantineCallersMax else {
            throw .count(field: "quarantine.callers", most: TrafficLimits.quarantineCallersMax)
        }
    }
}

extension AdaptiveConcurrencySettings {
    fileprivate func check() throws(TrafficValueError) {
        guard limitMin > 0, limitMin <= limitMax, limitMax <= 1_000_000 else {
            throw .range(field: "adaptiveConcurrency", expected: "limits of 1 to 1000000, the lower one first")
        }
        guard (1...10_000).contains(quietRequests) else {
            throw .range(field: "adaptiveConcurrency.quietRequests", expected: "1 to 10000")
        }
        try duration("adaptiveConcurrency.quietInterval", quietInterval, from: .milliseconds(100))
        try duration("adaptiveConcurrency.updateInterval", updateInterval, from: .milliseconds(1))
        try percent("adaptiveConcurrency.percentile", percentile)
        try percent("adaptiveConcurrency.bufferPercent", bufferPercent)
        try percent("adaptiveConcurrency.jitterPercent", jitterPercent)
    }
}

private func duration(_ field: String, _ value: Duration, from least: Duration) throws(TrafficValueError) {
    guard value >= least, value <= TrafficLimits.durationMax else {
        throw .range(field: field, expected: "\(least) to \(TrafficLimits.durationMax)")
    }
}

private func percent(_ field: String, _ value: UInt32) throws(TrafficValueError) {
    guard value <= 100 else { throw .range(field: field, expected: "0 to 100") }
}

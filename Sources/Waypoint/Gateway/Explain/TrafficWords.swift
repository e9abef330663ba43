internal import MeshModel

/// What a DestinationRule says, one line for each thing that differs from a service without rules.
extension TrafficPolicy {
    var lines: [String] {
        var lines = ["load balancing: \(balancing.words)"]
        if let words = locality?.words { lines.append("places: \(words)") }
        if let warmUp {
            lines.append("warm-up: new endpoints begin with \(warmUp.minimumPercent) %, for \(warmUp.duration)")
        }
        let limits = connections.words
        if !limits.isEmpty { lines.append("connection pool: \(limits.joined(separator: ", "))") }
        if let outliers { lines.append("outlier detection: \(outliers.words)") }
        if let retryBudget {
            let least = retryBudget.minimumConcurrency
            lines.append("retry budget: \(retryBudget.percent) % of the requests under way, at least \(least)")
        }
        return lines
    }
}

extension EndpointBalancing {
    fileprivate var words: String {
        switch self {
        case .roundRobin: "round robin"
        case .leastRequest: "of two endpoints by chance, the one with fewer requests under way"
        case .random, .passthrough: "by chance"
        case .consistentHash(let hash): "consistent hash by \(hash.words)"
        }
    }
}

extension ConsistentHash {
    fileprivate var words: String {
        switch key {
        case .header(let name): "header \(name.text)"
        case .cookie(let cookie): "cookie \(cookie.name.text)"
        case .sourceAddress: "the caller's address"
        case .queryParameter(let name): "query parameter \(name)"
        }
    }
}

extension LocalityPreference {
    fileprivate var words: String {
        switch self {
        case .off: return "all endpoints alike"
        case .failover(let regions):
            let further = regions.sorted { $0.key < $1.key }.map { "from \($0.key) to \($0.value)" }
            return (["near endpoints first"] + further).joined(separator: ", ")
        case .scopes(let scopes): return "first those with the same \(scopes.map(\.rawValue).joined(separator: ", "))"
        case .distribute(let shares):
            return shares.map { share in
                let to = share.to.sorted { $0.key < $1.key }.map { "\($0.value) % to \($0.key)" }
                return "from \(share.from) \(to.joined(separator: ", "))"
            }.joined(separator: "; ")
        }
    }
}

extension ConnectionLimits {
    fileprivate var words: [String] {
        let counts = [
            ("connections", connectionsMax), ("waiting requests", pendingMax), ("requests", requestsMax),
            ("retries", retriesMax), ("requests for each connection", requestsPerConnectionMax),
        ]
        let times = [
            ("connect within", connectTimeout), ("kept idle for", idleTimeout),
            ("bytes idle for", streamIdleTimeout), ("connections live for", connectionDurationMax),
        ]
        return counts.compactMap { name, count in count.map { "at most \($0) \(name)" } }
            + times.compactMap { name, time in time.map { "\(name) \($0)" } }
    }
}

extension OutlierDetection {
    fileprivate var words: String {
        var causes: [String] = []
        if consecutiveServerErrors > 0 { causes.append("\(consecutiveServerErrors) answers of 500 and above") }
        if consecutiveGatewayErrors > 0 { causes.append("\(consecutiveGatewayErrors) of 502, 503 or 504") }
        if splitsLocalFailures { causes.append("\(consecutiveLocalFailures) failures without an answer") }
        return "after \(causes.joined(separator: ", or ")) in a row an endpoint is left out for "
            + "\(baseEjectionTime), at most \(ejectedPercentMax) % of them"
    }
}

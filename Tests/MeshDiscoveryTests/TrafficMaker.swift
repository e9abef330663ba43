import MeshModel
import SeededTesting

/// Makes rules of traffic that use everything they can hold.
struct TrafficMaker {
    var generator: SeededGenerator

    private mutating func number(_ range: ClosedRange<UInt32>) -> UInt32 { .random(in: range, using: &generator) }

    private mutating func time() -> Duration {
        .nanoseconds(Int64.random(in: 50_000_000...90_000_000_000, using: &generator))
    }

    private mutating func perhaps<Value>(_ make: (inout TrafficMaker) throws -> Value) rethrows -> Value? {
        Bool.random(using: &generator) ? try make(&self) : nil
    }

    mutating func rules() throws -> TrafficRules {
        let namespace = perhaps { "n\($0.number(0...3))" }
        var rules = TrafficRules(
            service: ServiceKey(namespace: "ns", hostname: "h\(number(0...3))"), proxyNamespace: namespace)
        rules.policy = try policy()
        for _ in 0..<number(0...2) { rules.ports[UInt16(number(1...65_535))] = try policy() }
        rules.limits = try limits()
        for _ in 0..<number(0...2) { rules.quarantined.insert("cluster//Pod/ns/p\(number(0...9))") }
        return rules
    }

    private mutating func policy() throws -> TrafficPolicy {
        var policy = TrafficPolicy()
        policy.balancing = try balancing()
        policy.locality = perhaps { maker in
            switch maker.number(0...3) {
            case 0: .off
            case 1: .failover(regions: ["a": "b\(maker.number(0...9))", "c": "d"])
            case 2: .scopes([.region, .zone])
            default: .distribute([LocalityShare(from: "a/*", to: ["a/b": 30, "c": 70])])
            }
        }
        policy.warmUp = perhaps {
            WarmUp(duration: $0.time(), minimumPercent: $0.number(0...100), aggression: Double($0.number(1...9)))
        }
        policy.connections = connections()
        policy.outliers = perhaps { maker in
            var outliers = OutlierDetection()
            outliers.consecutiveServerErrors = maker.number(0...9)
            outliers.consecutiveGatewayErrors = maker.number(0...9)
            outliers.splitsLocalFailures = maker.number(0...1) == 0
            outliers.consecutiveLocalFailures = maker.number(0...9)
            outliers.interval = maker.time()
            outliers.baseEjectionTime = maker.time()
            outliers.ejectedPercentMax = maker.number(0...100)
            outliers.healthyPercentMin = maker.number(0...100)
            return outliers
        }
        policy.retryBudget = perhaps {
            RetryBudgetSettings(percent: UInt8($0.number(0...100)), minimumConcurrency: Int($0.number(0...9)))
        }
        policy.refusal = perhaps { _ in "why" }
        policy.tls = perhaps { $0.tls() }
        return policy
    }

    private mutating func tls() -> OriginTLS {
        var tls = OriginTLS()
        tls.serverName = perhaps { "h\($0.number(0...9)).example.com" }
        for _ in 0..<number(0...2) { tls.names.append("n\(number(0...9)).example.com") }
        tls.roots = [.system, .file("/roots.pem"), .text("PEM")][Int(number(0...2))]
        tls.client = perhaps { _ in OriginTLS.ClientFiles(certificate: "/c.pem", privateKey: "/k.pem") }
        tls.isUnverified = number(0...1) == 0
        return tls
    }

    private mutating func balancing() throws -> EndpointBalancing {
        let table: ConsistentHash.Table =
            number(0...1) == 0 ? .ring(minimumSize: number(1...5000)) : .maglev(size: 1009)
        switch number(0...7) {
        case 0: return .roundRobin
        case 1: return .leastRequest
        case 2: return .random
        case 3: return .passthrough
        case 4: return .consistentHash(ConsistentHash(key: .header(try HeaderName("x-user")), table: table))
        case 5:
            let path = try perhaps { _ in try RoutePath("/a") }
            let cookie = HashCookie(name: try HTTPToken("c"), path: path, lifetime: perhaps { $0.time() })
            return .consistentHash(ConsistentHash(key: .cookie(cookie), table: table))
        case 6: return .consistentHash(ConsistentHash(key: .sourceAddress, table: table))
        default: return .consistentHash(ConsistentHash(key: .queryParameter("q"), table: table))
        }
    }

    private mutating func connections() -> ConnectionLimits {
        var limits = ConnectionLimits()
        limits.connectionsMax = perhaps { $0.number(0...9) }
        limits.pendingMax = perhaps { $0.number(0...9) }
        limits.requestsMax = perhaps { $0.number(0...9) }
        limits.retriesMax = perhaps { $0.number(0...9) }
        limits.requestsPerConnectionMax = perhaps { $0.number(0...9) }
        limits.connectTimeout = perhaps { $0.time() }
        limits.idleTimeout = perhaps { $0.time() }
        limits.streamIdleTimeout = perhaps { $0.time() }
        limits.connectionDurationMax = perhaps { $0.time() }
        limits.keepAlive = perhaps { maker in
            let seconds = Duration.seconds(Int(maker.number(1...900)))
            return TCPKeepAlive(
                probes: maker.perhaps { $0.number(1...9) }, time: maker.perhaps { _ in seconds },
                interval: maker.perhaps { _ in seconds })
        }
        return limits
    }

    private mutating func share() -> RequestShare? { RequestShare(partsPerMillion: number(0...1_000_000)) }

    private mutating func limits() throws -> TrafficGuard {
        var limits = TrafficGuard()
        for _ in 0..<number(0...2) {
            let key: RateLimit.Key =
                switch number(0...2) {
                case 0: .all
                case 1: .identity
                default: .header(try HeaderName("x-key"))
                }
            limits.rateLimits.append(
                RateLimit(key: key, tokensMax: number(1...9), tokensPerFill: number(1...9), fillInterval: time()))
        }
        let delay = share().flatMap { share in perhaps { FaultInjection.Delay(duration: $0.time(), share: share) } }
        let abort = share().flatMap { share in
            perhaps { maker in
                let isHTTP = maker.number(0...1) == 0
                return FaultInjection.Abort(
                    answer: isHTTP ? .http(status: UInt16(maker.number(200...599))) : .grpc(status: 14), share: share)
            }
        }
        if delay != nil || abort != nil { limits.fault = FaultInjection(delay: delay, abort: abort) }
        limits.concurrency = perhaps { maker in
            var settings = AdaptiveConcurrencySettings()
            settings.limitMax = maker.number(3...900)
            settings.quietInterval = maker.time() + .seconds(1)
            settings.quietRequests = maker.number(1...90)
            settings.updateInterval = maker.time()
            settings.percentile = maker.number(0...100)
            return settings
        }
        limits.hedging = perhaps { maker in
            var policy = HedgingPolicy(delay: maker.time())
            policy.attemptsMax = maker.number(2...5)
            if maker.number(0...1) == 0 { policy.methods = [.put, .post] }
            return policy
        }
        limits.globalRateLimit = try perhaps { try $0.globalRateLimit() }
        for _ in 0..<number(0...2) {
            limits.quarantineCallers.insert(Identity(namespace: "n", serviceAccount: "s\(number(0...9))"))
        }
        return limits
    }

    private mutating func globalRateLimit() throws -> GlobalRateLimit {
        var limit = GlobalRateLimit()
        limit.target = perhaps {
            RouteTarget(service: ServiceKey(namespace: "ns", hostname: "limiter"), port: UInt16($0.number(1...65_535)))
        }
        limit.domain = "d\(number(0...9))"
        limit.timeout = time()
        limit.failsOpen = number(0...1) == 0
        limit.statusOnError = UInt16(number(200...599))
        let sources: [RateLimitAction.Source] = [
            .fixed("f"), .identity, .namespace, .serviceAccount, .address, .network(v4Bits: 24, v6Bits: 64),
            .header(try HeaderName("x-user")), .queryParameter("q"), .path, .method, .service,
        ]
        for _ in 0..<number(1...3) {
            var actions = [RateLimitAction(.identity)]
            for source in sources where number(0...3) == 0 {
                actions.append(RateLimitAction(source, key: perhaps { "k\($0.number(0...9))" }, mayBeAbsent: true))
            }
            limit.descriptors.append(Array(actions.prefix(TrafficLimits.descriptorsMax)))
        }
        return limit
    }
}

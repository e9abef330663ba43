package import MeshModel
package import MeshWire

import SwiftProtobuf

/// Rules of traffic as they go over the wire.
extension WireCodec {
    /// The rules of one service with whom they are for.
    package static func message(_ rules: TrafficRules) -> Apus_Waypoint_V1_TrafficRules {
        .with {
            $0.namespace = rules.service.namespace
            $0.hostname = rules.service.hostname
            $0.proxyNamespace = rules.proxyNamespace ?? ""
            $0.policy = message(rules.policy)
            $0.ports = rules.ports.sorted { $0.key < $1.key }.map { port, policy in
                .with {
                    $0.port = UInt32(port)
                    $0.policy = message(policy)
                }
            }
            if rules.limits != TrafficGuard() { $0.limits = message(rules.limits) }
            $0.quarantined = rules.quarantined.sorted()
        }
    }

    private static func message(_ policy: TrafficPolicy) -> Apus_Waypoint_V1_TrafficPolicy {
        .with {
            switch policy.balancing {
            case .consistentHash(let hash): $0.hash = message(hash)
            case .roundRobin, .leastRequest, .random, .passthrough: $0.balancing = word(policy.balancing)
            }
            if let locality = policy.locality { $0.locality = message(locality) }
            if let warmUp = policy.warmUp {
                $0.warmUp = .with {
                    $0.duration = nanoseconds(warmUp.duration)
                    $0.minimumPercent = warmUp.minimumPercent
                    $0.aggression = warmUp.aggression
                }
            }
            if policy.connections != ConnectionLimits() { $0.connections = message(policy.connections) }
            if let outliers = policy.outliers { $0.outliers = message(outliers) }
            if let budget = policy.retryBudget {
                $0.retryBudget = .with {
                    $0.percent = UInt32(budget.percent)
                    $0.minimumConcurrency = UInt32(clamping: budget.minimumConcurrency)
                }
            }
            if let tls = policy.tls { $0.tls = message(tls) }
            if let refusal = policy.refusal { $0.refusal = refusal }
        }
    }

    private static func word(_ balancing: EndpointBalancing) -> String {
        switch balancing {
        case .roundRobin: "roundRobin"
        case .leastRequest: "leastRequest"
        case .random: "random"
        case .passthrough: "passthrough"
        case .consistentHash: ""
        }
    }

    private static func message(_ hash: ConsistentHash) -> Apus_Waypoint_V1_TrafficHash {
        .with {
            switch hash.key {
            case .header(let name): $0.header = name.text
            case .cookie(let cookie):
                $0.cookie = .with {
                    $0.name = cookie.name.text
                    if let path = cookie.path { $0.path = path.text }
                    if let lifetime = cookie.lifetime { $0.lifetime = nanoseconds(lifetime) }
                }
            case .sourceAddress: $0.sourceAddress = true
            case .queryParameter(let name): $0.queryParameter = name
            }
            switch hash.table {
            case .ring(let size): $0.ringSizeMin = size
            case .maglev(let size): $0.maglevSize = size
            }
        }
    }

    private static func message(_ locality: LocalityPreference) -> Apus_Waypoint_V1_TrafficLocality {
        .with {
            switch locality {
            case .off: $0.off = true
            case .failover(let regions): $0.failover = .with { $0.regions = regions }
            case .scopes(let scopes): $0.scopes = .with { $0.scopes = scopes.map(\.rawValue) }
            case .distribute(let shares):
                $0.distribution = .with {
                    $0.shares = shares.map { share in
                        .with {
                            $0.from = share.from
                            $0.to = share.to
                        }
                    }
                }
            }
        }
    }

    private static func message(_ limits: ConnectionLimits) -> Apus_Waypoint_V1_TrafficConnections {
        .with {
            if let value = limits.connectionsMax { $0.connectionsMax = value }
            if let value = limits.pendingMax { $0.pendingMax = value }
            if let value = limits.requestsMax { $0.requestsMax = value }
            if let value = limits.retriesMax { $0.retriesMax = value }
            if let value = limits.requestsPerConnectionMax { $0.requestsPerConnectionMax = value }
            if let value = limits.connectTimeout { $0.connectTimeout = nanoseconds(value) }
            if let value = limits.idleTimeout { $0.idleTimeout = nanoseconds(value) }
            if let value = limits.streamIdleTimeout { $0.streamIdleTimeout = nanoseconds(value) }
            if let value = limits.connectionDurationMax { $0.connectionDurationMax = nanoseconds(value) }
            if let keepAlive = limits.keepAlive {
                $0.keepAlive = .with {
                    if let probes = keepAlive.probes { $0.probes = probes }
                    if let time = keepAlive.time { $0.time = nanoseconds(time) }
                    if let interval = keepAlive.interval { $0.interval = nanoseconds(interval) }
                }
            }
        }
    }

    private static func message(_ outliers: OutlierDetection) -> Apus_Waypoint_V1_TrafficOutliers {
        .with {
            $0.consecutiveServerErrors = outliers.consecutiveServerErrors
            $0.consecutiveGatewayErrors = outliers.consecutiveGatewayErrors
            $0.splitsLocalFailures = outliers.splitsLocalFailures
            $0.consecutiveLocalFailures = outliers.consecutiveLocalFailures
            $0.interval = nanoseconds(outliers.interval)
            $0.baseEjectionTime = nanoseconds(outliers.baseEjectionTime)
            $0.ejectedPercentMax = outliers.ejectedPercentMax
            $0.healthyPercentMin = outliers.healthyPercentMin
        }
    }

    private static func message(_ limits: TrafficGuard) -> Apus_Waypoint_V1_TrafficGuard {
        .with {
            $0.rateLimits = limits.rateLimits.map(message)
            if let limit = limits.globalRateLimit { $0.globalRateLimit = message(limit) }
            if let hedging = limits.hedging {
                $0.hedging = .with {
                    $0.delay = nanoseconds(hedging.delay)
                    $0.attemptsMax = hedging.attemptsMax
                    $0.methods = hedging.methods.map(\.rawValue).sorted()
                }
            }
            if let delay = limits.fault?.delay {
                $0.delay = .with {
                    $0.duration = nanoseconds(delay.duration)
                    $0.partsPerMillion = delay.share.partsPerMillion
                }
            }
            if let abort = limits.fault?.abort {
                $0.abort = .with {
                    switch abort.answer {
                    case .http(let status): $0.httpStatus = UInt32(status)
                    case .grpc(let status): $0.grpcStatus = UInt32(status)
                    }
                    $0.partsPerMillion = abort.share.partsPerMillion
                }
            }
            if let concurrency = limits.concurrency {
                $0.concurrency = .with {
                    $0.limitMin = concurrency.limitMin
                    $0.limitMax = concurrency.limitMax
                    $0.quietInterval = nanoseconds(concurrency.quietInterval)
                    $0.quietRequests = concurrency.quietRequests
                    $0.updateInterval = nanoseconds(concurrency.updateInterval)
                    $0.percentile = concurrency.percentile
                    $0.bufferPercent = concurrency.bufferPercent
                    $0.jitterPercent = concurrency.jitterPercent
                }
            }
            $0.quarantineCallers = limits.quarantineCallers.map(\.description).sorted()
        }
    }

    private static func message(_ limit: RateLimit) -> Apus_Waypoint_V1_TrafficRateLimit {
        .with {
            switch limit.key {
            case .all: $0.all = true
            case .identity: $0.identity = true
            case .header(let name): $0.header = name.text
            }
            $0.tokensMax = limit.tokensMax
            $0.tokensPerFill = limit.tokensPerFill
            $0.fillInterval = nanoseconds(limit.fillInterval)
        }
    }
}

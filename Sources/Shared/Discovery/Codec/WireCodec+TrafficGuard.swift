import MeshModel
import MeshWire
import SwiftProtobuf

/// Limits and faults from the wire.
extension WireCodec {
    static func limits(_ message: Apus_Waypoint_V1_TrafficGuard) throws(WireRejection) -> TrafficGuard {
        try known(message)
        var limits = TrafficGuard()
        for limit in message.rateLimits { limits.rateLimits.append(try self.limit(limit)) }
        let delay = message.hasDelay ? try self.delay(message.delay) : nil
        let abort = message.hasAbort ? try self.abort(message.abort) : nil
        if delay != nil || abort != nil { limits.fault = FaultInjection(delay: delay, abort: abort) }
        if message.hasGlobalRateLimit { limits.globalRateLimit = try globalRateLimit(message.globalRateLimit) }
        if message.hasHedging { limits.hedging = try hedging(message.hedging) }
        if message.hasConcurrency { limits.concurrency = try concurrency(message.concurrency) }
        for text in message.quarantineCallers {
            guard let identity = Identity(text) else { throw .unknownText(field: "quarantine_callers", text: text) }
            limits.quarantineCallers.insert(identity)
        }
        do throws(TrafficValueError) {
            try limits.check()
        } catch {
            throw .trafficValue(error)
        }
        return limits
    }

    private static func limit(_ message: Apus_Waypoint_V1_TrafficRateLimit) throws(WireRejection) -> RateLimit {
        try known(message)
        let key: RateLimit.Key
        switch message.key {
        case .all: key = .all
        case .identity: key = .identity
        case .header(let name): key = .header(try headerName(name))
        case nil: throw .missing(field: "rate_limits.key")
        }
        return RateLimit(
            key: key, tokensMax: message.tokensMax, tokensPerFill: message.tokensPerFill,
            fillInterval: .nanoseconds(message.fillInterval))
    }

    private static func share(_ parts: UInt32) throws(WireRejection) -> RequestShare {
        guard let share = RequestShare(partsPerMillion: parts) else {
            throw .trafficValue(.range(field: "parts_per_million", expected: "0 to \(RequestShare.whole)"))
        }
        return share
    }

    private static func delay(_ message: Apus_Waypoint_V1_TrafficDelay) throws(WireRejection) -> FaultInjection.Delay {
        try known(message)
        return FaultInjection.Delay(
            duration: .nanoseconds(message.duration), share: try share(message.partsPerMillion))
    }

    private static func abort(_ message: Apus_Waypoint_V1_TrafficAbort) throws(WireRejection) -> FaultInjection.Abort {
        try known(message)
        let answer: FaultInjection.Abort.Answer
        switch message.answer {
        case .httpStatus(let status): answer = .http(status: UInt16(clamping: status))
        case .grpcStatus(let status): answer = .grpc(status: UInt8(clamping: status))
        case nil: throw .missing(field: "abort.answer")
        }
        return FaultInjection.Abort(answer: answer, share: try share(message.partsPerMillion))
    }

    private static func hedging(_ message: Apus_Waypoint_V1_TrafficHedging) throws(WireRejection) -> HedgingPolicy {
        try known(message)
        var policy = HedgingPolicy(delay: .nanoseconds(message.delay))
        policy.attemptsMax = message.attemptsMax
        policy.methods = []
        for text in message.methods { policy.methods.insert(try value("hedging.methods", text, HTTPMethod.self)) }
        return policy
    }

    private static func concurrency(
        _ message: Apus_Waypoint_V1_TrafficConcurrency
    ) throws(WireRejection) -> AdaptiveConcurrencySettings {
        try known(message)
        var settings = AdaptiveConcurrencySettings()
        settings.limitMin = message.limitMin
        settings.limitMax = message.limitMax
        settings.quietInterval = .nanoseconds(message.quietInterval)
        settings.quietRequests = message.quietRequests
        settings.updateInterval = .nanoseconds(message.updateInterval)
        settings.percentile = message.percentile
        settings.bufferPercent = message.bufferPercent
        settings.jitterPercent = message.jitterPercent
        return settings
    }
}

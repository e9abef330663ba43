internal import MeshDiscovery
internal import MeshModel
internal import NIOCore
internal import WaypointResilience
internal import WaypointRoute

/// What a request holds of the limits before the service that it calls.
struct ShieldPlace {
    let shield: LoopShield
    var since: Duration
}

/// What stands before the called service: rate limits of our own, then the global one, adaptive concurrency, faults.
/// Policy has let the request in, and no route has acted yet.
extension Exchange {
    /// The completion is called once the request may go on.
    func passLimits(_ completion: @escaping () -> Void) {
        switch call.guardian {
        case .none: completion()
        case .refused: reply(.trafficRefused)
        case .shield(let shield): pass(shield, completion)
        }
    }

    private func pass(_ shield: LoopShield, _ completion: @escaping () -> Void) {
        hedgingPolicy = shield.limits.hedging
        let headers = message.head.headers
        let facts = ServiceShield.Facts(identity: call.caller.identity) { headers[$0.text] }
        let admission = shield.state.admit(facts, now: .sinceStart)
        rateStanding = admission.standing
        guard admission.isLetIn else { return reply(.rateLimited) }
        guard let limit = shield.limits.globalRateLimit else { return enter(shield, completion) }
        ask(limit) { self.enter(shield, completion) }
    }

    /// Takes a place among the requests under way.
    private func enter(_ shield: LoopShield, _ completion: @escaping () -> Void) {
        guard shield.state.enter() else { return reply(.concurrencyReached) }
        shielded = ShieldPlace(shield: shield, since: .sinceStart)
        inject(shield.state.fault(using: &loop.generator), completion)
    }

    /// What fails on purpose fails after its delay.
    private func inject(_ fault: FaultDecision, _ completion: @escaping () -> Void) {
        guard let delay = fault.delay else { return abort(fault.abort, completion) }
        log.delayed()
        timer = schedule(in: delay) {
            guard self.phase == .judged else { return }
            self.timer = nil
            // Our own delay is none of the service's latency.
            self.shielded?.since = .sinceStart
            self.abort(fault.abort, completion)
        }
    }

    private func abort(_ answer: FaultInjection.Abort.Answer?, _ completion: () -> Void) {
        guard let answer else { return completion() }
        reply(.fault(answer, isGRPC: message.head.isGRPC))
    }

    /// Gives back what was taken.
    /// - Parameter isSample: the time it took says something of the service.
    func leaveLimits(isSample: Bool) {
        guard let place = shielded else { return }
        shielded = nil
        place.shield.state.ended(
            started: place.since, now: .sinceStart, isSample: isSample, using: &loop.generator)
    }
}

extension RateStanding {
    /// Tells a client how it stands. Names and meanings as of Envoy's rate limit filters, after the third draft of
    /// draft-ietf-httpapi-ratelimit-headers.
    func write(to headers: inout HeaderList) {
        headers.replace(name: "x-ratelimit-limit".utf8, value: "\(limit)".utf8)
        headers.replace(name: "x-ratelimit-remaining".utf8, value: "\(remaining)".utf8)
        let (seconds, rest) = refill.components
        headers.replace(name: "x-ratelimit-reset".utf8, value: "\(seconds + (rest > 0 ? 1 : 0))".utf8)
    }
}

extension LocalReply {
    /// There are rules that this waypoint does not understand: they might have refused the request.
    static let trafficRefused = LocalReply(
        status: 503, body: "rules of traffic were not understood", flag: "NC", details: "traffic_rules_refused")

    /// Status, text and details as of Envoy's local rate limit filter.
    static let rateLimited = LocalReply(
        status: 429, body: "local_rate_limited", flag: "RL", details: "local_rate_limited")

    /// Text and details as of Envoy's adaptive concurrency filter.
    static let concurrencyReached = LocalReply(
        status: 503, body: "reached concurrency limit", flag: "UO", details: "reached_concurrency_limit")

    /// A circuit breaker is open. Text and field as Envoy's.
    static var overflow: LocalReply {
        var reply = LocalReply.disconnected(
            "overflow", flag: "UO", details: "upstream_reset_before_response_started{overflow}")
        reply.headers.append(name: "x-envoy-overloaded".utf8, value: "true".utf8)
        return reply
    }

    /// Text and details as of Envoy's fault filter.
    static func fault(_ answer: FaultInjection.Abort.Answer, isGRPC: Bool) -> LocalReply {
        var reply = LocalReply(status: 200, flag: "FI", details: "fault_filter_abort")
        switch answer {
        case .http(let status):
            reply.status = status
            reply.body = "fault filter abort"
        case .grpc(let status) where isGRPC:
            reply.headers.append(name: "content-type".utf8, value: "application/grpc".utf8)
            reply.headers.append(name: "grpc-status".utf8, value: "\(status)".utf8)
            reply.headers.append(name: "grpc-message".utf8, value: "fault filter abort".utf8)
        case .grpc(let status):
            reply.status = httpStatus(ofGRPC: status)
            reply.body = "fault filter abort"
        }
        return reply
    }

    /// The table of google.rpc.Code in the comments of its definition.
    private static func httpStatus(ofGRPC status: UInt8) -> UInt16 {
        switch status {
        case 0: 200
        case 1: 499
        case 3, 9, 11: 400
        case 4: 504
        case 5: 404
        case 6, 10: 409
        case 7: 403
        case 8: 429
        case 12: 501
        case 14: 503
        case 16: 401
        default: 500
        }
    }
}

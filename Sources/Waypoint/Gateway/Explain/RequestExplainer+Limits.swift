internal import MeshDiscovery
internal import MeshModel
internal import MeshPolicy
internal import WaypointAuthorizer
internal import WaypointResilience
internal import WaypointRoute

/// What stands before the called service, in the order in which a request comes to it. Tokens are taken of a copy, and
/// nobody is asked.
extension RequestExplainer {
    func passLimits(
        _ head: RequestHead, to target: CallTarget, from identity: Identity, at client: IPAddress,
        _ report: inout RequestReport
    ) throws(Stop) {
        guard let service = target.service else { return }
        switch guardian(service.key) {
        case .none: return
        case .refused: throw .reply(.trafficRefused, to: head)
        case .shield(let shield):
            var state = shield.state
            let headers = head.headers
            let facts = ServiceShield.Facts(identity: identity) { headers[$0.text] }
            var lines = state.limiters.map { $0.line(facts) }
            defer { report.traffic += lines.map { RequestReport.TrafficRule(.trafficGuard, "\(service.key)", $0) } }
            guard state.admit(facts, now: .sinceStart).isLetIn else { throw .reply(.rateLimited, to: head) }
            if let limit = shield.limits.globalRateLimit {
                let facts = RateLimitFacts(
                    head: head, identity: identity, remote: client, service: service.hostname)
                lines += limit.lines(facts)
                let canBeAsked = limit.target.map { world.service($0.service) != nil } ?? false
                if canBeAsked {
                    report.notes.append("the rate limit service is asked; taken to agree")
                } else if limit.failsOpen {
                    report.notes.append("there is no rate limit service to ask; let through")
                } else {
                    throw .reply(.rateLimitServiceFailed(status: limit.statusOnError), to: head)
                }
            }
            if let concurrency = state.concurrency {
                let range = shield.limits.concurrency.map { ", which moves from \($0.limitMin) to \($0.limitMax)" }
                let now = "\(concurrency.active) requests under way of \(concurrency.limit)"
                lines.append("adaptive concurrency: \(now)\(range ?? "")")
            }
            guard state.enter() else { throw .reply(.concurrencyReached, to: head) }
            if let hedging = shield.limits.hedging { lines.append(hedging.line(head.method)) }
            guard let fault = shield.limits.fault else { return }
            lines += fault.lines
            if let abort = fault.abort, abort.share.partsPerMillion == RequestShare.whole {
                throw .reply(.fault(abort.answer, isGRPC: head.isGRPC), to: head)
            }
        }
    }
}

extension RateLimiter {
    /// The limit, whom this request counts with, and what is left when it was let in.
    fileprivate func line(_ facts: ServiceShield.Facts) -> String {
        let key = ServiceShield.key(limit, facts)
        var copy = self
        let (isTaken, standing) = copy.take(key, now: .sinceStart)
        let bucket: String
        switch (limit.key, key) {
        case (.all, _): bucket = "for all requests"
        case (_, .identity(let identity)?): bucket = "for each identity, here \(identity)"
        case (.header(let name), .text(let value)?): bucket = "for each value of \(name.text), here \"\(value)\""
        case (.header(let name), _): bucket = "for each value of \(name.text), here those without one"
        case (.identity, _): bucket = "for each identity, here those without one"
        }
        let left = isTaken ? "\(standing.remaining) left after this one" : "none left"
        return "rate limit \(bucket): \(limit.tokensMax) requests, \(limit.tokensPerFill) more each "
            + "\(limit.fillInterval); \(left)"
    }
}

extension GlobalRateLimit {
    fileprivate func lines(_ facts: RateLimitFacts) -> [String] {
        let asked = target.map { "asks \($0) in domain \(domain)" } ?? "there is nobody to ask"
        let outcome = failsOpen ? "let through" : "\(statusOnError)"
        return ["global rate limit: \(asked); without an answer in \(timeout): \(outcome)"]
            + descriptors(of: facts).map { descriptor in
                "  counted by " + descriptor.entries.map { "\($0.key)=\($0.value)" }.joined(separator: ", ")
            }
    }
}

extension HedgingPolicy {
    fileprivate func line(_ method: RequestMethod) -> String {
        guard HedgeSchedule(self, for: method) != nil else { return "hedging: not for \(method.text)" }
        return "hedging: after \(delay) another endpoint is asked as well, \(attemptsMax) at most"
    }
}

extension FaultInjection {
    fileprivate var lines: [String] {
        var lines: [String] = []
        if let delay { lines.append("fault: \(delay.share.percent) % of requests are held for \(delay.duration)") }
        switch abort?.answer {
        case .http(let status)?: lines.append("fault: \(abort?.share.percent ?? 0) % of requests get \(status)")
        case .grpc(let status)?:
            lines.append("fault: \(abort?.share.percent ?? 0) % of requests get gRPC status \(status)")
        case nil: break
        }
        return lines
    }
}

extension RequestShare {
    fileprivate var percent: Double { Double(partsPerMillion) / 10_000 }
}

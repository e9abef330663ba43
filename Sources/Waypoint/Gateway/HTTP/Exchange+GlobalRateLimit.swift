internal import MeshModel
internal import WaypointAuthorizer
internal import WaypointRoute

/// The rate limit service of the called service.
extension Exchange {
    /// Asks it; the completion is called if the request may go on. Without an answer the request is refused, unless the
    /// limit is said to fail open.
    func ask(_ limit: GlobalRateLimit, _ completion: @escaping () -> Void) {
        let asking = ServiceQuestioning(on: loop)
        self.asking = asking
        asking.ask(limit, about: rateLimitFacts) { result in
            guard self.asking === asking else { return }
            self.asking = nil
            asking.end()
            do throws(ServiceFailure) {
                switch try result.get() {
                case .allowed(let changes, let standing):
                    self.learn(standing)
                    try self.change(by: changes)
                case .limited(let denial, let standing):
                    self.learn(standing)
                    return self.reply(.globallyLimited(denial))
                }
            } catch {
                let name = limit.target.map { " \($0)" } ?? ""
                let text = "rate limit service\(name) gave no answer: \(error)"
                guard limit.failsOpen else {
                    self.log.denied(text)
                    return self.reply(.rateLimitServiceFailed(status: limit.statusOnError))
                }
                self.log.noted("\(text); let through")
            }
            completion()
        }
    }

    private var rateLimitFacts: RateLimitFacts {
        RateLimitFacts(
            head: message.head, identity: call.caller.identity, remote: call.caller.client.ip,
            service: call.target.service?.hostname ?? "")
    }

    /// The caller is told of the limit with the fewest requests left.
    private func learn(_ standing: RateStanding?) {
        guard let standing, standing.remaining < rateStanding?.remaining ?? .max else { return }
        rateStanding = standing
    }
}

extension LocalReply {
    /// Flag and details as of Envoy's rate limit filter.
    fileprivate static func globallyLimited(_ denial: AuthorizerDenial) -> LocalReply {
        LocalReply(
            status: denial.status, body: denial.body, flag: "RL", details: "request_rate_limited",
            headers: denial.headers)
    }

    /// The rate limit service gave no answer. Flag and details as of Envoy's rate limit filter.
    static func rateLimitServiceFailed(status: UInt16) -> LocalReply {
        LocalReply(status: status, flag: "RLSE", details: "rate_limiter_error")
    }
}

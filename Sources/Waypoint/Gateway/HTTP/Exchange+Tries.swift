internal import MeshModel
internal import NIOCore
internal import WaypointHTTP
internal import WaypointResilience
internal import WaypointRoute

extension Exchange {
    func startTries(_ forwarding: Forwarding) {
        let deadline = forwarding.deadlines.request.map { NIODeadline.now() + TimeAmount($0) }
        let search = UpstreamSearch(for: call, to: forwarding.plan == nil ? nil : forwarding.target)
        let tries = Tries(schedule: RetrySchedule(forwarding.retry), search: search, deadline: deadline)
        let policy = search.cluster?.policy
        if let policy {
            let client = call.caller.client.ip
            let key = HashKey(policy, head: forwarding.head, client: client, using: &loop.generator)
            (search.key, tries.cookie) = (key.hash, key.cookie)
        }
        self.tries = tries
        loop.budgets.requestStarted(forwarding.target, policy?.retryBudget)
        startHedging(forwarding)
        find(mayReuse: !message.upgrades)
    }

    private func find(mayReuse: Bool) {
        guard let forwarding, let tries else { return }
        let search = tries.search
        tries.attempt += 1
        tries.number += 1
        let number = tries.number
        isHeard = false
        log.tried()
        startTryTimer()
        let lease = search.cluster.map { EndpointLease($0) }
        tries.lease = lease
        search.request(
            mayReuse: mayReuse, isHTTP2: forwarding.target.takesHTTP2(fromHTTP2Caller: caller.isHTTP2),
            pinned: forwarding.pinned, lease: lease
        ) { result in
            guard self.phase == .decided, self.tries?.number == number else {
                if case .success(let endpoint) = result { endpoint.abort() }
                return
            }
            switch result {
            case .success(let endpoint): self.found(endpoint, forwarding)
            case .failure(let failure): self.unreachable(failure)
            }
        }
    }

    private func unreachable(_ failure: ConnectionFailure) {
        guard failure.mayTryAnotherEndpoint else { return reply(.unreachable(failure)) }
        tryFailed(.connectFailed, .unreachable(failure))
    }

    private func found(_ found: EndpointSide, _ forwarding: Forwarding) {
        log.reached(found.hop)
        endpoint = found
        phase = .upstreamFound
        let head = headOfTry(forwarding)
        found.use(.exchange(self))
        found.write(head, framing: message.framing, upgrades: message.upgrades)
        // A head that cannot be written has failed already.
        guard phase == .upstreamFound else { return }
        for piece in body.pieces { found.write(piece) }
        body.release()
        if isRequestComplete {
            found.end(body.trailers)
            requestSent()
        }
        found.flush()
        found.read()
        caller.resume()
    }

    /// The limit of one try, from its beginning to the head of its answer.
    private func startTryTimer() {
        guard let limit = forwarding?.deadlines.attempt else { return }
        timer?.cancel()
        timer = schedule(in: limit) { self.tryFailed(.timedOut, .attemptTimedOut) }
    }

    /// Nothing more is sent; without a limit of the route, one of ours may hold from here on.
    func requestSent() {
        phase = max(phase, .sent)
        guard phase < .answered, timer == nil, let bound = loop.settings.responseTimeout else { return }
        timer = loop.eventLoop.assumeIsolated().scheduleTask(in: bound) { self.ranOut() }
    }

    /// The time for the whole request is over; whoever has it has been too slow.
    func ranOut() {
        if phase >= .upstreamFound, phase < .answered { tries?.lease?.outcome = .localFailure }
        endHedges(.localFailure)
        reply(.timedOut)
    }

    /// The endpoint went away, or spoke no HTTP.
    func endpointFailed(_ failure: EndpointFailure) {
        guard phase != .finished else { return }
        guard phase < .answered else {
            tries?.lease?.outcome = .localFailure
            return reply(failure.reply)
        }
        if case .lost = failure, mayRepeat {
            tries?.isRepeated = true
            log.endTry(.reset(requestSent: true))
            leaveTry()
            return find(mayReuse: false)
        }
        tryFailed(failure.outcome, failure.reply)
    }

    /// A kept connection was dead before anything was answered, and doing it twice is doing it once (RFC 9112 section
    /// 9.3.1). Where the route tries again after a reset, that is one of its tries and no other: nobody can tell a
    /// connection that was dead from one that the endpoint reset for this request.
    private var mayRepeat: Bool {
        guard let endpoint, let tries, !tries.schedule.policy.covers(.reset(requestSent: true)) else { return false }
        return endpoint.isReused && !isHeard && !tries.isRepeated && body.isWhole && message.head.method.isIdempotent
    }

    func tryFailed(_ outcome: AttemptOutcome, _ last: LocalReply) {
        guard phase != .finished else { return }
        guard phase < .answered else { return reply(last) }
        if waitsForHedges(after: outcome) { return }
        if triesAgain(after: outcome) { return }
        var last = last
        if let schedule = tries?.schedule, schedule.retries > 0, schedule.retries == schedule.policy.attempts {
            last.flag += ",URX"
        }
        reply(last)
    }

    /// Whether there is another try, under way now, or no time for one, which is answered.
    func triesAgain(after outcome: AttemptOutcome) -> Bool {
        guard let forwarding, let tries else { return false }
        tries.lease?.outcome = EndpointOutcome(outcome)
        if tries.holdsRetry {
            loop.budgets.retryEnded(forwarding.target)
            tries.holdsRetry = false
        }
        tries.retryLease?.end()
        tries.retryLease = nil
        // Nearly always.
        guard tries.schedule.policy.covers(outcome) else { return false }
        let remaining = tries.deadline.map { Duration.nanoseconds(max(0, ($0 - .now()).nanoseconds)) }
        let decision = loop.budgets.with(forwarding.target) { budget in
            tries.schedule.next(
                after: outcome, remaining: remaining, bodyIsKept: body.isWhole, budget: &budget,
                using: &loop.generator)
        }
        guard case .retry(let pause) = decision else {
            guard decision == .stop(.deadline) else { return false }
            log.endTry(outcome)
            // The answer that was to be had in time is none that the route takes, so the time is over (GEP-1742).
            reply(.timedOut)
            return true
        }
        tries.holdsRetry = true
        guard tries.takesRetry() else { return false }
        log.endTry(outcome)
        // Others of the service first.
        if let endpoint { tries.search.exclude(endpoint.hop) }
        leaveTry()
        let number = tries.number
        timer = schedule(in: pause) {
            guard self.phase == .decided, self.tries?.number == number else { return }
            self.timer = nil
            self.find(mayReuse: true)
        }
        return true
    }

    /// Back to before an endpoint was found.
    func leaveTry() {
        timer?.cancel()
        timer = nil
        // Another search that runs is no longer wanted.
        tries?.number += 1
        tries?.lease?.end()
        tries?.lease = nil
        phase = .decided
        let left = endpoint
        endpoint = nil
        left?.abort()
    }

    func endTries(_ tries: Tries) {
        tries.lease?.end()
        tries.retryLease?.end()
        guard let target = forwarding?.target else { return }
        if tries.holdsRetry { loop.budgets.retryEnded(target) }
        loop.budgets.requestEnded(target)
    }
}

internal import MeshModel
internal import NIOCore
internal import WaypointHTTP
internal import WaypointResilience
internal import WaypointRoute

/// The tries of a request beside its own.
struct Hedging {
    var schedule: HedgeSchedule
    /// In the order in which they began.
    var running: [HedgedTry] = []
    /// Until the next begins.
    var timer: Scheduled<Void>?
    /// The exchange's own try has failed: those that run are all there is.
    var isAlone = false
}

/// A late request goes to another endpoint as well. The first good head of an answer is taken, and the other tries are
/// given up; one that fails is passed over as long as another is under way, and the last one ends as any try does.
extension Exchange {
    /// A client that is bound to an endpoint stays there.
    func startHedging(_ forwarding: Forwarding) {
        guard let policy = hedgingPolicy, !message.upgrades, forwarding.plan?.pinned == nil,
            let schedule = HedgeSchedule(policy, for: message.head.method)
        else { return }
        hedging = Hedging(schedule: schedule)
        tries?.search.remembersChoice = true
        waitToHedge()
    }

    private func waitToHedge() {
        guard let delay = hedging?.schedule.delay else { return }
        hedging?.timer = schedule(in: delay) { self.hedge() }
    }

    private func hedge() {
        hedging?.timer = nil
        guard phase >= .decided, phase < .answered, let forwarding, let tries, var hedging else { return }
        let begins = loop.budgets.with(forwarding.target) { budget in
            hedging.schedule.begins(bodyIsKept: isRequestComplete && body.isWhole, budget: &budget)
        }
        guard begins else { return }
        let retryLease: EndpointLease?
        do throws(ConnectionFailure) {
            retryLease = try tries.leaseRetry()
        } catch {
            return loop.budgets.retryEnded(forwarding.target)
        }
        let search = tries.search.beside(hedging.running.map(\.search))
        let hedge = HedgedTry(self, forwarding, by: search, retryLease)
        hedging.running.append(hedge)
        self.hedging = hedging
        waitToHedge()
        hedge.start()
    }

    /// The head of the request as the latest try sends it.
    func headOfTry(_ forwarding: Forwarding) -> RequestHead {
        let attempt = tries?.attempt ?? 1
        guard attempt > 1 || log.isTraced else { return forwarding.head }
        var head = forwarding.head
        if attempt > 1 {
            head.headers.replace(name: "x-envoy-attempt-count".utf8, value: "\(attempt)".utf8)
        }
        log.tell(&head.headers)
        return head
    }

    /// A try beside others is counted as every other is.
    func send(_ hedge: HedgedTry, _ forwarding: Forwarding, to endpoint: EndpointSide) {
        tries?.attempt += 1
        log.hedged()
        endpoint.write(headOfTry(forwarding), framing: message.framing, upgrades: false)
        // A head that cannot be written has failed already.
        guard !hedge.isOver else { return }
        for piece in body.pieces { endpoint.write(piece) }
        endpoint.end(body.trailers)
        endpoint.flush()
        endpoint.read()
    }

    // MARK: - What becomes of them

    /// Whether the exchange's own try, which ended so, is passed over for those that run beside it.
    func waitsForHedges(after outcome: AttemptOutcome) -> Bool {
        guard let hedging, !hedging.running.isEmpty, !hedging.isAlone, !isGood(outcome) else { return false }
        self.hedging?.isAlone = true
        tries?.lease?.outcome = EndpointOutcome(outcome)
        log.endTry(outcome)
        if let endpoint { tries?.search.exclude(endpoint.hop) }
        leaveTry()
        if let bound = loop.settings.responseTimeout {
            timer = loop.eventLoop.assumeIsolated().scheduleTask(in: bound) { self.ranOut() }
        }
        return true
    }

    func hedge(_ hedge: HedgedTry, answered head: ResponseHead, framing: BodyFraming) {
        let outcome = AttemptOutcome.answered(status: head.status, grpcStatus: head.grpcStatus)
        let isLast = hedging?.isAlone == true && hedging?.running.count == 1
        guard isGood(outcome) || isLast else { return end(hedge, outcome) }
        adopt(hedge)
        answered(head, framing: framing)
    }

    func hedge(_ hedge: HedgedTry, failed outcome: AttemptOutcome, _ reply: LocalReply) {
        end(hedge, outcome)
        guard let hedging, hedging.isAlone, hedging.running.isEmpty else { return }
        self.hedging?.isAlone = false
        tryFailed(outcome, reply)
    }

    private func end(_ hedge: HedgedTry, _ outcome: AttemptOutcome) {
        hedging?.running.removeAll { $0 === hedge }
        hedge.end(EndpointOutcome(outcome))
    }

    /// Makes it the exchange's own try; the one before is given up.
    private func adopt(_ hedge: HedgedTry) {
        hedging?.running.removeAll { $0 === hedge }
        hedging?.isAlone = false
        leaveTry()
        guard let forwarding, let endpoint = hedge.handOver() else { return }
        if tries?.holdsRetry == true { loop.budgets.retryEnded(forwarding.target) }
        tries?.retryLease?.end()
        tries?.holdsRetry = true
        tries?.retryLease = hedge.retryLease
        tries?.lease = hedge.lease
        self.endpoint = endpoint
        phase = .sent
        log.reached(endpoint.hop)
        endpoint.pass(to: .exchange(self))
    }

    /// All others are over.
    /// - Parameter outcome: `nil`: another was faster, or nobody waits.
    func endHedges(_ outcome: EndpointOutcome? = nil) {
        guard let ended = hedging else { return }
        hedging = nil
        ended.timer?.cancel()
        for hedge in ended.running { hedge.end(outcome) }
    }

    /// No other try could bring a better answer.
    private func isGood(_ outcome: AttemptOutcome) -> Bool {
        EndpointOutcome(outcome) == .success && forwarding?.retry.covers(outcome) != true
    }
}

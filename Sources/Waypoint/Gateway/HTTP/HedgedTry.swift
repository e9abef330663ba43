internal import MeshModel
internal import NIOCore
internal import WaypointHTTP
internal import WaypointResilience
internal import WaypointRoute

/// A further try of a request beside others, until the head of its answer: then it is the exchange's own, or it is
/// over. It holds what it has taken until then.
final class HedgedTry {
    /// What it has under way, where rules of traffic count it.
    private(set) var lease: EndpointLease?
    /// A retry that a circuit breaker counts.
    private(set) var retryLease: EndpointLease?
    private let exchange: Exchange
    private let forwarding: Forwarding
    let search: UpstreamSearch
    private var endpoint: EndpointSide?
    private var timer: Scheduled<Void>?
    private(set) var isOver = false
    /// It came to nothing for a reason that is not the endpoint's.
    private var isBlameless = false

    /// - Parameter search: for endpoints at which no other try is.
    init(_ exchange: Exchange, _ forwarding: Forwarding, by search: UpstreamSearch, _ retryLease: EndpointLease?) {
        self.exchange = exchange
        self.forwarding = forwarding
        self.search = search
        self.retryLease = retryLease
        lease = search.cluster.map { EndpointLease($0) }
    }

    func start() {
        if let limit = forwarding.deadlines.attempt {
            timer = exchange.schedule(in: limit) { self.failed(.timedOut, .attemptTimedOut) }
        }
        let isHTTP2 = forwarding.target.takesHTTP2(fromHTTP2Caller: exchange.caller.isHTTP2)
        search.request(mayReuse: true, isHTTP2: isHTTP2, pinned: nil, lease: lease) { result in
            switch result {
            case .success(let endpoint):
                if self.isOver { endpoint.abort() } else { self.send(to: endpoint) }
            case .failure(let failure):
                self.isBlameless = !failure.mayTryAnotherEndpoint
                self.failed(.connectFailed, .unreachable(failure))
            }
        }
    }

    private func send(to endpoint: EndpointSide) {
        self.endpoint = endpoint
        endpoint.use(.hedge(self))
        exchange.send(self, forwarding, to: endpoint)
    }

    // MARK: - The endpoint

    func answered(_ head: ResponseHead, framing: BodyFraming) {
        guard !isOver, !head.isInterim else { return }
        exchange.hedge(self, answered: head, framing: framing)
    }

    func answerPaused() { endpoint?.read() }

    func failed(_ failure: EndpointFailure) { failed(failure.outcome, failure.reply) }

    private func failed(_ outcome: AttemptOutcome, _ reply: LocalReply) {
        guard !isOver else { return }
        exchange.hedge(self, failed: outcome, reply)
    }

    // MARK: - The exchange

    /// Nobody wants its answer, or there is none.
    /// - Parameter outcome: says something of the endpoint; `nil`: another was faster.
    func end(_ outcome: EndpointOutcome?) {
        guard !isOver else { return }
        isOver = true
        timer?.cancel()
        lease?.outcome = isBlameless ? nil : outcome
        lease?.end()
        retryLease?.end()
        exchange.loop.budgets.retryEnded(forwarding.target)
        let left = endpoint
        endpoint = nil
        left?.abort()
    }

    /// Its answer is the one: what it holds is the exchange's from now on, the retry of the budget as well.
    func handOver() -> EndpointSide? {
        isOver = true
        timer?.cancel()
        defer { endpoint = nil }
        return endpoint
    }
}

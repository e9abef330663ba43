internal import MeshDiscovery
internal import MeshModel
internal import NIOCore
internal import WaypointResilience

/// The endpoints of one service port with rules of traffic, on one loop: what is known of them, what is under way, and
/// who waits for a connection. What was taken of it is given back to it, whatever became of the rules meanwhile: its
/// leases hold it.
final class ServiceCluster {
    /// What a choice depends on beside the service.
    struct Question {
        /// Whom TLS has proven the caller to be.
        var caller: Identity?
        /// Of the consistent hash.
        var key: UInt64?
        /// Workloads that were tried.
        var excluded: Set<String> = []
        var now: Duration
    }

    private(set) var policy: TrafficPolicy
    private var state: UpstreamCluster
    private var quarantine = Quarantine()
    private var endpoints: [String: Endpoint] = [:]
    /// In the order they came; some have left.
    private var waiting = CircularBuffer<EndpointLease>()
    private var departed = 0

    init(_ policy: TrafficPolicy) {
        self.policy = policy
        state = UpstreamCluster(policy)
    }

    /// What a new world says.
    func learn(
        _ policy: TrafficPolicy, _ quarantine: Quarantine, _ endpoints: [Endpoint], hosts: [BalancedHost],
        now: Duration
    ) {
        let isChanged = policy != self.policy
        if isChanged {
            state = UpstreamCluster(policy, continuing: state)
            self.policy = policy
        }
        self.quarantine = quarantine
        self.endpoints = Dictionary(endpoints.map { ($0.workload.uid, $0) }) { first, _ in first }
        state.update(hosts, now: now)
        guard isChanged else { return }
        // The limits may be wider.
        for _ in 0..<waiting.count { wakeNext() }
    }

    // MARK: - Endpoints

    /// The endpoint of a request; `nil`: none may be chosen.
    func choose(_ question: Question, using generator: inout some RandomNumberGenerator) -> Endpoint? {
        choose(question, in: &state, using: &generator)
    }

    private func choose(
        _ question: Question, in state: inout UpstreamCluster, using generator: inout some RandomNumberGenerator
    ) -> Endpoint? {
        let host: BalancedHost?
        if quarantine.isEmpty, question.excluded.isEmpty {
            host = state.choose(key: question.key, now: question.now, using: &generator)
        } else {
            let isMeant = isMeant(question)
            host = state.choose(key: question.key, now: question.now, using: &generator) {
                quarantine.admits($0, isMeant: isMeant) && !question.excluded.contains($0)
            }
        }
        return host.flatMap { endpoints[$0.uid] }
    }

    /// The endpoint that is wanted, if a request may go to it: it is well, was not tried, and is not in quarantine.
    func find(_ question: Question, where isWanted: (_ uid: String) -> Bool) -> Endpoint? {
        let isMeant = isMeant(question)
        guard let found = endpoints.first(where: { isWanted($0.key) }),
            quarantine.admits(found.key, isMeant: isMeant), !question.excluded.contains(found.key),
            state.isHealthy(found.key, now: question.now)
        else { return nil }
        return found.value
    }

    /// What would come of a question, asked of a copy.
    func outlook(
        _ question: Question, atMost count: Int, using generator: inout some RandomNumberGenerator
    ) -> ClusterOutlook {
        var (copy, question) = (state, question)
        let isMeant = isMeant(question)
        var outlook = ClusterOutlook(isMeant: isMeant)
        while outlook.choices.count < count, let choice = choose(question, in: &copy, using: &generator) {
            outlook.choices.append(choice)
            question.excluded.insert(choice.workload.uid)
        }
        for (uid, endpoint) in endpoints.sorted(by: { $0.key < $1.key }) {
            if quarantine.workloads.contains(uid) {
                outlook.confined.append(endpoint)
            } else if !copy.isHealthy(uid, now: question.now) {
                outlook.ejected.append(endpoint)
            }
        }
        return outlook
    }

    private func isMeant(_ question: Question) -> Bool {
        quarantine.isMeant(question.caller) { endpoints[$0] != nil && !question.excluded.contains($0) }
    }

    // MARK: - For leases

    /// A request went to an endpoint.
    func started(_ uid: String) { state.started(uid) }

    /// A request to an endpoint is over.
    func ended(_ uid: String, outcome: EndpointOutcome?, now: Duration) {
        state.ended(uid, outcome: outcome, now: now)
    }

    /// Takes one of what the circuit breaker counts, if there is one left.
    func take(_ resource: CircuitBreaker.Resource) -> Bool { state.take(resource) }

    /// Gives it back.
    func release(_ resource: CircuitBreaker.Resource) {
        state.release(resource)
        if resource == .connections { wakeNext() }
    }

    /// How many are taken.
    func count(_ resource: CircuitBreaker.Resource) -> Int { state.breaker.count(resource) }

    // MARK: - Waiting for a connection

    /// - Parameter isFirst: it stood in front before.
    func wait(_ lease: EndpointLease, isFirst: Bool) {
        if isFirst { waiting.prepend(lease) } else { waiting.append(lease) }
    }

    /// One that waited is over.
    func left() {
        departed += 1
        // Those that left are passed over, and thrown out once they are the most.
        guard departed * 2 > waiting.count else { return }
        waiting.removeAll { !$0.isWaiting }
        departed = 0
    }

    /// A connection ended or rests: whoever waits longest tries again.
    func wakeNext() {
        while let lease = waiting.popFirst() {
            if lease.wake() { return }
            departed = max(0, departed - 1)
        }
    }
}

/// What a cluster would answer to a question now.
struct ClusterOutlook {
    /// The caller is sent to those in quarantine.
    let isMeant: Bool
    /// Endpoints that may be chosen, in the order in which tries would come to them.
    var choices: [Endpoint] = []
    /// Left out for their failures.
    var ejected: [Endpoint] = []
    var confined: [Endpoint] = []
}

package import MeshModel

/// All that one loop of a waypoint knows of the endpoints of one service port: who they are, what is under way to each,
/// who is out. One value for each port and policy; time and chance come in.
package struct UpstreamCluster: Sendable {
    package private(set) var breaker: CircuitBreaker
    package private(set) var outliers: OutlierTable?
    private var balancer: Balancer
    private var places: [String: Int] = [:]
    private var active: [Int] = []
    private var since: [Duration] = []
    private var isEjected: [Bool] = []
    /// Under way to endpoints that are gone from the list.
    private var departed: [String: Int] = [:]

    package init(_ policy: TrafficPolicy) {
        breaker = CircuitBreaker(policy.connections)
        outliers = policy.outliers.map { OutlierTable($0) }
        balancer = Balancer(policy)
    }

    /// Another policy for the same endpoints. What is under way stays counted; outliers are judged anew.
    package init(_ policy: TrafficPolicy, continuing old: UpstreamCluster) {
        breaker = CircuitBreaker(policy.connections, continuing: old.breaker)
        outliers = policy.outliers.map { OutlierTable($0) }
        balancer = Balancer(policy)
        departed = old.departed
        for (uid, place) in old.places where old.active[place] > 0 { departed[uid] = old.active[place] }
    }

    package var hosts: [BalancedHost] { balancer.hosts }

    /// Other endpoints. What is known of those that stay is kept; new ones begin to warm up, the first ones of all do
    /// not, since there is nobody to take their share.
    package mutating func update(_ hosts: [BalancedHost], now: Duration) {
        let isFirst = places.isEmpty
        let old = (places, active, since)
        balancer.update(hosts)
        places = Dictionary(balancer.hosts.enumerated().map { ($1.uid, $0) }) { first, _ in first }
        active = balancer.hosts.map { host in old.0[host.uid].map { old.1[$0] } ?? departed[host.uid] ?? 0 }
        since = balancer.hosts.map { host in
            old.0[host.uid].map { old.2[$0] } ?? (isFirst ? now - TrafficLimits.durationMax : now)
        }
        for (uid, place) in old.0 where places[uid] == nil && old.1[place] > 0 { departed[uid] = old.1[place] }
        for uid in places.keys { departed[uid] = nil }
        outliers?.keep(Set(places.keys))
        refreshEjections()
    }

    private mutating func refreshEjections() {
        isEjected = balancer.hosts.map { outliers?.isEjected($0.uid) ?? false }
    }

    /// The endpoint of a request; `nil` when there is none.
    /// - Parameter key: of the consistent hash.
    package mutating func choose(
        key: UInt64? = nil, now: Duration, using generator: inout some RandomNumberGenerator
    ) -> BalancedHost? {
        let question = question(key, now)
        return balancer.choose(question, using: &generator).map { balancer.hosts[$0] }
    }

    /// As above, where not every endpoint may be chosen.
    /// - Parameter admits: whether the endpoint may be: it was not tried before, it is not in quarantine.
    package mutating func choose(
        key: UInt64? = nil, now: Duration, using generator: inout some RandomNumberGenerator,
        admitting admits: (String) -> Bool
    ) -> BalancedHost? {
        var question = question(key, now)
        question.isExcluded = balancer.hosts.map { !admits($0.uid) }
        return balancer.choose(question, using: &generator).map { balancer.hosts[$0] }
    }

    private mutating func question(_ key: UInt64?, _ now: Duration) -> Balancer.Question {
        sweep(now: now)
        return Balancer.Question(key: key, now: now, active: active, since: since, isEjected: isEjected)
    }

    private mutating func sweep(now: Duration) {
        if outliers?.sweep(now: now) == true { refreshEjections() }
    }

    /// Whether an endpoint is there and not ejected.
    package mutating func isHealthy(_ uid: String, now: Duration) -> Bool {
        sweep(now: now)
        return places[uid].map { !isEjected[$0] } ?? false
    }

    /// A request went to an endpoint; ``ended(_:outcome:now:)`` follows.
    package mutating func started(_ uid: String) {
        if let place = places[uid] { active[place] += 1 } else { departed[uid, default: 0] += 1 }
    }

    /// A request to an endpoint is over. Answers whether the endpoint was ejected because of it.
    /// - Parameter outcome: `nil`: nothing that says anything of the endpoint, such as a client that left.
    @discardableResult
    package mutating func ended(_ uid: String, outcome: EndpointOutcome?, now: Duration) -> Bool {
        if let place = places[uid] {
            active[place] = max(0, active[place] - 1)
        } else if let count = departed[uid] {
            departed[uid] = count > 1 ? count - 1 : nil
        }
        guard let outcome, outliers?.record(outcome, of: uid, now: now) == true else { return false }
        refreshEjections()
        return true
    }

    /// Requests under way to an endpoint.
    package func active(_ uid: String) -> Int { places[uid].map { active[$0] } ?? departed[uid] ?? 0 }

    /// Takes one of what the circuit breaker counts, if there is one left.
    package mutating func take(_ resource: CircuitBreaker.Resource) -> Bool { breaker.take(resource) }

    /// Gives it back.
    package mutating func release(_ resource: CircuitBreaker.Resource) { breaker.release(resource) }
}

import MeshModel
import SeededTesting
import Testing

@testable import WaypointResilience

@Suite("Endpoints are chosen as the policy says")
struct BalancerTests {
    private static func hosts(_ count: Int, priority: Int = 0) -> [BalancedHost] {
        (0..<count).map { BalancedHost(uid: "h\(priority)-\($0)", priority: priority) }
    }

    private static func cluster(_ balancing: EndpointBalancing, _ hosts: [BalancedHost]) -> UpstreamCluster {
        var policy = TrafficPolicy()
        policy.balancing = balancing
        var cluster = UpstreamCluster(policy)
        cluster.update(hosts, now: .zero)
        return cluster
    }

    private static func counts(
        _ cluster: inout UpstreamCluster, _ requests: Int, seed: UInt64 = 1,
        admitting admits: (String) -> Bool = { _ in true }
    ) -> [String: Int] {
        var generator = SeededGenerator(seed: seed)
        var counts: [String: Int] = [:]
        for _ in 0..<requests {
            guard let host = cluster.choose(now: .zero, using: &generator, admitting: admits) else { continue }
            counts[host.uid, default: 0] += 1
        }
        return counts
    }

    @Test("round robin gives everybody exactly its share")
    func roundRobin() {
        var equal = Self.cluster(.roundRobin, Self.hosts(7))
        #expect(Self.counts(&equal, 700).values.allSatisfy { $0 == 100 })
        var weighted = Self.cluster(.roundRobin, [BalancedHost(uid: "a", weight: 3), BalancedHost(uid: "b")])
        #expect(Self.counts(&weighted, 400) == ["a": 300, "b": 100])
        // An odd one out does not shift its share to one neighbour.
        var less = Self.cluster(.roundRobin, Self.hosts(3))
        #expect(Self.counts(&less, 300) { $0 != "h0-1" } == ["h0-0": 150, "h0-2": 150])
    }

    @Test("chance spreads by weight", arguments: [EndpointBalancing.random, .leastRequest])
    func random(_ balancing: EndpointBalancing) {
        var cluster = Self.cluster(
            balancing, [BalancedHost(uid: "a", weight: 3), BalancedHost(uid: "b"), BalancedHost(uid: "c")])
        let counts = Self.counts(&cluster, 10_000)
        #expect(abs((counts["a"] ?? 0) - 6000) < 300)
        #expect(abs((counts["b"] ?? 0) - 2000) < 300)
    }

    @Test("of 1,000 requests a host that is ten times slower gets few by least request, and its share by chance")
    func leastRequest() {
        func slowShare(_ balancing: EndpointBalancing) -> Int {
            var cluster = Self.cluster(balancing, Self.hosts(10))
            var generator = SeededGenerator(seed: 7)
            var running: [(uid: String, end: Int)] = []
            var slow = 0
            for tick in 0..<1000 {
                for request in running where request.end <= tick {
                    cluster.ended(request.uid, outcome: .success, now: .zero)
                }
                running.removeAll { $0.end <= tick }
                guard let host = cluster.choose(now: .zero, using: &generator) else { continue }
                cluster.started(host.uid)
                if host.uid == "h0-0" { slow += 1 }
                running.append((host.uid, tick + (host.uid == "h0-0" ? 300 : 30)))
            }
            return slow
        }
        #expect(slowShare(.random) > 70)
        #expect(slowShare(.leastRequest) < 45)
    }

    @Test("who was tried is not chosen again, and nobody is when all were", arguments: [
        .roundRobin, .leastRequest, .random,
        .consistentHash(ConsistentHash(key: .sourceAddress)),
        .consistentHash(ConsistentHash(key: .sourceAddress, table: .maglev(size: 101))),
    ] as [EndpointBalancing])
    func exclusion(_ balancing: EndpointBalancing) {
        var cluster = Self.cluster(balancing, Self.hosts(5) + Self.hosts(2, priority: 1))
        var generator = SeededGenerator(seed: 3)
        var tried: Set<String> = []
        for _ in 0..<7 {
            let host = cluster.choose(key: 42, now: .zero, using: &generator) { !tried.contains($0) }
            #expect(host.map { tried.insert($0.uid).inserted } == true)
        }
        #expect(cluster.choose(key: 42, now: .zero, using: &generator) { !tried.contains($0) } == nil)
        #expect(Set(tried.filter { $0.hasPrefix("h1") }).count == 2)
    }

    @Test("a new endpoint warms up from its minimum to its share; the first of all have theirs at once")
    func warmUp() {
        var policy = TrafficPolicy()
        policy.balancing = .roundRobin
        policy.warmUp = WarmUp(duration: .seconds(100))
        var cluster = UpstreamCluster(policy)
        cluster.update([BalancedHost(uid: "old")], now: .seconds(10))
        cluster.update([BalancedHost(uid: "old"), BalancedHost(uid: "new")], now: .seconds(20))
        func share(at now: Duration) -> Int {
            var generator = SeededGenerator(seed: 1)
            return (0..<1100).count { _ in cluster.choose(now: now, using: &generator)?.uid == "new" }
        }
        #expect(abs(share(at: .seconds(20)) - 100) <= 2)
        #expect(abs(share(at: .seconds(70)) - 367) <= 2)
        #expect(abs(share(at: .seconds(120)) - 550) <= 2)
    }

    @Test("aggression speeds up the beginning", arguments: [(1.0, 0.25), (2.0, 0.5), (4.0, 0.7071), (1.5, 0.3969)])
    func aggression(_ aggression: Double, _ expected: Double) {
        let warmUp = WarmUp(duration: .seconds(100), minimumPercent: 0, aggression: aggression)
        #expect(abs(warmUp.factor(age: .seconds(25)) - expected) < 0.001)
    }
}

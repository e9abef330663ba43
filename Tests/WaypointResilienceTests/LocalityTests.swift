import MeshModel
import SeededTesting
import Testing

@testable import WaypointResilience

@Suite("Nearer endpoints come first")
struct LocalityTests {
    private static func workload(_ name: String, _ place: String, node: String = "", capacity: UInt32 = 1) -> Workload {
        var workload = Workload(uid: name, name: name, namespace: "ns")
        let parts = place.split(separator: "/").map(String.init) + ["", "", ""]
        workload.locality = Locality(region: parts[0], zone: parts[1], subzone: parts[2])
        workload.node = node
        workload.capacity = capacity
        return workload
    }

    private static let source = workload("waypoint", "r1/z1/s1", node: "n1")
    private static let all = [
        workload("subzone", "r1/z1/s1"), workload("zone", "r1/z1/s2"), workload("region", "r1/z2/s1"),
        workload("spare", "r2/z1/s1"), workload("far", "r3/z1/s1"),
    ]

    private static func priorities(_ policy: TrafficPolicy, _ service: LoadBalancing = LoadBalancing()) -> [Int] {
        LocalityPlan(source: source, policy: policy, service: service).hosts(all).map(\.priority)
    }

    @Test("failover needs outlier detection or the service's own wish")
    func failover() {
        var policy = TrafficPolicy()
        #expect(Self.priorities(policy) == [0, 0, 0, 0, 0])
        policy.locality = .failover(regions: ["r1": "r2"])
        #expect(Self.priorities(policy) == [0, 0, 0, 0, 0])
        policy.outliers = OutlierDetection()
        #expect(Self.priorities(policy) == [0, 1, 2, 3, 4])
        policy.locality = nil
        #expect(Self.priorities(policy) == [0, 1, 2, 3, 3])
        policy.locality = .off
        #expect(Self.priorities(policy) == [0, 0, 0, 0, 0])
        policy.locality = .scopes([.region, .zone])
        #expect(Self.priorities(policy) == [0, 0, 1, 2, 2])
    }

    @Test("without a rule the service's distribution decides")
    func service() {
        let close = LoadBalancing(routingPreferences: [.network, .region, .zone], mode: .failover)
        #expect(Self.priorities(TrafficPolicy(), close) == [0, 0, 1, 2, 2])
        let node = LoadBalancing(routingPreferences: [.node], mode: .strict)
        let plan = LocalityPlan(source: Self.source, policy: TrafficPolicy(), service: node)
        #expect(plan.hosts(Self.all + [Self.workload("here", "r9", node: "n1")]).map(\.uid) == ["here"])
    }

    @Test("a distribution gives localities their percentages, whatever endpoints they have")
    func distribute() {
        var policy = TrafficPolicy()
        policy.locality = .distribute([
            LocalityShare(from: "*", to: ["r3": 100]),
            LocalityShare(from: "r1/*", to: ["r1/z1/*": 80, "r1/*": 15, "r2": 5]),
        ])
        let plan = LocalityPlan(source: Self.source, policy: policy, service: LoadBalancing())
        let weights = Dictionary(plan.hosts(Self.all).map { ($0.uid, $0.weight) }) { first, _ in first }
        #expect(weights == ["subzone": 400_000, "zone": 400_000, "region": 150_000, "spare": 50_000])
    }

    @Test("a priority takes what it can with 40 % in reserve and leaves the rest", arguments: [
        ([(10, 10), (10, 10)], [100, 0]),
        ([(8, 10), (10, 10)], [100, 0]),
        ([(5, 10), (10, 10)], [70, 30]),
        ([(0, 10), (10, 10)], [0, 100]),
        ([(2, 10), (2, 10)], [50, 50]),
        ([(0, 10), (0, 10)], [100, 0]),
    ] as [([(Int, Int)], [Int])])
    func loads(_ levels: [(Int, Int)], _ expected: [Int]) {
        #expect(PriorityLoads(levels.map { (healthy: $0.0, total: $0.1) }, healthyPercentMin: 0).percents == expected)
    }

    @Test("loads are a hundred together, and below the minimum there is panic", arguments: 0..<300 as Range<UInt64>)
    func loadProperties(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let levels = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
            let total = Int.random(in: 1...20, using: &generator)
            return (healthy: Int.random(in: 0...total, using: &generator), total: total)
        }
        let loads = PriorityLoads(levels, healthyPercentMin: 50)
        #expect(loads.percents.reduce(0, +) == 100 && loads.percents.allSatisfy { $0 >= 0 })
        let isFull = levels.reduce(0) { $0 + min(100, 140 * $1.healthy / $1.total) } >= 100
        for (level, isInPanic) in zip(levels, loads.inPanic) {
            #expect(isInPanic == (!isFull && level.healthy * 2 < level.total))
        }
        #expect((0..<100).allSatisfy { loads.percents[loads.priority(ticket: $0)] > 0 })
    }
}

import MeshModel
import SeededTesting
import Testing

@testable import WaypointResilience

@Suite("Consistent hashing keeps keys where they are")
struct HashTests {
    private static func hosts(_ count: Int) -> [BalancedHost] { (0..<count).map { BalancedHost(uid: "host-\($0)") } }

    @Test("on a ring, only keys of the host that left move", arguments: [2, 5, 20])
    func ring(_ count: Int) throws {
        let hosts = Self.hosts(count)
        let before = HashRing(hosts, minimumSize: 1024)
        let after = HashRing(Array(hosts.dropLast()), minimumSize: 1024)
        #expect(before.count >= 1024)
        for number in 0..<5000 as Range<UInt64> {
            let key = StableHash.mix(number)
            let old = try #require(before.host(key) { _ in true })
            let new = try #require(after.host(key) { _ in true })
            if old != count - 1 { #expect(old == new) }
            // The same as when the host is only out for a while.
            #expect(before.host(key) { $0 != count - 1 } == new)
        }
    }

    @Test("on a ring, everybody has about its share")
    func ringShares() throws {
        let ring = HashRing(Self.hosts(9) + [BalancedHost(uid: "heavy", weight: 3)], minimumSize: 4096)
        var counts = [Int](repeating: 0, count: 10)
        for number in 0..<24_000 as Range<UInt64> {
            counts[try #require(ring.host(StableHash.mix(number &+ 99)) { _ in true })] += 1
        }
        #expect(counts.dropLast().allSatisfy { (1400...2700).contains($0) }, "\(counts)")
        #expect((5000...7200).contains(counts[9]), "\(counts)")
    }

    @Test("a Maglev table is even, and a host that leaves moves few places of others", arguments: [3, 10, 50])
    func maglev(_ count: Int) {
        let hosts = Self.hosts(count)
        let before = MaglevTable(hosts, size: 65_537).places
        let shares = (0..<count).map { host in before.count { $0 == host } }
        #expect((shares.max() ?? 0) - (shares.min() ?? 0) <= 1)
        let after = MaglevTable(Array(hosts.dropLast()), size: 65_537).places
        let others = zip(before, after).filter { $0.0 != count - 1 }
        let moved = others.count { $0.0 != $0.1 }
        // Far below what spreading keys anew by their remainder would move, which is nearly all.
        #expect(moved * 100 < others.count, "\(moved) of \(others.count)")
    }

    @Test("weights are shares of a Maglev table, and every place is filled")
    func maglevWeights() {
        let table = MaglevTable([BalancedHost(uid: "a", weight: 3), BalancedHost(uid: "b")], size: 1009).places
        #expect(!table.contains(-1))
        #expect(abs(table.count { $0 == 0 } - 757) <= 1)
    }

    @Test("equal keys come to the same host, also from another waypoint that heard of the hosts in another order",
        arguments: [ConsistentHash.Table.ring(minimumSize: 1024), .maglev(size: 65_537)])
    func stable(_ table: ConsistentHash.Table) {
        var policy = TrafficPolicy()
        policy.balancing = .consistentHash(ConsistentHash(key: .sourceAddress, table: table))
        var (one, other) = (UpstreamCluster(policy), UpstreamCluster(policy))
        one.update(Self.hosts(8), now: .zero)
        other.update(Self.hosts(8).reversed(), now: .zero)
        var (left, right) = (SeededGenerator(seed: 1), SeededGenerator(seed: 2))
        var used: Set<String> = []
        for number in 0..<500 as Range<UInt64> {
            let key = StableHash.hash("client-\(number)".utf8)
            let host = one.choose(key: key, now: .zero, using: &left)
            #expect(host == other.choose(key: key, now: .zero, using: &right))
            if let host { used.insert(host.uid) }
        }
        #expect(used.count == 8)
    }

    @Test("a client gets the cookie that the rule describes, or none")
    func cookie() throws {
        var cookie = HashCookie(name: try HTTPToken("user"))
        #expect(cookie.field("a") == nil)
        cookie.lifetime = .zero
        #expect(cookie.field("a") == "user=a; HttpOnly")
        cookie.path = try RoutePath("/x")
        cookie.lifetime = .seconds(90)
        #expect(cookie.field("a") == "user=a; Max-Age=90; Path=/x; HttpOnly")
        var generator = SeededGenerator(seed: 1)
        let values = Set((0..<100).map { _ in HashCookie.makeValue(using: &generator) })
        #expect(values.count == 100 && values.allSatisfy { $0.utf8.count == 16 })
    }
}

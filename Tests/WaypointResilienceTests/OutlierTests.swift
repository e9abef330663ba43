import MeshModel
import SeededTesting
import Testing

@testable import WaypointResilience

@Suite("Endpoints that fail are left out for a while")
struct OutlierTests {
    private static func table(
        _ count: Int = 10, _ change: (inout OutlierDetection) -> Void = { _ in }
    ) -> OutlierTable {
        var settings = OutlierDetection()
        change(&settings)
        var table = OutlierTable(settings)
        table.keep(Set((0..<count).map { "h\($0)" }))
        table.sweep(now: .zero)
        return table
    }

    @Test("five failures in a row eject; one success between starts again")
    func consecutive() {
        var table = Self.table()
        for outcome in [EndpointOutcome.serverError, .gatewayError, .localFailure, .serverError, .success] {
            #expect(table.record(outcome, of: "h1", now: .zero) == false)
        }
        for _ in 0..<4 { #expect(table.record(.serverError, of: "h1", now: .zero) == false) }
        let isEjected = table.record(.serverError, of: "h1", now: .zero)
        #expect(isEjected && table.isEjected("h1") && !table.isEjected("h2"))
    }

    @Test("each count heeds its own outcomes", arguments: [
        (EndpointOutcome.serverError, false, 0, 3, 0, false), (.gatewayError, false, 0, 3, 0, true),
        (.localFailure, false, 0, 3, 0, true), (.localFailure, true, 3, 3, 0, false),
        (.localFailure, true, 0, 0, 3, true), (.gatewayError, true, 0, 0, 3, false),
        (.gatewayError, true, 3, 0, 0, true), (.serverError, false, 0, 0, 0, false),
    ] as [(EndpointOutcome, Bool, UInt32, UInt32, UInt32, Bool)])
    func counts(_ row: (EndpointOutcome, Bool, UInt32, UInt32, UInt32, Bool)) {
        var table = Self.table {
            $0.splitsLocalFailures = row.1
            $0.consecutiveServerErrors = row.2
            $0.consecutiveGatewayErrors = row.3
            $0.consecutiveLocalFailures = row.4
        }
        for _ in 0..<3 { table.record(row.0, of: "h0", now: .zero) }
        #expect(table.isEjected("h0") == row.5)
    }

    @Test("ejections grow longer, at most five minutes, and are forgiven while the endpoint behaves")
    func times() {
        var table = Self.table { $0.consecutiveServerErrors = 1 }
        #expect([1, 2, 10, 11].map(table.ejectionTime) == [.seconds(30), .seconds(60), .seconds(300), .seconds(300)])
        table.record(.serverError, of: "h0", now: .seconds(1))
        table.sweep(now: .seconds(10))
        table.sweep(now: .seconds(25))
        #expect(table.isEjected("h0"))
        table.sweep(now: .seconds(35))
        #expect(!table.isEjected("h0"))
        table.record(.serverError, of: "h0", now: .seconds(36))
        table.sweep(now: .seconds(70))
        #expect(table.isEjected("h0"))
        table.sweep(now: .seconds(100))
        #expect(!table.isEjected("h0"))
        // Two good intervals forgive two ejections: the next is short again.
        table.sweep(now: .seconds(110))
        table.sweep(now: .seconds(120))
        table.record(.serverError, of: "h0", now: .seconds(121))
        table.sweep(now: .seconds(152))
        #expect(!table.isEjected("h0"))
    }

    @Test("never more are out than allowed, and always one may be", arguments: 0..<200 as Range<UInt64>)
    func cap(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let count = Int.random(in: 1...30, using: &generator)
        let percent = UInt32.random(in: 0...100, using: &generator)
        var table = Self.table(count) {
            $0.consecutiveServerErrors = 2
            $0.ejectedPercentMax = percent
        }
        var now = Duration.zero
        var wasOut = false
        for _ in 0..<400 {
            now += .milliseconds(Int.random(in: 0...4000, using: &generator))
            table.sweep(now: now)
            let outcome: EndpointOutcome = Bool.random(using: &generator) ? .gatewayError : .localFailure
            table.record(outcome, of: "h\(Int.random(in: 0..<count, using: &generator))", now: now)
            let out = (0..<count).count { table.isEjected("h\($0)") }
            #expect(out == table.ejectedCount && out <= max(1, count * Int(percent) / 100))
            wasOut = wasOut || out > 0
        }
        #expect(wasOut)
    }

    @Test("an endpoint that is gone takes its ejection with it")
    func departure() {
        var table = Self.table(2) { $0.consecutiveServerErrors = 1 }
        table.record(.serverError, of: "h0", now: .zero)
        table.keep(["h1"])
        #expect(table.ejectedCount == 0)
        #expect(table.record(.serverError, of: "h1", now: .zero) == true)
        table.keep(["h0", "h1"])
        #expect(!table.isEjected("h0") && table.isEjected("h1"))
    }

    @Test("requests leave an ejected endpoint and come back; in panic everybody is used")
    func cluster() {
        var policy = TrafficPolicy()
        policy.balancing = .roundRobin
        var settings = OutlierDetection()
        settings.consecutiveServerErrors = 1
        settings.ejectedPercentMax = 100
        settings.healthyPercentMin = 50
        policy.outliers = settings
        var cluster = UpstreamCluster(policy)
        cluster.update((0..<4).map { BalancedHost(uid: "h\($0)") }, now: .zero)
        var generator = SeededGenerator(seed: 1)
        func used(at now: Duration) -> Set<String> {
            Set((0..<40).compactMap { _ in cluster.choose(now: now, using: &generator)?.uid })
        }
        #expect(used(at: .zero).count == 4)
        let first = cluster.ended("h0", outcome: .gatewayError, now: .zero)
        #expect(first && used(at: .seconds(1)) == ["h1", "h2", "h3"])
        cluster.ended("h1", outcome: .gatewayError, now: .zero)
        #expect(used(at: .seconds(1)) == ["h2", "h3"])
        cluster.ended("h2", outcome: .gatewayError, now: .zero)
        #expect(used(at: .seconds(1)).count == 4)
        #expect(used(at: .seconds(40)).count == 4 && cluster.outliers?.ejectedCount == 0)
    }

    @Test("with nobody well and no panic, nobody is chosen")
    func nobody() {
        var policy = TrafficPolicy()
        var settings = OutlierDetection()
        settings.consecutiveServerErrors = 1
        policy.outliers = settings
        var cluster = UpstreamCluster(policy)
        cluster.update([BalancedHost(uid: "h")], now: .zero)
        cluster.ended("h", outcome: EndpointOutcome(status: 500), now: .zero)
        var generator = SeededGenerator(seed: 1)
        #expect(cluster.choose(now: .zero, using: &generator) == nil)
    }

    @Test("statuses mean what Envoy takes them for")
    func statuses() {
        #expect([200, 404, 499, 500, 501, 502, 503, 504, 505].map { EndpointOutcome(status: $0) } == [
            .success, .success, .success, .serverError, .serverError, .gatewayError, .gatewayError, .gatewayError,
            .serverError,
        ])
        #expect([0, 2, 4, 5, 12, 13, 14, 15].map { EndpointOutcome(grpcStatus: $0) } == [
            .success, .serverError, .gatewayError, .success, .serverError, .serverError, .gatewayError, .serverError,
        ])
    }
}

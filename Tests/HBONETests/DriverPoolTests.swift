import HBONE
import MeshModel
import NIOCore
import NIOPosix
import Synchronization
import Testing

@Suite("Pool of tunnel connections")
struct DriverPoolTests {
    @Test("streams of one key share a connection up to the limit; one more dials one more", arguments: [
        (limit: 3, rounds: [2], connections: 1),
        (limit: 3, rounds: [2, 1], connections: 1),
        (limit: 3, rounds: [2, 2], connections: 2),
        (limit: 1, rounds: [3], connections: 3),
        (limit: 2, rounds: [4], connections: 2),
        // Four end before the next five: the full connections come back.
        (limit: 2, rounds: [4, -4, 5], connections: 3),
        (limit: 100, rounds: [100], connections: 1),
        (limit: 100, rounds: [101], connections: 2),
    ])
    func sharing(row: (limit: Int, rounds: [Int], connections: Int)) async throws {
        let test = try await PoolRig(limit: row.limit)
        for round in row.rounds {
            if round > 0 {
                try await test.open(round, key: test.key())
            } else {
                try await test.resetStreams(-round)
            }
        }
        #expect(try await test.rig.onLoop { test.pool.value.counts.connections } == row.connections)
        #expect(test.dials.withLock { $0 } == row.connections)
        try await test.stop()
    }

    @Test("different keys have different connections, simultaneous requests of one key share the dial")
    func keys() async throws {
        let test = try await PoolRig(limit: 100)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for name in ["a", "b", "c"] { tasks.addTask { try await test.open(100, key: test.key(name)) } }
            try await tasks.waitForAll()
        }
        #expect(test.dials.withLock { $0 } == 3)
        let counts = try await test.rig.onLoop { test.pool.value.counts }
        #expect(counts == .init(keys: 3, connections: 3, streams: 300, dials: 0, waitingRequests: 0))
        try await test.stop()
    }

    @Test("the peer's limit on streams holds where it is the smaller one")
    func peerLimit() async throws {
        let test = try await PoolRig(limit: 100, peerLimit: 2)
        try await test.open(5, key: test.key())
        #expect(try await test.rig.onLoop { test.pool.value.counts.connections } == 3)
        try await test.stop()
    }

    @Test("a failed dial fails all who wait, in the dial's words, and nothing of it is kept")
    func dialFails() async throws {
        let test = try await PoolRig(limit: 100, server: .none)
        let errors = try await test.tryOpen(7, key: test.key())
        #expect(errors.count == 7)
        #expect(errors.allSatisfy { if case .dial = $0 { true } else { false } })
        #expect(try await test.rig.onLoop { test.pool.value.counts } == .init())
        // The next one dials anew.
        _ = try await test.tryOpen(1, key: test.key())
        #expect(test.dials.withLock { $0 } == 2)
        try await test.stop()
    }

    @Test("requests that wait are bounded")
    func waitingIsBounded() async throws {
        let test = try await PoolRig(limit: 100, server: .silent, waiting: 3)
        let refused = Mutex<[HBONEError]>([])
        try await test.rig.onLoop {
            for _ in 0..<5 {
                test.pool.value.open(test.key(), ConnectRequest(authority: "10.0.0.1:80")) { result in
                    if case .failure(let error) = result { refused.withLock { $0.append(error) } }
                }
            }
        }
        #expect(refused.withLock { $0 } == [.poolFull, .poolFull])
        try await test.rig.onLoop { test.pool.value.closeAll() }
        #expect(refused.withLock { $0 } == [.poolFull, .poolFull, .poolDraining, .poolDraining, .poolDraining])
        try await test.stop()
    }

    @Test("a connection that got GOAWAY is not used again; its streams run on")
    func goAway() async throws {
        let test = try await PoolRig(limit: 100)
        try await test.open(2, key: test.key())
        try await test.rig.onLoop { test.rig.servers.value[0].drain() }
        try await eventually("the client knows") {
            try await test.rig.onLoop { !test.rig.clients.value[0].canOpenStream }
        }
        try await test.open(1, key: test.key())
        #expect(test.dials.withLock { $0 } == 2)
        let counts = try await test.rig.onLoop { test.pool.value.counts }
        #expect(counts.connections == 2)
        #expect(counts.streams == 3)
        try await test.resetStreams(3)
        try await eventually("the drained one is gone") {
            try await test.rig.onLoop { test.pool.value.counts.connections == 1 }
        }
        try await test.stop()
    }

    @Test("an unused connection is closed after the idle time, one with a stream stays")
    func idle() async throws {
        let test = try await PoolRig(limit: 100, idleTimeout: .milliseconds(80))
        try await test.open(1, key: test.key("used"))
        try await test.open(1, key: test.key("unused"))
        try await test.resetStreams(1)
        try await eventually("the unused one is gone") {
            try await test.rig.onLoop { test.pool.value.counts.connections == 1 }
        }
        try await Task.sleep(for: .milliseconds(300))
        #expect(try await test.rig.onLoop { test.pool.value.counts } == .init(keys: 1, connections: 1, streams: 1))
        #expect(test.rig.closeReasons.withLock { $0.contains(.idle) })
        try await test.stop()
    }

    @Test("no new streams past the time of the certificate")
    func notAfter() async throws {
        let test = try await PoolRig(limit: 100)
        try await test.open(1, key: test.key())
        try await test.rig.onLoop { test.rig.clients.value[0].notAfter = .now() }
        try await test.open(1, key: test.key())
        #expect(test.dials.withLock { $0 } == 2)
        try await test.stop()
    }

    @Test("discarded keys dial anew, others are left alone")
    func discard() async throws {
        let test = try await PoolRig(limit: 100)
        let dead = test.key("dead")
        try await test.open(1, key: dead)
        try await test.open(1, key: test.key("alive"))
        try await test.rig.onLoop { test.pool.value.discard { $0 == dead } }
        try await test.open(1, key: dead)
        try await test.open(1, key: test.key("alive"))
        #expect(test.dials.withLock { $0 } == 3)
        try await test.stop()
    }

    @Test("a draining pool refuses requests and ends with its last stream; closing cuts what is left")
    func drains() async throws {
        let test = try await PoolRig(limit: 100)
        try await test.open(2, key: test.key())
        try await test.rig.onLoop { test.pool.value.drain() }
        #expect(try await test.tryOpen(1, key: test.key()) == [.poolDraining])
        #expect(try await test.rig.onLoop { test.pool.value.counts.streams } == 2)
        try await test.resetStreams(1)
        try await test.rig.onLoop { test.pool.value.closeAll() }
        try await eventually("both ends closed") { test.rig.closeReasons.withLock { $0.count } == 2 }
        #expect(try await test.rig.onLoop { test.pool.value.counts } == .init())
        try await test.stop()
    }
}

/// A pool whose peers are tunnel servers that accept and hold.
final class PoolRig: Sendable {
    enum Server { case holding, none, silent }

    let rig: Rig
    let applications = Applications()
    let pool: NIOLoopBound<HBONEPool>
    let dials: Counter
    private let streams: NIOLoopBoundBox<[HBONEStream]>

    init(
        limit: Int, peerLimit: Int = 200, server: Server = .holding, waiting: Int = 1024,
        idleTimeout: TimeAmount = .minutes(5)
    ) async throws {
        let rig = try await Rig(limits: { role in
            var limits = HBONELimits(role: role)
            limits.http2.concurrentStreamsMax = peerLimit
            return limits
        })
        let address = switch server {
        case .holding: try await rig.serve(.hold)
        case .none: try await unusedAddress(applications)
        case .silent: try await applications.serve { inbound, _ in for try await _ in inbound {} }
        }
        var limits = PoolLimits()
        limits.streamsPerConnectionMaximum = limit
        limits.waitingRequestsPerKeyMaximum = waiting
        limits.idleTimeout = idleTimeout
        let chosen = limits
        let dials = Counter()
        self.rig = rig
        self.dials = dials
        pool = try await rig.loop.submit {
            let pool = HBONEPool(loop: rig.loop, limits: chosen) { _ in
                dials.withLock { $0 += 1 }
                return rig.dialTunnel(address)
            }
            return NIOLoopBound(pool, eventLoop: rig.loop)
        }.get()
        streams = try await rig.loop.submit { NIOLoopBoundBox([], eventLoop: rig.loop) }.get()
    }

    func key(_ name: String = "server") -> HBONEPool.Key {
        HBONEPool.Key(
            source: Identity(namespace: "shop", serviceAccount: "web"),
            destinations: [Identity(namespace: "shop", serviceAccount: name)],
            peer: TransportAddress(IPAddress(v4: 0x0a00_0001), port: 15008))
    }

    /// Opens so many at once; all must succeed.
    func open(_ count: Int, key: HBONEPool.Key) async throws {
        #expect(try await tryOpen(count, key: key).isEmpty)
    }

    /// Opens so many at once; gives the errors.
    func tryOpen(_ count: Int, key: HBONEPool.Key) async throws -> [HBONEError] {
        let errors = Mutex<[HBONEError]>([])
        let done = Counter()
        try await rig.onLoop {
            for _ in 0..<count {
                self.pool.value.open(key, ConnectRequest(authority: "10.0.0.1:80")) { result in
                    done.withLock { $0 += 1 }
                    switch result {
                    case .success(let (stream, _)): self.streams.value.append(stream)
                    case .failure(let error): errors.withLock { $0.append(error) }
                    }
                }
            }
        }
        try await eventually("\(count) requests answered") { done.withLock { $0 } == count }
        return errors.withLock { $0 }
    }

    /// Ends the newest so many.
    func resetStreams(_ count: Int) async throws {
        try await rig.onLoop {
            for _ in 0..<count { self.streams.value.popLast()?.reset(.cancel) }
        }
    }

    func stop() async throws {
        try await rig.onLoop { self.pool.value.closeAll() }
        try await applications.stop()
        try await rig.stop()
    }
}

/// A number shared by tasks and loops.
final class Counter: Sendable {
    private let value = Mutex(0)

    func withLock<R>(_ body: (inout Int) -> R) -> R where R: Sendable {
        value.withLock { body(&$0) }
    }
}

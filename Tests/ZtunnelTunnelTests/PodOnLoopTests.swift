import HBONE
import MeshDiscovery
import MeshKernel
import MeshModel
import MeshPolicy
import MeshTelemetry
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import ZtunnelTunnel

/// A loop with one pod in the process's own namespace, and its log.
final class Rig {
    let loop: TunnelLoop
    let pod: PodOnLoop
    let log: LogLines

    init(
        on eventLoop: any EventLoop, log: LogLines, world: World = World(),
        settings: TunnelSettings = TunnelSettings(nodeName: "local")
    ) throws {
        self.log = log
        loop = try TunnelLoop(
            eventLoop: eventLoop, settings: settings, metrics: MetricsShard(), accessLog: AccessLog(log.output),
            world: world
        )
        pod = PodOnLoop(
            key: PodKey(namespace: "ns", name: "web"), namespace: try NetworkNamespace.home(), loop: loop
        )
        loop.add(pod)
    }
}

/// What the access log says; to be read once.
final class LogLines: Sendable {
    private final class Collected: Sendable {
        private let bytes = Mutex<[UInt8]>([])
        func append(_ more: [UInt8]) { bytes.withLock { $0 += more } }
        var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }
    }

    private let collected = Collected()
    let output: LogOutput

    init() {
        output = LogOutput(sink: LineSink { [collected] in collected.append($0) })
    }

    /// Ends the log; every line of it.
    func finished() async -> [String] {
        await output.sink.close()
        return collected.text.split(separator: "\n").map(String.init)
    }
}

private func entry(_ facts: ConnectionFacts?) throws -> LiveConnection {
    LiveConnection(
        direction: .inbound, client: try address("10.0.0.1:5000"), originalDestination: try address("10.0.0.2:80"),
        protocolName: "TCP", facts: facts)
}

private func facts() throws -> ConnectionFacts {
    ConnectionFacts(source: try ip("10.0.0.1"), identity: nil, destination: try address("10.0.0.2:80"))
}

@Suite("A pod on one loop")
struct PodOnLoopTests {
    @Test("who waits for the pod's record is judged by the policies that came with it, not by none")
    func policiesFirst() async throws {
        let rig = try Rig(on: EmbeddedEventLoop(), log: LogLines())
        var verdicts: [Bool] = []
        let facts = try facts()
        rig.pod.withWorkload { workload in
            guard workload != nil, case .denied = rig.pod.policies.decide(facts) else { return verdicts.append(true) }
            verdicts.append(false)
        }
        #expect(verdicts.isEmpty)
        rig.loop.learn(world(try pod("web", at: "10.0.0.2"), denyAll))
        #expect(verdicts == [false])
        _ = await rig.log.finished()
    }

    @Test("the wait for the record ends by itself, and once")
    func waitEnds() async throws {
        let eventLoop = EmbeddedEventLoop()
        let rig = try Rig(on: eventLoop, log: LogLines())
        var answers: [Workload?] = []
        rig.pod.withWorkload { answers.append($0) }
        eventLoop.advanceTime(by: .milliseconds(4_999))
        #expect(answers.isEmpty)
        eventLoop.advanceTime(by: .milliseconds(1))
        #expect(answers == [nil])
        let web = try pod("web", at: "10.0.0.2")
        rig.loop.learn(world(web))
        #expect(answers == [nil])
        rig.pod.withWorkload { answers.append($0) }
        #expect(answers == [nil, web])
        eventLoop.advanceTime(by: .seconds(60))
        #expect(answers == [nil, web])
        _ = await rig.log.finished()
    }

    @Test("a record of another node's pod is not ours")
    func otherNode() async throws {
        let rig = try Rig(on: EmbeddedEventLoop(), log: LogLines())
        rig.loop.learn(world(try pod("web", at: "10.0.0.2", node: "remote")))
        #expect(rig.pod.workload == nil)
        _ = await rig.log.finished()
    }

    @Test("a new policy ends the live connections it forbids, and leaves the others")
    func judgedAgain() async throws {
        let rig = try Rig(on: EmbeddedEventLoop(), log: LogLines(), world: world(try pod("web", at: "10.0.0.2")))
        var ends: [String: [ConnectionFailure]] = [:]
        let judged = try entry(try facts())
        judged.cut = { ends["judged", default: []].append($0) }
        let outbound = try entry(nil)
        outbound.cut = { ends["outbound", default: []].append($0) }
        _ = try rig.pod.register(judged)
        _ = try rig.pod.register(outbound)
        rig.loop.learn(world(try pod("web", at: "10.0.0.2") { $0.serviceAccount = "other" }))
        #expect(ends.isEmpty, "nothing changed in the policies")
        rig.loop.learn(world(try pod("web", at: "10.0.0.2"), denyAll))
        #expect(ends == ["judged": [.policyChanged]])
        _ = await rig.log.finished()
    }

    @Test("a pod has only so many connections; a closed one takes none; each says why")
    func limits() async throws {
        var settings = TunnelSettings(nodeName: "local")
        settings.connectionsPerPodMax = 1
        let rig = try Rig(on: EmbeddedEventLoop(), log: LogLines(), settings: settings)
        let id = try rig.pod.register(try entry(nil))
        let another = try entry(nil)
        #expect(throws: ConnectionFailure.limitReached(limit: "connectionsPerPodMax")) {
            try rig.pod.register(another)
        }
        rig.pod.unregister(id)
        let last = try rig.pod.register(another)
        rig.pod.unregister(last)
        rig.pod.close(.drained)
        #expect(throws: ConnectionFailure.drained) { try rig.pod.register(another) }
        _ = await rig.log.finished()
    }

    @Test("who waits for the last connection is told when it ends, and at once when there is none")
    func idle() async throws {
        let rig = try Rig(on: EmbeddedEventLoop(), log: LogLines())
        var told = 0
        rig.pod.whenIdle { told += 1 }
        #expect(told == 1)
        let first = try rig.pod.register(try entry(nil))
        let second = try rig.pod.register(try entry(nil))
        rig.pod.whenIdle { told += 1 }
        rig.pod.unregister(first)
        #expect(told == 1)
        rig.pod.unregister(second)
        #expect(told == 2)
        _ = await rig.log.finished()
    }
}

@Suite("One connection's ending")
struct ConnectionEndingTests {
    private func fields(_ client: TransportAddress) -> ConnectionFields {
        ConnectionFields(inbound: client, source: nil, destination: client, workload: nil, service: nil)
    }

    @Test("exactly one line says how it ended, whatever comes after, and the pod forgets it")
    func once() async throws {
        let rig = try Rig(on: EmbeddedEventLoop(), log: LogLines())
        let broken = RelayEnd(bytesFromChannel: 3, bytesToChannel: 5, reason: .error(.receive(.channel, .reset)))
        for first in 0..<4 {
            let entry = try entry(nil)
            let end = ConnectionEnding(pod: rig.pod, entry: entry, id: try rig.pod.register(entry))
            entry.cut = { _ in }
            let steps = [
                { end.refused(.recursion) }, { end.failed(.drained, self.fields(entry.client)) },
                { end.ended(broken, at: .client) },
                {
                    end.opened(self.fields(entry.client), actual: entry.client, protocolName: "TCP")
                    end.ended(broken, at: .client)
                },
            ]
            steps[first]()
            #expect(end.isOver && entry.cut == nil && rig.pod.live.count == 0)
            for step in steps { step() }
        }
        let lines = await rig.log.finished()
        #expect(lines.count == 4, "\(lines)")
        #expect(lines.filter { $0.contains("connection failed") }.count == 2)
        #expect(lines.filter { $0.contains("connection complete") }.count == 2)
        #expect(lines[2].contains("\(ConnectionFailure.clientDisconnected)"), "it left while we were connecting")
    }

    @Test("our own reason outranks what the relay saw")
    func ownReason() async throws {
        let rig = try Rig(on: EmbeddedEventLoop(), log: LogLines())
        let entry = try entry(nil)
        let end = ConnectionEnding(pod: rig.pod, entry: entry, id: try rig.pod.register(entry))
        end.opened(fields(entry.client), actual: entry.client, protocolName: "TCP")
        end.note(.policyChanged)
        end.note(.drained)
        end.ended(RelayEnd(bytesFromChannel: 0, bytesToChannel: 0, reason: .cut(.superseded("x"))), at: .server)
        let lines = await rig.log.finished()
        #expect(lines.count == 1 && lines[0].contains("\(ConnectionFailure.policyChanged)"), "\(lines)")
    }

    @Test("bytes count from the client's side, on whichever side the relay is")
    func seats() async throws {
        let rig = try Rig(on: EmbeddedEventLoop(), log: LogLines())
        for seat in [ConnectionEnding.RelaySeat.client, .server] {
            let entry = try entry(nil)
            let end = ConnectionEnding(pod: rig.pod, entry: entry, id: try rig.pod.register(entry))
            end.opened(fields(entry.client), actual: entry.client, protocolName: "TCP")
            end.ended(RelayEnd(bytesFromChannel: 30, bytesToChannel: 50, reason: .completed), at: seat)
        }
        let lines = await rig.log.finished()
        // Inbound: sent is what went back to the client.
        #expect(lines.count == 2 && lines[0].contains("bytes_sent=50") && lines[0].contains("bytes_recv=30"))
        #expect(lines.count == 2 && lines[1].contains("bytes_sent=30") && lines[1].contains("bytes_recv=50"))
    }
}

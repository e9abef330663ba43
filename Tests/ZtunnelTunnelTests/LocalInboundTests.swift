import HBONE
import MeshModel
import NIOCore
import NIOEmbedded
import NIOPosix
import Testing

@testable import ZtunnelTunnel

@Suite("The receiving half of a connection within the node")
struct LocalInboundTests {
    private static let caller = Identity(namespace: "ns", serviceAccount: "caller")

    private static func inbound(_ rig: Rig, to destination: String) throws -> LocalInbound {
        let source = try pod("caller", at: "127.0.0.1")
        return LocalInbound(
            pod: rig.pod, client: try address("127.0.0.1:5000"), identity: caller, source: source,
            destination: try address(destination), service: nil)
    }

    /// How it failed; each refusal comes before anything is dialled.
    private func failures(_ rig: Rig, to destination: String = "127.0.0.1:80") throws -> [ConnectionFailure?] {
        var failures: [ConnectionFailure?] = []
        try Self.inbound(rig, to: destination).connect { result in
            if case .failure(let failure) = result { failures.append(failure) } else { failures.append(nil) }
        }
        return failures
    }

    @Test("one of our own doors is no destination", arguments: [15001, 15006, 15008])
    func recursion(port: Int) async throws {
        let rig = try Rig(on: EmbeddedEventLoop(), log: LogLines(), world: world(try pod("web", at: "127.0.0.1")))
        #expect(try failures(rig, to: "127.0.0.1:\(port)") == [.recursion])
        #expect(rig.pod.live.count == 0)
        let lines = await rig.log.finished()
        #expect(lines.count == 1 && lines[0].contains("\(ConnectionFailure.recursion)"), "\(lines)")
    }

    @Test("policy refuses with its reason, once, and the pod forgets the connection")
    func denied() async throws {
        let rig = try Rig(
            on: EmbeddedEventLoop(), log: LogLines(), world: world(try pod("web", at: "127.0.0.1"), denyAll))
        let expected = PolicyRejection.explicitlyDenied(policy: denyAll.key)
        #expect(try failures(rig) == [.policyRejection(expected)])
        #expect(rig.pod.live.count == 0)
        let lines = await rig.log.finished()
        #expect(lines.count == 1 && lines[0].contains("\(expected)"), "\(lines)")
        #expect(lines.count == 1 && lines[0].contains("src.identity=\"\(Self.caller)\""), "\(lines)")
    }

    @Test("a pod that has gone or is full takes none")
    func limits() async throws {
        var settings = TunnelSettings(nodeName: "local")
        settings.connectionsPerPodMax = 0
        let rig = try Rig(
            on: EmbeddedEventLoop(), log: LogLines(), world: world(try pod("web", at: "127.0.0.1")),
            settings: settings)
        #expect(try failures(rig) == [.limitReached(limit: "connectionsPerPodMax")])
        rig.pod.close(.drained)
        #expect(try failures(rig) == [.drained])
        #expect(await rig.log.finished().count == 2)
    }

    /// A rig on a loop of its own, and an application that listens on a port of the loopback.
    private func withApplication(
        _ body: (any EventLoop, NIOLoopBound<Rig>, Int) async throws -> Void
    ) async throws -> [String] {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let eventLoop = group.next()
        let server = try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        let log = LogLines()
        let rig = try await eventLoop.submit {
            let known = world(try pod("web", at: "127.0.0.1"))
            return NIOLoopBound(try Rig(on: eventLoop, log: log, world: known), eventLoop: eventLoop)
        }.get()
        try await body(eventLoop, rig, port)
        try await server.close()
        try await eventLoop.submit { rig.value.pod.close(.drained) }.get()
        let lines = await log.finished()
        try await group.shutdownGracefully()
        return lines
    }

    @Test("an application that listens is joined; a policy that comes later ends the connection and says so")
    func joined() async throws {
        let lines = try await withApplication { eventLoop, rig, port in
            let joined = eventLoop.makePromise(of: Void.self)
            try await eventLoop.submit {
                try Self.inbound(rig.value, to: "127.0.0.1:\(port)").connect { result in
                    joined.completeWith(result.map { _ in }.mapError { $0 as any Error })
                }
            }.get()
            try await joined.futureResult.get()
            let counts = try await eventLoop.submit { () -> [Int] in
                let pod = rig.value.pod
                let before = pod.live.all.filter { $0.protocolName == "local" && $0.actualDestination != nil }.count
                rig.value.loop.learn(world(try ZtunnelTunnelTests.pod("web", at: "127.0.0.1"), denyAll))
                return [before, pod.live.count]
            }.get()
            #expect(counts == [1, 0])
        }
        #expect(lines.count == 1 && lines[0].contains("\(ConnectionFailure.policyChanged)"), "\(lines)")
    }

    @Test("a policy that comes while the application is dialled ends it there, once")
    func cutWhileDialling() async throws {
        let lines = try await withApplication { eventLoop, rig, port in
            let failures = try await eventLoop.submit { () -> [ConnectionFailure] in
                var failures: [ConnectionFailure] = []
                try Self.inbound(rig.value, to: "127.0.0.1:\(port)").connect { result in
                    if case .failure(let failure) = result { failures.append(failure) }
                }
                rig.value.loop.learn(world(try ZtunnelTunnelTests.pod("web", at: "127.0.0.1"), denyAll))
                return failures
            }.get()
            #expect(failures == [.policyChanged])
        }
        #expect(lines.count == 1, "\(lines)")
    }

    @Test("an application that does not listen is a failed dial")
    func refused() async throws {
        let lines = try await withApplication { eventLoop, rig, _ in
            let outcome = eventLoop.makePromise(of: Void.self)
            // Port 1 of the loopback: nobody listens there.
            try await eventLoop.submit {
                try Self.inbound(rig.value, to: "127.0.0.1:1").connect { result in
                    outcome.completeWith(result.map { _ in }.mapError { $0 as any Error })
                }
            }.get()
            await #expect(throws: ConnectionFailure.self) { try await outcome.futureResult.get() }
            #expect(try await eventLoop.submit { rig.value.pod.live.count }.get() == 0)
        }
        #expect(lines.count == 1 && lines[0].contains("connection failed"), "\(lines)")
    }
}

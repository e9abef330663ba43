import Logging
import MeshIdentity
import MeshKernel
import MeshModel
import MeshProxy
import MeshTelemetry
import NIOCore
import NIOPosix
import Testing

@testable import ZtunnelTunnel

@Suite("Self-tests of pods")
struct SelfTestTests {
    private struct NoAuthority: CertificateAuthorityClient {
        func sign(
            request: String, for identity: Identity, validitySeconds: Int64, timeout: Duration
        ) async throws(IdentityError) -> [String] {
            throw .unreachable(identity: identity, reason: "there is none")
        }
    }

    @Test("many at a time take no longer than one, and the tunnel answers meanwhile")
    func manyAtATime() async throws {
        // A listener whose queue is full: the kernel leaves further connections without an answer.
        let home = try NetworkNamespace.home()
        let listener = try listening(in: home)
        let full = TransportAddress(try ip("127.0.0.1"), port: listener.port)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let fillers = try await fill(full, group)
        let log = LogLines()
        let tunnel = try await Tunnel(
            group: group, settings: TunnelSettings(nodeName: "local"),
            certificates: CertificateManager(authority: NoAuthority(), log: Logger(label: "test")),
            accessLog: AccessLog(log.output))
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for number in 0..<12 {
                tasks.addTask {
                    await #expect(throws: SelfTestFailure.notRedirected) {
                        _ = try await tunnel.expectSelfTest(
                            of: PodKey(namespace: "ns", name: "pod-\(number)"), to: full, in: home,
                            within: .seconds(3))
                    }
                }
            }
            #expect(await tunnel.connections().isEmpty)
            #expect(ContinuousClock.now - start < .seconds(3), "the actor is free")
            try await tasks.waitForAll()
        }
        #expect(ContinuousClock.now - start < .seconds(24), "one after the other they take 36 s")
        for filler in fillers { try await filler.close() }
        _ = await log.finished()
        try await group.shutdownGracefully()
    }

    @Test("a connection that comes to nobody's rules is not taken for redirected")
    func answeredByAnother() async throws {
        let home = try NetworkNamespace.home()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let listener = try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listener.localAddress?.port)
        let log = LogLines()
        let tunnel = try await Tunnel(
            group: group, settings: TunnelSettings(nodeName: "local"),
            certificates: CertificateManager(authority: NoAuthority(), log: Logger(label: "test")),
            accessLog: AccessLog(log.output))
        let destination = TransportAddress(try ip("127.0.0.1"), port: UInt16(port))
        await #expect(throws: SelfTestFailure.notRedirected) {
            _ = try await tunnel.expectSelfTest(
                of: PodKey(namespace: "ns", name: "web"), to: destination, in: home, within: .milliseconds(300))
        }
        try await listener.close()
        _ = await log.finished()
        try await group.shutdownGracefully()
    }

    private struct Listening: ~Copyable {
        let socket: OwnedDescriptor
        let port: UInt16
    }

    private func listening(in namespace: NetworkNamespace) throws -> Listening {
        let socket = try PodSockets.listen(
            on: TransportAddress(try ip("127.0.0.1"), port: 0), in: namespace, backlog: 0, marked: false)
        let port = try #require(try socket.localAddress()).port
        return Listening(socket: socket, port: port)
    }

    /// Connects until a connection is not answered any more.
    private func fill(
        _ address: TransportAddress, _ group: MultiThreadedEventLoopGroup
    ) async throws -> [any Channel] {
        var channels: [any Channel] = []
        while channels.count < 16 {
            do {
                channels.append(
                    try await ClientBootstrap(group: group).connectTimeout(.milliseconds(300))
                        .connect(to: try SocketAddress(address)).get())
            } catch { return channels }
        }
        Issue.record("the queue takes everything")
        return channels
    }
}

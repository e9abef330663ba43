import HBONE
import MeshModel
import MeshProxy
import MeshTLS
import MeshTesting
import NIOCore
import NIOEmbedded
import Testing

@testable import ZtunnelTunnel

@Suite("The gate above a handshake")
struct HandshakeGateTests {
    private final class Told {
        var failures: [ConnectionFailure] = []
        var peers: [VerifiedPeer] = []
    }

    private func gate(_ told: Told) -> HandshakeGate {
        HandshakeGate { result in
            switch result {
            case .success(let peer): told.peers.append(peer)
            case .failure(let failure): told.failures.append(failure)
            }
        }
    }

    private func active(_ told: Told) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(handler: gate(told))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    @Test("a failed handshake is told once, in its own words, and closes the channel")
    func failed() throws {
        let told = Told()
        let channel = try active(told)
        channel.pipeline.fireErrorCaught(TLSError.noCommonProtocol)
        channel.pipeline.fireErrorCaught(TLSError.closedDuringHandshake)
        #expect(told.failures == [.tls(cause: TLSError.noCommonProtocol.cause)])
        #expect(!channel.isActive)
    }

    @Test("an error of the channel is not the peer's fault")
    func channelError() throws {
        let told = Told()
        let channel = try active(told)
        channel.pipeline.fireErrorCaught(ChannelError.ioOnClosedChannel)
        guard case .inputOutput? = told.failures.first else { return wrong("\(told.failures)") }
        #expect(told.failures.count == 1)
    }

    @Test("a peer that goes before the end is told as such; a channel closed before it began, as that")
    func closed() throws {
        let told = Told()
        _ = try active(told).finish(acceptAlreadyClosed: true)
        #expect(told.failures == [.tls(cause: "the peer closed the connection during the handshake")])
        let early = Told()
        let removed = gate(early)
        let channel = EmbeddedChannel(handler: removed)
        channel.pipeline.syncOperations.removeHandler(removed, promise: nil)
        #expect(early.failures == [.tls(cause: "the connection closed before the handshake")])
    }

    @Test("other events pass")
    func events() throws {
        final class Above: ChannelInboundHandler {
            typealias InboundIn = ByteBuffer
            var events = 0
            func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) { events += 1 }
        }
        let told = Told()
        let channel = try active(told)
        let above = Above()
        try channel.pipeline.syncOperations.addHandler(above)
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(above.events == 1 && told.failures.isEmpty && told.peers.isEmpty)
        _ = try channel.finish(acceptAlreadyClosed: true)
    }

    @Test("a finished handshake gives the peer, and the gate is gone before the first plain text")
    func finished() async throws {
        let eventLoop = EmbeddedEventLoop()
        let authority = try TestAuthority()
        let rig = try Rig(on: eventLoop, log: LogLines(), world: world(try pod("web", at: "10.0.0.2")))
        let web = Identity(namespace: "ns", serviceAccount: "web")
        rig.pod.learn(.success(try authority.workload(web)), of: web)
        let tunnel = try EmbeddedTunnel(to: rig.pod, on: eventLoop)
        let caller = Identity(namespace: "ns", serviceAccount: "caller")
        try tunnel.shakeHands(as: try authority.workload(caller), expecting: web)
        #expect(tunnel.peer?.identity == web)
        #expect(throws: (any Error).self) {
            try tunnel.client.pipeline.syncOperations.handler(type: HandshakeGate.self)
        }
        #expect(tunnel.connection?.isReady == true, "what came with the handshake's end was not lost")
        _ = await rig.log.finished()
    }
}

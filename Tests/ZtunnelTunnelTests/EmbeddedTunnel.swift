import HBONE
import MeshModel
import MeshProxy
import MeshTLS
import MeshTesting
import NIOCore
import NIOEmbedded
import Testing

@testable import ZtunnelTunnel

/// A foreign client at port 15008 of a rig's pod: real TLS and HTTP/2, the wire between them in memory.
final class EmbeddedTunnel {
    private let eventLoop: EmbeddedEventLoop
    private let server: EmbeddedChannel
    let client: EmbeddedChannel
    private(set) var connection: HBONEConnection?
    private(set) var peer: VerifiedPeer?
    private(set) var failure: ConnectionFailure?
    private(set) var closeReasons: [HBONECloseReason] = []

    init(to pod: PodOnLoop, on eventLoop: EmbeddedEventLoop) throws {
        self.eventLoop = eventLoop
        server = EmbeddedChannel(loop: eventLoop)
        client = EmbeddedChannel(loop: eventLoop)
        InboundTunnel(
            pod: pod, channel: server, client: try address("10.0.0.1:5000"), local: try address("10.0.0.2:15008")
        ).start()
        try server.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    /// Shakes hands from the client's side and goes on until both sides are quiet.
    func shakeHands(as own: WorkloadCertificate, expecting identity: Identity) throws {
        try begin(as: own, expecting: identity)
        try pump()
    }

    /// The client's first flight is on the wire, nothing more.
    func begin(as own: WorkloadCertificate, expecting identity: Identity) throws {
        let tls = TLSHandler(context: own.clientContext, role: .client, expecting: .anyOf([identity]))
        let gate = HandshakeGate { [unowned self] result in
            switch result {
            case .success(let peer):
                self.peer = peer
                let connection = HBONEConnection(
                    role: .client, onClosed: { [unowned self] in self.closeReasons.append($0) })
                self.connection = connection
                do {
                    try client.pipeline.syncOperations.addHandler(connection)
                } catch {
                    wrong("\(error)")
                }
            case .failure(let failure): self.failure = failure
            }
        }
        try client.pipeline.syncOperations.addHandlers([tls, gate])
        try client.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 2)).wait()
    }

    func pump() throws {
        var moved = true
        while moved {
            moved = false
            eventLoop.run()
            for (from, to) in [(client, server), (server, client)] {
                while let bytes = try from.readOutbound(as: ByteBuffer.self) {
                    moved = true
                    guard to.isActive else { continue }
                    _ = try? to.writeInbound(bytes)
                }
            }
            if client.isActive, !server.isActive, !moved { client.pipeline.fireChannelInactive() }
        }
    }
}

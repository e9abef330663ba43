import MeshModel
import MeshTLS
import NIOCore
import NIOEmbedded

/// What comes out of a TLS handler at the top.
final class Recorder: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private(set) var received = ByteBuffer()
    private(set) var reads = 0
    private(set) var peers: [VerifiedPeer] = []
    private(set) var errors: [TLSError] = []
    private(set) var otherErrors = 0
    private(set) var isInactive = false
    private(set) var plaintextBeforePeer = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if peers.isEmpty { plaintextBeforePeer = true }
        reads += 1
        guard keepsBytes else { return }
        var buffer = unwrapInboundIn(data)
        received.writeBuffer(&buffer)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let finished = event as? TLSHandshakeFinished { peers.append(finished.peer) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? TLSError { errors.append(error) } else { otherErrors += 1 }
    }

    func channelInactive(context: ChannelHandlerContext) { isInactive = true }

    /// A benchmark wants the bytes gone.
    var keepsBytes = true
    func forget() { received = ByteBuffer() }

    func reserve(_ bytes: Int) { received.reserveCapacity(bytes) }
}

/// One end: a TLS handler on an embedded channel, and what came out of it.
struct EmbeddedEnd {
    let channel: EmbeddedChannel
    let recorder: Recorder

    init(_ handler: TLSHandler) throws {
        let recorder = Recorder()
        channel = EmbeddedChannel(loop: EmbeddedEventLoop())
        self.recorder = recorder
        try channel.pipeline.syncOperations.addHandlers([handler, recorder])
    }

    func activate() throws {
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    func write(_ buffers: [ByteBuffer]) {
        for buffer in buffers { channel.pipeline.write(buffer, promise: nil) }
        channel.pipeline.flush()
    }

    /// Hands every byte that left this end to the other one, in pieces of the given sizes. Returns the byte count.
    func deliver(to other: EmbeddedEnd, pieceBytes: () -> Int) throws -> Int {
        var moved = 0
        while var buffer = try channel.readOutbound(as: ByteBuffer.self) {
            moved += buffer.readableBytes
            while let piece = buffer.readSlice(length: min(buffer.readableBytes, max(1, pieceBytes()))),
                piece.readableBytes > 0
            {
                // Bytes for a channel that is closed already are lost, as on a network.
                guard other.channel.isActive else { break }
                try other.channel.writeInbound(piece)
            }
        }
        return moved
    }
}

/// A client and a server with the wire between them.
struct EmbeddedPair {
    let client: EmbeddedEnd
    let server: EmbeddedEnd

    init(client: TLSHandler, server: TLSHandler) throws {
        self.client = try EmbeddedEnd(client)
        self.server = try EmbeddedEnd(server)
    }

    init(
        client: WorkloadCertificate, server: WorkloadCertificate,
        clientExpects: PeerExpectation? = nil, serverExpects: PeerExpectation = .trustDomains(["cluster.local"])
    ) throws {
        let expected = clientExpects ?? .anyOf([server.identity])
        try self.init(
            client: TLSHandler(context: client.clientContext, role: .client, expecting: expected),
            server: TLSHandler(context: server.serverContext, role: .server, expecting: serverExpects))
    }

    /// Connects and moves bytes until both sides are quiet.
    func start(pieceBytes: () -> Int = { .max }) throws {
        try server.activate()
        try client.activate()
        try pump(pieceBytes: pieceBytes)
    }

    func pump(pieceBytes: () -> Int = { .max }) throws {
        while true {
            let out = try client.deliver(to: server, pieceBytes: pieceBytes)
            let back = try server.deliver(to: client, pieceBytes: pieceBytes)
            if out + back == 0 { return }
        }
    }

    func finish() {
        for end in [client, server] where end.channel.isActive { end.channel.close(promise: nil) }
        for end in [client, server] { end.channel.embeddedEventLoop.run() }
    }
}

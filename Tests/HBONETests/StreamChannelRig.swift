import HBONE
import NIOCore
import NIOPosix
import Testing

/// Two tunnel connections over loopback and the channels of one stream at both ends.
final class StreamChannelRig: Sendable {
    typealias Initializer = @Sendable (TunnelStreamChannel) throws -> Void

    let rig: Rig
    let client: TunnelStreamChannel
    let server: TunnelStreamChannel
    /// The readers that stand in the channels; handlers leave their channel at its end.
    private let readers: NIOLoopBoundBox<[ObjectIdentifier: PulledReader]>

    /// Opens a stream and makes a channel of both its ends.
    init(client: @escaping Initializer, server: @escaping Initializer) async throws {
        rig = try await Rig()
        let rig = rig
        let address = try await rig.serve(.hold)
        let loop = rig.loop
        let opened = try await loop.flatSubmit {
            let promise = loop.makePromise(of: TunnelStreamChannel.self)
            rig.dialTunnel(address).assumeIsolated().whenComplete { result in
                switch result {
                case .success(let connection):
                    connection.open(ConnectRequest(authority: "10.0.0.1:80")) { answer in
                        promise.assumeIsolated().completeWith(
                            Result { try answer.get().0.makeChannel(initializer: client) })
                    }
                case .failure(let error): promise.fail(error)
                }
            }
            return promise.futureResult
        }.get()
        self.client = opened
        let accepted = try await rig.onLoop {
            try rig.heldStreams.value[0].makeChannel(initializer: server)
        }
        self.server = accepted
        readers = try await rig.onLoop {
            var readers: [ObjectIdentifier: PulledReader] = [:]
            for channel in [opened, accepted] {
                let reader = try? channel.pipeline.syncOperations.handler(type: PulledReader.self)
                readers[ObjectIdentifier(channel)] = reader
            }
            return NIOLoopBoundBox(readers, eventLoop: loop)
        }
    }

    /// Looks at the reader of a channel, on its loop. It stays known after the channel's end.
    func reader<T: Sendable>(
        of channel: TunnelStreamChannel, _ look: @escaping @Sendable (PulledReader) throws -> T
    ) async throws -> T {
        try await rig.onLoop {
            guard let reader = self.readers.value[ObjectIdentifier(channel)] else { throw ChannelError.eof }
            return try look(reader)
        }
    }

    /// Both ends as asynchronous channels.
    static func asynchronous() async throws -> (StreamChannelRig, client: AppChannel, server: AppChannel) {
        let rig = try await StreamChannelRig(client: { _ in }, server: { _ in })
        let (client, server) = (rig.client, rig.server)
        let pair = try await rig.rig.onLoop { (try Self.wrap(client), try Self.wrap(server)) }
        return (rig, pair.0, pair.1)
    }

    private static func wrap(_ channel: any Channel) throws -> AppChannel {
        try AppChannel(
            wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
    }
}

/// Reads nothing until it is told to; counts what came and how it ended.
final class PulledReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private(set) var bytes = 0
    private(set) var text = ""
    private(set) var hasEnded = false
    private(set) var isInactive = false
    private(set) var error: (any Error)?
    private(set) var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        try? context.channel.syncOptions?.setOption(.autoRead, value: false)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        bytes += buffer.readableBytes
        if text.utf8.count < 1024 { text += String(buffer: buffer) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { hasEnded = true }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { self.error = error }

    func channelInactive(context: ChannelHandlerContext) { isInactive = true }
}

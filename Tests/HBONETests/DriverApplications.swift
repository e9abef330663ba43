import Glibc
import NIOCore
import NIOPosix
import Synchronization
import Testing

typealias AppChannel = NIOAsyncChannel<ByteBuffer, ByteBuffer>

/// Applications at both ends of a tunnel, on loops of their own.
final class Applications: Sendable {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    private static func wrap(_ channel: any Channel) throws -> AppChannel {
        try channel.syncOptions?.setOption(ChannelOptions.allowRemoteHalfClosure, value: true)
        try channel.syncOptions?.setOption(ChannelOptions.maxMessagesPerRead, value: 1)
        return try AppChannel(
            wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
    }

    /// Connects and runs `body`; the connection is closed after it.
    func connect<R: Sendable>(
        _ address: SocketAddress,
        _ body: @Sendable (
            _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
        ) async throws -> R
    ) async throws -> R {
        let channel = try await ClientBootstrap(group: group)
            .channelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .connect(to: address) { channel in
                channel.eventLoop.makeCompletedFuture { try Self.wrap(channel) }
            }
        return try await channel.executeThenClose { try await body($0, $1) }
    }

    /// A server which runs `body` for every connection.
    func serve(
        _ body: @escaping @Sendable (
            NIOAsyncChannelInboundStream<ByteBuffer>, AppWriter
        ) async throws -> Void
    ) async throws -> SocketAddress {
        let server = try await ServerBootstrap(group: group)
            .serverChannelOption(ChannelOptions.backlog, value: 1024)
            .childChannelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture { try Self.wrap(channel) }
            }
        let address = try #require(server.channel.localAddress)
        Task {
            try await server.executeThenClose { connections in
                try await withThrowingDiscardingTaskGroup { tasks in
                    for try await connection in connections {
                        tasks.addTask {
                            // A broken connection ends its own task only.
                            let channel = connection.channel
                            try? await connection.executeThenClose {
                                try await body($0, AppWriter(writer: $1, channel: channel))
                            }
                        }
                    }
                }
            }
        }
        return address
    }

    /// Sends back what comes, and the end after it.
    func echo() async throws -> SocketAddress {
        try await serve { inbound, outbound in
            for try await bytes in inbound { try await outbound.write(bytes) }
            try await outbound.finish()
        }
    }

    func stop() async throws {
        try await group.shutdownGracefully()
    }
}

/// Writes of a server application; its end waits for the kernel to have all, as NIO drops what is queued otherwise.
struct AppWriter: Sendable {
    let writer: NIOAsyncChannelOutboundWriter<ByteBuffer>
    let channel: any Channel

    func write(_ bytes: ByteBuffer) async throws { try await writer.write(bytes) }

    func finish() async throws {
        try await channel.writeAndFlush(ByteBuffer())
        writer.finish()
    }
}

/// A long block of bytes without inner repetition, sent again and again: a reader knows at each byte whether
/// something was lost, doubled or moved. Slices and comparisons of whole buffers only, as unoptimised loops over
/// bytes are slow.
struct Pattern {
    private(set) var offset = 0

    /// A prime, so that no buffer size divides it.
    private static let period = 1_048_573
    private static let block: ByteBuffer = {
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15
        var block = ByteBuffer()
        while block.readableBytes < period {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            block.writeInteger(state)
        }
        block.moveWriterIndex(to: period)
        return block
    }()

    mutating func next(_ count: Int) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: count)
        while buffer.readableBytes < count {
            let start = offset % Self.period
            let length = min(count - buffer.readableBytes, Self.period - start)
            guard let piece = Self.block.getSlice(at: start, length: length) else { break }
            buffer.writeImmutableBuffer(piece)
            offset += length
        }
        return buffer
    }

    /// Nil if the bytes are the next ones, else the position where the first wrong piece begins.
    mutating func check(_ bytes: ByteBuffer) -> Int? {
        let before = offset
        return next(bytes.readableBytes) == bytes ? nil : before
    }
}

/// Closes with RST.
func resetNow(_ channel: any Channel) async throws {
    let provider = try #require(channel as? any SocketOptionProvider)
    try await provider.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
    try await channel.close()
}

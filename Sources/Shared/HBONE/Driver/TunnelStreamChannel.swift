package import NIOCore
import Synchronization

/// One CONNECT stream as a channel, so that handlers of other protocols can stand on it.
///
/// Reads are pulled: bytes stay with the stream, and their flow-control credit with us, until the pipeline asks.
/// Writes are bounded by the stream's and the connection's windows; above the water mark the channel is not writable.
/// Both directions end on their own: the peer's END_STREAM is `ChannelEvent.inputClosed`, `close(mode: .output)` sends
/// ours after what was written. `close()` is orderly when all was sent; otherwise, and with `abort()`, the peer sees a
/// reset and must not take what came for the whole. A reset by the peer and the end of the connection are errors, and
/// then the end of the channel. Lives on its connection's loop.
package final class TunnelStreamChannel: Channel {
    package let eventLoop: any EventLoop
    package let allocator = ByteBufferAllocator()
    package let parent: (any Channel)?
    /// Who opened the stream, as far as that is known.
    package let remoteAddress: SocketAddress?
    package var localAddress: SocketAddress? { nil }

    let closePromise: EventLoopPromise<Void>
    let activity = Atomic<Bool>(false)
    let writability = Atomic<Bool>(true)
    private let core: NIOLoopBound<StreamChannelCore>
    private let lazyPipeline = AtomicLazyReference<ChannelPipeline>()

    init(core: StreamChannelCore, loop: any EventLoop, parent: (any Channel)?, remoteAddress: SocketAddress?) {
        self.eventLoop = loop
        self.parent = parent
        self.remoteAddress = remoteAddress
        self.closePromise = loop.makePromise(of: Void.self)
        self.core = NIOLoopBound(core, eventLoop: loop)
    }

    package var pipeline: ChannelPipeline {
        lazyPipeline.load() ?? lazyPipeline.storeIfNil(ChannelPipeline(channel: self))
    }

    package var closeFuture: EventLoopFuture<Void> { closePromise.futureResult }
    package var isWritable: Bool { writability.load(ordering: .relaxed) }
    package var isActive: Bool { activity.load(ordering: .relaxed) }
    package var _channelCore: any ChannelCore { core.value }
    package var syncOptions: (any NIOSynchronousChannelOptions)? { core.value }

    /// On the loop only; `syncOptions` says which options there are.
    package func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) -> EventLoopFuture<Void> {
        guard eventLoop.inEventLoop else {
            return eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
        }
        return eventLoop.makeCompletedFuture { try core.value.setOption(option, value: value) }
    }

    /// On the loop only.
    package func getOption<Option: ChannelOption>(_ option: Option) -> EventLoopFuture<Option.Value> {
        guard eventLoop.inEventLoop else {
            return eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
        }
        return eventLoop.makeCompletedFuture { try core.value.getOption(option) }
    }

    /// Ends the stream at once, so that the peer sees a reset whatever was sent. On the loop.
    package func abort() {
        core.value.abort(.connectError)
    }

    /// Bytes written and not taken by the tunnel, and bytes received and not read; for metrics and tests. On the loop.
    package var queuedBytes: (outgoing: Int, incoming: Int) {
        (core.value.outgoingBytes, core.value.incomingBytes)
    }
}

extension HBONEStream {
    /// The stream as a channel, active when this returns. A server's stream is accepted before or in the same turn.
    /// - Parameter initializer: puts the handlers in; nothing is read before it returns. When it throws, the stream is
    ///   reset.
    package func makeChannel(
        limits: StreamChannelLimits = StreamChannelLimits(), remoteAddress: SocketAddress? = nil,
        initializer: (TunnelStreamChannel) throws -> Void
    ) throws -> TunnelStreamChannel {
        guard let context = connection.context else {
            reset(.connectError)
            throw ChannelError.ioOnClosedChannel
        }
        let core = StreamChannelCore(stream: self, limits: limits)
        let channel = TunnelStreamChannel(
            core: core, loop: context.eventLoop, parent: context.channel, remoteAddress: remoteAddress)
        do {
            try initializer(channel)
        } catch {
            reset(.connectError)
            channel.closePromise.fail(error)
            throw error
        }
        core.start(channel)
        return channel
    }
}

/// What a stream's channel may hold and hand over at a time.
package struct StreamChannelLimits: Sendable {
    /// Bytes written and not yet taken by the tunnel at which the channel is not writable, and at which it is again.
    package var highWaterBytes = 128 << 10
    package var lowWaterBytes = 32 << 10
    /// Bytes that one read brings, at most a piece more.
    package var readBytesMaximum = 64 << 10

    package init() {}
}

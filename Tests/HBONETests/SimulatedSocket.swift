import NIOCore
import NIOEmbedded

/// A TCP socket of NIO's behaviour below an embedded channel: a queue with water marks whose changes are told in the
/// middle of a write, a kernel that takes only so much, reads only when asked for. First handler of its pipeline.
final class SimulatedSocket: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let channel: EmbeddedChannel
    private let highWaterBytes: Int
    private let lowWaterBytes: Int
    private var context: ChannelHandlerContext?

    private var queue: [(bytes: ByteBuffer, promise: EventLoopPromise<Void>?)] = []
    private var queuedBytes = 0
    private var flushedCount = 0
    private var isFlushing = false
    /// What the kernel still takes.
    private(set) var roomBytes = 0
    /// What the kernel took and nobody fetched.
    private(set) var sent = ByteBuffer()
    private(set) var isOutputShut = false
    private(set) var isInputShut = false
    private(set) var wantsRead = false

    init(on loop: EmbeddedEventLoop, high: Int, low: Int, _ handler: some ChannelHandler) throws {
        channel = EmbeddedChannel(loop: loop)
        highWaterBytes = high
        lowWaterBytes = low
        try channel.pipeline.syncOperations.addHandlers([self, handler])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    var isOpen: Bool { channel.isActive }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    // MARK: The channel's side

    func read(context: ChannelHandlerContext) { wantsRead = true }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let bytes = unwrapOutboundIn(data)
        queue.append((bytes, promise))
        queuedBytes += bytes.readableBytes
        guard queuedBytes > highWaterBytes, channel.isWritable else { return }
        channel.isWritable = false
        context.fireChannelWritabilityChanged()
    }

    func flush(context: ChannelHandlerContext) {
        flushedCount = queue.count
        drain()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        isOutputShut = isOutputShut || mode == .output
        if mode == .output, !isInputShut {
            promise?.succeed()
        } else {
            for entry in queue { entry.promise?.fail(ChannelError.ioOnClosedChannel) }
            queue = []
            context.close(mode: .all, promise: promise)
        }
    }

    private func drain() {
        guard !isFlushing else { return }
        isFlushing = true
        while flushedCount > 0 {
            let count = min(roomBytes, queue[0].bytes.readableBytes)
            if count == 0, queue[0].bytes.readableBytes > 0 { break }
            if var piece = queue[0].bytes.readSlice(length: count) { sent.writeBuffer(&piece) }
            roomBytes -= count
            queuedBytes -= count
            if queue[0].bytes.readableBytes == 0 {
                flushedCount -= 1
                queue.removeFirst().promise?.succeed()
            }
            if queuedBytes < lowWaterBytes, !channel.isWritable {
                channel.isWritable = true
                context?.fireChannelWritabilityChanged()
            }
        }
        isFlushing = false
    }

    // MARK: The network's side

    /// The kernel takes that much more; at most `limit` in all.
    func makeRoom(_ bytes: Int, limit: Int = .max) {
        roomBytes = min(roomBytes + bytes, limit)
        if isOpen { drain() }
    }

    /// Fetches at most that much of what was sent.
    func fetch(_ bytes: Int) -> ByteBuffer {
        let piece = sent.readSlice(length: min(bytes, sent.readableBytes)) ?? ByteBuffer()
        sent.discardReadBytes()
        return piece
    }

    /// Bytes arrive and are read, asked for or not.
    func deliver(_ bytes: ByteBuffer) {
        guard isOpen, bytes.readableBytes > 0, let context else { return }
        wantsRead = false
        context.fireChannelRead(wrapInboundOut(bytes))
        context.fireChannelReadComplete()
    }

    /// The peer's end arrives: NIO completes a read of nothing, then tells the end or, after our own, closes.
    func deliverEnd() {
        guard isOpen, !isInputShut, let context else { return }
        isInputShut = true
        context.fireChannelReadComplete()
        guard isOpen else { return }
        if isOutputShut {
            channel.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        }
    }

    /// The connection is lost without a word.
    func lose() {
        channel.close(promise: nil)
    }
}

extension SimulatedSocket {
    typealias InboundOut = ByteBuffer
}

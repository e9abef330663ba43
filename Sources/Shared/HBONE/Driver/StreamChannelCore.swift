import DequeModule
import NIOCore
import Synchronization

/// The state of one stream's channel. Loop-bound; the channel that others see only leads here.
final class StreamChannelCore {
    /// Peer to pipeline.
    enum Input {
        case open
        /// The peer's end is here, perhaps behind held bytes.
        case ended
        /// The pipeline was told of the end, or wants nothing more.
        case delivered
    }

    /// Pipeline to peer.
    enum Output {
        case open
        /// The end goes out behind what is queued.
        case ending
        case ended
    }

    struct Write {
        var bytes: ByteBuffer
        let promise: EventLoopPromise<Void>?
    }

    let connection: HBONEConnection
    let id: HTTP2StreamID
    /// `nil` before the start and after the end.
    var channel: TunnelStreamChannel?
    var hasEnded = false

    var input = Input.open
    /// Received and not yet read; not credited to the peer.
    var held = Deque<ByteBuffer>()
    var incomingBytes = 0
    /// The pipeline asked for bytes and has got none since.
    var isReadWanted = false
    var isDelivering = false
    var isAutoReading = true
    var allowsHalfClosure = true

    var output = Output.open
    var writes = Deque<Write>()
    /// Of the writes, how many are flushed.
    var flushedCount = 0
    var outgoingBytes = 0
    var isPushing = false
    var endPromise: EventLoopPromise<Void>?
    var waterMark: ChannelOptions.Types.WriteBufferWaterMark
    let readBytesMaximum: Int

    // Known to the connection.
    var needsFlush = false
    var isQueuedToSend = false

    init(stream: HBONEStream, limits: StreamChannelLimits) {
        connection = stream.connection
        id = stream.id
        waterMark = .init(low: limits.lowWaterBytes, high: limits.highWaterBytes)
        readBytesMaximum = limits.readBytesMaximum
    }

    /// Handlers are in place: bytes may come.
    func start(_ channel: TunnelStreamChannel) {
        self.channel = channel
        channel.activity.store(true, ordering: .relaxed)
        channel.pipeline.fireChannelRegistered()
        connection.attach(.channel(self), to: id)
        guard !hasEnded else { return }
        channel.pipeline.fireChannelActive()
        readIfAutomatic()
    }

    /// Through the pipeline, where a handler may hold the read back.
    func readIfAutomatic() {
        if isAutoReading { channel?.pipeline.read() }
    }

    // MARK: - Received bytes

    func receive(_ bytes: ByteBuffer, creditBytes: Int) {
        guard !hasEnded, input == .open else { return connection.credit(id, creditBytes) }
        // Padding is consumed by the machine: what is to be credited is what is held.
        incomingBytes += creditBytes
        if bytes.readableBytes > 0 { held.append(bytes) }
        needsFlush = true
    }

    /// After a read of the connection: what the pipeline asked for goes up.
    func flushIfNeeded() {
        needsFlush = false
        deliver()
    }

    func tunnelEnded() {
        guard !hasEnded, input == .open else { return }
        input = .ended
        // Attached late, nobody flushes after this.
        if !needsFlush { deliver() }
    }

    /// NO_ERROR says that the peer wants no more from us, and that what it sent is whole (RFC 9113 section 8.1).
    func tunnelReset(_ code: HTTP2ErrorCode) {
        guard !hasEnded else { return }
        guard code == .noError, input != .open else {
            return fail(HBONEError.streamReset(code))
        }
        output = .ended
        failWrites(ChannelError.outputClosed)
        finishIfDone()
    }

    func tunnelClosed(_ reason: HBONECloseReason) {
        // Both directions were over: what is held is whole, and is still to be read.
        // The connection's own flush will not come any more.
        if input == .ended, output == .ended { return flushIfNeeded() }
        fail(HBONEError.connectionClosed(reason))
    }

    /// Hands up what is held, as much as one read may bring, again and again while reads are asked for.
    func deliver() {
        guard !isDelivering, let channel else { return }
        isDelivering = true
        defer { isDelivering = false }
        while isReadWanted, !hasEnded, !held.isEmpty {
            // Before anybody is told: a handler that asks again while it is given bytes asks for the next ones.
            isReadWanted = false
            var bytes = 0
            while bytes < readBytesMaximum, let buffer = held.popFirst() {
                bytes += buffer.readableBytes
                credit(buffer.readableBytes)
                channel.pipeline.syncOperations.fireChannelRead(NIOAny(buffer))
                if hasEnded { return }
            }
            channel.pipeline.fireChannelReadComplete()
            readIfAutomatic()
        }
        guard isReadWanted, !hasEnded, held.isEmpty, input == .ended else { return }
        inputEnded(channel)
    }

    private func credit(_ bytes: Int) {
        incomingBytes -= bytes
        connection.credit(id, bytes)
    }

    private func inputEnded(_ channel: TunnelStreamChannel) {
        input = .delivered
        isReadWanted = false
        guard allowsHalfClosure else { return end(nil) }
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        finishIfDone()
    }
}

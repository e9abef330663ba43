package import NIOCore

/// TLS on a channel: bytes of the wire below, plain text above. First in its pipeline, loop-bound, used once.
///
/// Handshake starts when the channel is active. Then fires, in this order: `TLSHandshakeFinished` once as user event,
/// plain text as reads. A failure is fired once as `TLSError`, after the alert for the peer was sent, and closes the
/// channel. Writes wait for the handshake and for `flush`, which sends everything collected as one buffer.
/// Write promises complete with the write of their cipher text.
///
///     idle ─active→ handshaking ─verified→ open ─close, close_notify→ closed
///                        └──────failure───────┴─→ refusing ─peer closed, 1 s→ closed
package final class TLSHandler: ChannelDuplexHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer
    package typealias OutboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    enum State {
        case idle
        case handshaking
        case open
        /// The alert is sent, our side is closed; the peer has a moment to read it.
        case refusing
        case closed
    }

    let party: TLSSession.Party
    let handshakeTimeout: TimeAmount
    let recordsPerKeyMax: Int
    var state = State.idle
    /// Freed in `handlerRemoved`.
    var session: TLSSession?
    var allocator = ByteBufferAllocator()
    /// Ends a handshake or a refusal that takes too long.
    var deadline: Scheduled<Void>?
    var closePromise: EventLoopPromise<Void>?

    var pendingBuffers: [ByteBuffer] = []
    var pendingPromises: [EventLoopPromise<Void>] = []
    var flushAfterHandshake = false
    /// Asked for above, and none has come since: the part of a record is none.
    var wantsPlaintext = false
    /// The peer has said that it sends no more.
    var hasInputEnded = false

    /// - `role` must be the context's own.
    /// - `handshakeTimeout`: from the channel being active to the peer being verified.
    package convenience init(
        context: TLSContext, role: TLSContext.Role, expecting: PeerExpectation,
        handshakeTimeout: TimeAmount = .seconds(10)
    ) {
        self.init(
            context: context, role: role, expecting: expecting, handshakeTimeout: handshakeTimeout,
            recordsPerKeyMax: TLSLimits.recordsPerKeyMax)
    }

    /// - `recordsPerKeyMax`: records sent under one key before it is changed.
    package convenience init(
        context: TLSContext, role: TLSContext.Role, expecting: PeerExpectation, handshakeTimeout: TimeAmount,
        recordsPerKeyMax: Int
    ) {
        precondition(role == context.role, "a \(context.role) context used as \(role)")
        self.init(.member(context, expecting), handshakeTimeout, recordsPerKeyMax)
    }

    /// To a server outside of the mesh. Fires `OriginHandshakeFinished` instead, and the server's close_notify is
    /// `ChannelEvent.inputClosed`: what we have to say may still be sent.
    package convenience init(
        origin: OriginContext, expecting: OriginExpectation, handshakeTimeout: TimeAmount = .seconds(10)
    ) {
        self.init(.origin(origin, expecting), handshakeTimeout, TLSLimits.recordsPerKeyMax)
    }

    private init(_ party: TLSSession.Party, _ handshakeTimeout: TimeAmount, _ recordsPerKeyMax: Int) {
        self.party = party
        self.handshakeTimeout = handshakeTimeout
        self.recordsPerKeyMax = recordsPerKeyMax
    }

    package func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { start(context) }
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        end(failing: .closed)
        session = nil
    }

    package func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    package func channelInactive(context: ChannelHandlerContext) {
        let unfinished = state == .handshaking
        end(failing: .closed)
        if unfinished { context.fireErrorCaught(TLSError.closedDuringHandshake) }
        context.fireChannelInactive()
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let session, state == .handshaking || state == .open else { return }
        session.wire.receive(unwrapInboundIn(data))
        if state == .handshaking { continueHandshake(context, session) }
        readPlaintext(context, session)
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        // Above, nobody reads before the handshake is done, so we do; and who waits for plain text does not ask again.
        let isShort = state == .open && wantsPlaintext && !hasInputEnded
        if isShort || state == .handshaking || state == .refusing { context.read() }
        // A read that brings nothing would say there that the peer has ended.
        if !(isShort && isOrigin) { context.fireChannelReadComplete() }
    }

    package func read(context: ChannelHandlerContext) {
        wantsPlaintext = true
        context.read()
    }

    private var isOrigin: Bool {
        if case .origin = party { true } else { false }
    }

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard state != .closed, state != .refusing else {
            promise?.fail(TLSError.closed)
            return
        }
        pendingBuffers.append(unwrapOutboundIn(data))
        if let promise { pendingPromises.append(promise) }
    }

    package func flush(context: ChannelHandlerContext) {
        guard state == .open, let session else {
            flushAfterHandshake = true
            return
        }
        sendPending(context, session)
    }

    package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        switch (mode, state) {
        case (.input, _), (_, .closed):
            context.close(mode: mode, promise: promise)
        case (.output, .refusing):
            promise?.succeed()
        case (_, .refusing):
            joinClose(promise)
        case (_, .idle), (_, .handshaking):
            end(failing: .closed)
            context.close(mode: .all, promise: promise)
        case (.output, .open):
            sendEnd(context)
            context.close(mode: .output, promise: promise)
        case (_, .open):
            sendEnd(context)
            end(failing: .closed)
            context.close(mode: .all, promise: promise)
        }
    }
}

@available(*, unavailable)
extension TLSHandler: Sendable {}

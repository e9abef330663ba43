import DequeModule
package import HBONE
package import NIOCore

/// One HTTP/2 connection of users: the last handler of a channel, be it a stream of a tunnel or a socket. Frames and
/// rules are those of `HTTP2Session`; what is written in a turn leaves with one flush at its end. Starts when it is
/// added to an active channel, or when the channel becomes active. Not Sendable; all calls on the channel's loop.
package final class MessageConnection: ChannelInboundHandler {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    enum Phase {
        case idle
        case open
        /// No new streams; ends with the last one.
        case draining
        case ended(MessageConnectionEnd)
    }

    package let role: HTTP2Session.Role
    let limits: MessageLimits
    var session: HTTP2Session
    var phase = Phase.idle
    var streams: [HTTP2StreamID: MessageStream] = [:]
    var context: ChannelHandlerContext?

    /// Bytes that are not a whole event yet.
    var input = ByteBuffer()
    let output: TurnOutput
    var isWritable = true
    /// Streams whose users got something this turn.
    var unpaused: [MessageStream] = []
    /// Streams with something to send that may not be sent yet, in turn.
    var blocked = Deque<MessageStream>()
    var isResuming = false
    /// Blocked streams are to be looked at, at the end of the turn.
    var needsResume = false
    /// The last GOAWAY has been exchanged.
    var isDrainConfirmed = false
    /// Ends the wait for the peer's SETTINGS, later that for the end of a drain.
    var timer: Scheduled<Void>?

    var onRequest: ((RequestStream) -> Void)?
    var onRefused: ((HTTP2RefusedRequest) -> Void)?
    var onEnd: ((MessageConnectionEnd) -> Void)?
    /// Client: whether another request may be sent could have changed.
    package var onAvailabilityChange: (() -> Void)?

    /// - Parameters:
    ///   - onRequest: server: a request came. Its user is set within this call.
    ///   - onRefused: server: a request was answered here, for a reason that only HTTP/2 knows.
    ///   - onEnd: called once, after all streams were told.
    package init(
        role: HTTP2Session.Role, limits: MessageLimits? = nil, onRequest: ((RequestStream) -> Void)? = nil,
        onRefused: ((HTTP2RefusedRequest) -> Void)? = nil, onEnd: ((MessageConnectionEnd) -> Void)? = nil
    ) {
        self.role = role
        let limits = limits ?? MessageLimits(role: role)
        self.limits = limits
        self.output = TurnOutput(keptBytesMaximum: limits.keptOutputBytesMaximum)
        self.session = HTTP2Session(role: role, purpose: .messages, limits: limits.http2)
        self.onRequest = onRequest
        self.onRefused = onRefused
        self.onEnd = onEnd
    }

    package var isClosed: Bool {
        if case .ended = phase { true } else { false }
    }

    /// Client: another request may be sent now.
    package var canOpen: Bool {
        guard case .open = phase else { return false }
        return session.canOpenStreamNow()
    }

    package var streamCount: Int { streams.count }

    /// What has come and gone; for tests and metrics.
    package var diagnostics: HTTP2Diagnostics { session.diagnostics }

    /// Bytes held for streams in both directions; for tests and metrics.
    package var heldBytes: Int {
        streams.values.reduce(session.unconsumedBytes + output.frames.readableBytes) { $0 + $1.pendingBytes }
    }

    /// Client: sends the head of a request; with `endStream` it has no content. The answer comes when it is read.
    package func open(
        _ head: HTTP2RequestHead, endStream: Bool, user: any MessageStreamUser
    ) throws(HTTP2OpenRefusal) -> EndpointStream {
        guard canOpen else { throw session.canOpenStream ? .connectionClosing : refusal }
        let id = try session.openRequest(head, endStream: endStream, output: &output.frames)
        let stream = EndpointStream(id, on: self)
        stream.user = user
        streams[id] = stream
        if endStream { stream.endWasSent() }
        scheduleFlush()
        return stream
    }

    private var refusal: HTTP2OpenRefusal {
        guard case .open = phase else { return .connectionClosing }
        return .tooManyStreams(open: session.openStreamCount, openMax: session.peerMaxConcurrentStreams)
    }

    /// No new streams; the connection ends with the last one. What crosses on the wire is still served. With a
    /// deadline, what is left then is cut.
    package func drain(within deadline: TimeAmount? = nil) {
        guard case .open = phase else { return }
        phase = .draining
        if let deadline {
            timer?.cancel()
            timer = context?.eventLoop.assumeIsolated().scheduleTask(in: deadline) { self.close() }
        }
        onAvailabilityChange?()
        if role == .server {
            session.goAway(code: .noError, lastStream: .graceful, output: &output.frames)
            // Its answer comes behind all that the peer sent before it knew. Source: RFC 9113 section 6.8.
            session.ping(opaque: Self.drainPing, output: &output.frames)
        } else {
            session.goAway(code: .noError, lastStream: .exact, output: &output.frames)
            isDrainConfirmed = true
        }
        scheduleFlush()
    }

    static let drainPing: UInt64 = 0x6170_7573

    /// Ends the connection at once; every stream's user is told. Without effect after the end.
    package func close() { close(.closed) }

    func close(_ reason: MessageConnectionEnd) {
        guard !isClosed else { return }
        sendWaiting()
        session.goAway(code: .noError, lastStream: .exact, output: &output.frames)
        writeOut()
        ended(reason)
        closeChannel()
    }

    /// The only way to the end; the first reason wins.
    func ended(_ reason: MessageConnectionEnd) {
        guard !isClosed else { return }
        phase = .ended(reason)
        timer?.cancel()
        let orphans = streams.values.sorted { $0.id < $1.id }
        streams = [:]
        blocked.removeAll()
        output.frames = ByteBuffer()
        input = ByteBuffer()
        for stream in orphans { stream.fail(.connectionClosed(reason)) }
        pauseStreams()
        let (report, changed) = (onEnd, onAvailabilityChange)
        onRequest = nil
        onRefused = nil
        onEnd = nil
        onAvailabilityChange = nil
        changed?()
        report?(reason)
    }

    /// Behind all that was written: a channel that is closed over its own bytes tells its peer of a torn end.
    func closeChannel() {
        guard let context else { return }
        let channel = context.channel
        let promise = context.eventLoop.makePromise(of: Void.self)
        // A peer that reads nothing must not keep the channel.
        let bound = context.eventLoop.scheduleTask(in: limits.closingTimeout) { channel.close(promise: nil) }
        promise.futureResult.whenComplete { _ in
            bound.cancel()
            channel.close(promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: promise)
    }
}

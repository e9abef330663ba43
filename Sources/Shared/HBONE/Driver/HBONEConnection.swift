import DequeModule
package import NIOCore

/// All CONNECT streams of one tunnel connection: the last handler above TLS (or above plain TCP in tests).
///
/// Bytes in go through the HTTP/2 machine; the DATA of a stream goes straight to its relay's TCP channel, and a relay's
/// bytes go straight into frames. There are no child channels. What is written during a loop turn leaves with one
/// flush at its end. Starts at once if added to an active channel, otherwise when the channel becomes active: in
/// production the owner adds it after the TLS handshake. Not Sendable; all calls on the channel's loop.
package final class HBONEConnection: ChannelDuplexHandler {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundIn = Never
    package typealias OutboundOut = ByteBuffer
    package typealias OpenCompletion = (Result<(HBONEStream, ConnectResponse), HBONEError>) -> Void

    enum Phase {
        case idle
        /// Our SETTINGS are out, the peer's have not come.
        case starting
        case ready
        /// No new streams; ends with the last one.
        case draining
        case closed(HBONECloseReason)
    }

    /// Who takes what comes on a stream.
    enum Owner {
        case opening(OpenCompletion)
        case nobody(EarlyArrivals)
        case joined(StreamUser)
    }

    /// What came before the stream was joined. Bounded by the stream's receive window: nothing is credited here.
    struct EarlyArrivals {
        var data: [ByteBuffer] = []
        var creditBytes = 0
        var hasEnded = false
        var resetCode: HTTP2ErrorCode?
    }

    package let role: HTTP2Session.Role
    let limits: HBONELimits
    var session: HTTP2Session
    var phase = Phase.idle
    var owners: [HTTP2StreamID: Owner] = [:]
    var context: ChannelHandlerContext?

    /// Bytes that are not a whole event yet.
    var input = ByteBuffer()
    let output: TurnOutput
    var isWritable = true
    /// Who got bytes and has not been told to flush.
    var unflushed: [StreamUser] = []
    /// Who wants to send and may not, in order of arrival.
    var blocked = Deque<StreamUser>()
    var isResuming = false
    /// A user is within `send`.
    var isSending = false
    /// Blocked users are to be looked at, at the end of the turn.
    var needsResume = false
    var keepAlive = KeepAlive()
    /// Server: a drain was asked for before the peer's SETTINGS were here.
    var drainsWhenReady = false

    var onConnect: ((HBONEStream, ConnectRequest) -> Void)?
    var onClosed: ((HBONECloseReason) -> Void)?
    var onReady: (() -> Void)?
    /// The pool's: a stream ended, or the connection changed in a way that matters to who may use it.
    var onAvailabilityChange: (() -> Void)?

    /// No new streams from here on: the certificate of one end expires. Nil: no such time.
    package var notAfter: NIODeadline?

    /// - Parameters:
    ///   - onConnect: server: a CONNECT request came; answer through the stream, now or later.
    ///   - onReady: the peer's SETTINGS are here.
    ///   - onClosed: called once, after all streams were told.
    package init(
        role: HTTP2Session.Role, limits: HBONELimits? = nil,
        onConnect: ((HBONEStream, ConnectRequest) -> Void)? = nil, onReady: (() -> Void)? = nil,
        onClosed: ((HBONECloseReason) -> Void)? = nil
    ) {
        self.role = role
        let limits = limits ?? HBONELimits(role: role)
        self.limits = limits
        self.output = TurnOutput(keptBytesMaximum: limits.keptOutputBytesMaximum)
        self.session = HTTP2Session(role: role, limits: limits.http2)
        self.onConnect = onConnect
        self.onReady = onReady
        self.onClosed = onClosed
    }

    /// The peer's SETTINGS are here and streams may be used.
    package var isReady: Bool {
        switch phase {
        case .ready: true
        case .idle, .starting, .draining, .closed: false
        }
    }

    /// Why the connection ended, if it has.
    package var closeReason: HBONECloseReason? {
        if case .closed(let reason) = phase { reason } else { nil }
    }

    package var isClosed: Bool { closeReason != nil }

    /// Client: another stream may be opened now.
    package var canOpenStream: Bool {
        guard isReady, session.canOpenStream else { return false }
        guard let notAfter else { return true }
        return NIODeadline.now() < notAfter
    }

    package var openStreamCount: Int { owners.count }

    /// The peer's limit on our streams.
    package var peerMaxConcurrentStreams: Int { session.peerMaxConcurrentStreams }

    /// Bytes of the tunnel waiting in this handler: frames to be written and received bytes not yet joined to a relay.
    package var bufferedBytes: Int {
        owners.values.reduce(output.waitingBytes + input.readableBytes) { sum, owner in
            if case .nobody(let early) = owner { sum + early.creditBytes } else { sum }
        }
    }

    /// Client: sends a CONNECT request. The completion is called exactly once, on the loop: a stream to join after 200,
    /// an error after anything else.
    package func open(_ request: ConnectRequest, completion: @escaping OpenCompletion) {
        guard canOpenStream else {
            completion(.failure(closeReason.map(HBONEError.connectionClosed) ?? .noFreeStream))
            return
        }
        do {
            let id = try session.openStream(request, output: &output.frames)
            owners[id] = .opening(completion)
            scheduleFlush()
        } catch {
            completion(.failure(.unsendable("\(error)")))
        }
    }

    /// Ends the connection at once; every stream's relay gets the reason. Without effect after the end.
    package func close(_ reason: HBONECloseReason) {
        guard !isClosed else { return }
        session.goAway(code: .noError, lastStream: .exact, output: &output.frames)
        writeOut()
        ended(reason)
        context?.close(mode: .all, promise: nil)
    }

    /// The only way to the end; the first reason wins. Everyone who waits is told exactly once.
    func ended(_ reason: HBONECloseReason) {
        guard !isClosed else { return }
        phase = .closed(reason)
        keepAlive.stop()
        let orphans = owners
        owners = [:]
        blocked.removeAll()
        output.frames = ByteBuffer()
        input = ByteBuffer()
        for owner in orphans.values {
            switch owner {
            case .opening(let completion): completion(.failure(.connectionClosed(reason)))
            case .nobody: break
            case .joined(let user): user.tunnelClosed(reason)
            }
        }
        unflushed.removeAll()
        let report = onClosed
        let changed = onAvailabilityChange
        onConnect = nil
        onReady = nil
        onClosed = nil
        onAvailabilityChange = nil
        changed?()
        report?(reason)
    }
}

import DequeModule
package import HBONE
package import NIOCore

/// One request and its answer on a connection, seen from our side: `RequestStream` towards the caller, `EndpointStream`
/// towards the endpoint.
///
/// What comes is kept until the user reads, and its flow-control credit with it: `read` says that all which was handed
/// over before has been taken. What is written waits for the windows; `takesBytes` says when to stop. Not Sendable; all
/// calls on the connection's loop.
package class MessageStream {
    enum Arrival {
        case head(HTTP2ResponseHead, endStream: Bool)
        case content(ByteBuffer)
        case end([HTTP2Field]?)
    }

    enum End {
        case plain
        case trailers([HTTP2Field])
    }

    package let id: HTTP2StreamID
    /// Who takes what comes; let go when the stream is over.
    package var user: (any MessageStreamUser)?
    let connection: MessageConnection

    private var arrivals = Deque<Arrival>()
    private var isReading = false
    /// The user got something and has not been told of the pause.
    private(set) var needsPause = false
    /// Handed over and not said to be taken.
    private var handedBytes = 0
    /// The peer's side has ended, whether or not that was read.
    private(set) var hasPeerEnded = false

    private(set) var pending = Deque<ByteBuffer>()
    private(set) var pendingBytes = 0
    private var end: End?
    private(set) var isEndSent = false
    /// A server's content waits for the head of its answer.
    var isAnswered = true
    /// Waits in the connection's queue.
    var isQueued = false
    /// Nothing more comes or goes.
    package private(set) var isOver = false

    init(_ id: HTTP2StreamID, on connection: MessageConnection) {
        self.id = id
        self.connection = connection
    }

    // MARK: - What comes

    /// Asks for more, and says that what came before was taken. The user gets what is there within this call, else as
    /// it comes until the next pause.
    package func read() {
        guard !isOver else { return }
        connection.credit(id, handedBytes)
        handedBytes = 0
        guard !isReading else { return }
        isReading = true
        guard !arrivals.isEmpty else { return }
        while !isOver, let arrival = arrivals.popFirst() { hand(arrival) }
        pause()
    }

    func arrived(_ arrival: Arrival) {
        guard !isOver else { return }
        if case .end = arrival { hasPeerEnded = true }
        guard isReading, arrivals.isEmpty else { return arrivals.append(arrival) }
        if !needsPause {
            needsPause = true
            connection.unpaused.append(self)
        }
        hand(arrival)
    }

    private func hand(_ arrival: Arrival) {
        switch arrival {
        case .head(let head, let endStream): user?.receive(head, endStream: endStream)
        case .content(let bytes):
            handedBytes += bytes.readableBytes
            user?.receive(bytes)
        case .end(let trailers):
            let last = user
            if connection.role == .client, isEndSent || connection.isClosed { finish() }
            last?.receiveEnd(trailers)
        }
    }

    /// What came this turn was handed over.
    func pause() {
        needsPause = false
        guard !isOver, isReading else { return }
        isReading = false
        user?.paused()
    }

    // MARK: - What goes

    /// Whether the user should go on writing.
    package var takesBytes: Bool {
        !isOver && connection.takesBytes && pendingBytes < connection.limits.streamHighWaterBytes
    }

    /// A piece of content. Kept until the windows take it; dropped when the stream is over or its end was written.
    package func write(_ bytes: ByteBuffer) {
        guard !isOver, end == nil, bytes.readableBytes > 0 else { return }
        pending.append(bytes)
        pendingBytes += bytes.readableBytes
        connection.send(self)
    }

    /// The end of our message, behind all that was written. Empty trailers are none.
    package func writeEnd(_ trailers: [HTTP2Field]? = nil) {
        guard !isOver, end == nil else { return }
        end = trailers.map { $0.isEmpty ? .plain : .trailers($0) } ?? .plain
        connection.send(self)
    }

    /// Frames leave at the end of the turn anyway, all streams' together.
    package func flush() { connection.scheduleFlush() }

    /// Ends the stream at once if it is not over: the peer must not take what it got for whole. The user hears no more.
    package func abort(_ code: HTTP2ErrorCode) {
        guard !isOver else { return }
        connection.reset(id, code)
        finish()
    }

    var hasSomethingToSend: Bool { !isOver && isAnswered && (pendingBytes > 0 || (end != nil && !isEndSent)) }

    /// Sends what the windows allow, at most `limit` bytes; whether something is left.
    func sendPending(limit: Int) -> Bool {
        guard isAnswered else { return false }
        var left = limit
        while left > 0, var piece = pending.popFirst() {
            let isLast = pending.isEmpty && piece.readableBytes <= left
            let endsHere = isLast && isPlainEnd
            let taken = connection.sendContent(id, &piece, endStream: endsHere, limit: left)
            left -= taken
            pendingBytes -= taken
            if piece.readableBytes > 0 {
                pending.prepend(piece)
                if taken == 0 { break }
            } else if endsHere {
                endWasSent()
            }
        }
        guard pending.isEmpty, !isEndSent, !isOver, let end else { return pendingBytes > 0 }
        switch end {
        case .plain: connection.sendEnd(id)
        case .trailers(let fields): connection.sendTrailers(id, fields)
        }
        endWasSent()
        return false
    }

    private var isPlainEnd: Bool {
        if case .plain = end { true } else { false }
    }

    /// The head was all there is to our message.
    func endWasSent() {
        isEndSent = true
        end = end ?? .plain
        guard connection.role == .server else {
            // A client waits for the answer.
            if hasPeerEnded, arrivals.isEmpty { finish() }
            return
        }
        if !hasPeerEnded { connection.reset(id, .noError) }
        finish()
    }

    // MARK: - Ends

    /// An endpoint that has answered in full may cut the rest of the request off. Source: RFC 9113 section 8.1.
    func fail(_ failure: MessageStreamFailure) {
        guard !isOver else { return }
        if connection.role == .client, hasPeerEnded {
            pending.removeAll()
            pendingBytes = 0
            isEndSent = true
            end = end ?? .plain
            if arrivals.isEmpty { finish() }
            return
        }
        let last = user
        finish()
        last?.failed(failure)
    }

    private func finish() {
        isOver = true
        user = nil
        arrivals.removeAll()
        pending.removeAll()
        pendingBytes = 0
        connection.remove(self)
    }
}

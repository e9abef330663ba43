import DequeModule
package import HBONE
import MeshModel
import NIOCore

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
        case end(HeaderLines?)
    }

    enum End {
        case plain
        case trailers(HeaderLines)
    }

    package let id: HTTP2StreamID
    /// Who takes what comes; let go when the stream is over.
    package var user: (any MessageStreamUser)?
    let connection: MessageConnection

    private var arrivals = Deque<Arrival>()
    /// The end of the peer's message, when it waits behind `arrivals`: most requests are a head and this.
    private var arrivedEnd: Arrival?
    private var isReading = false
    /// The user got something and has not been told of the pause.
    private(set) var needsPause = false
    /// Handed over and not said to be taken.
    private var handedBytes = 0
    /// The peer's side has ended, whether or not that was read.
    private(set) var hasPeerEnded = false

    var pending = Deque<ByteBuffer>()
    var pendingBytes = 0
    var end: End?
    var isEndSent = false
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
        guard hasArrivals else { return }
        while !isOver, let arrival = arrivals.popFirst() { hand(arrival) }
        if !isOver, let last = arrivedEnd {
            arrivedEnd = nil
            hand(last)
        }
        pause()
    }

    /// Something came that was not handed over.
    var hasArrivals: Bool { !arrivals.isEmpty || arrivedEnd != nil }

    func arrived(_ arrival: Arrival) {
        guard !isOver else { return }
        if case .end = arrival { hasPeerEnded = true }
        guard isReading, !hasArrivals else {
            if hasPeerEnded { arrivedEnd = arrival } else { arrivals.append(arrival) }
            return
        }
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

    // MARK: - Ends

    /// Ends the stream at once if it is not over: the peer must not take what it got for whole. The user hears no more.
    package func abort(_ code: HTTP2ErrorCode) {
        guard !isOver else { return }
        connection.reset(id, code)
        finish()
    }

    /// An endpoint that has answered in full may cut the rest of the request off. Source: RFC 9113 section 8.1.
    func fail(_ failure: MessageStreamFailure) {
        guard !isOver else { return }
        if connection.role == .client, hasPeerEnded {
            pending.removeAll()
            pendingBytes = 0
            isEndSent = true
            end = end ?? .plain
            if !hasArrivals { finish() }
            return
        }
        let last = user
        finish()
        last?.failed(failure)
    }

    func finish() {
        isOver = true
        user = nil
        arrivals.removeAll()
        arrivedEnd = nil
        pending.removeAll()
        pendingBytes = 0
        connection.remove(self)
    }
}

internal import HBONE
internal import NIOCore
internal import WaypointHTTP
internal import WaypointRoute

/// Where a request came from and its answer goes to. A closed list, so that a message pays for a comparison and not for
/// a call through a protocol.
enum CallerSide {
    case http1(RequestDoor)
    case http2(CallerStream)

    var call: Call {
        switch self {
        case .http1(let door): door.call
        case .http2(let stream): stream.call
        }
    }

    /// The caller speaks HTTP/2.
    var isHTTP2: Bool {
        switch self {
        case .http1: false
        case .http2: true
        }
    }

    /// The caller takes bytes of the answer.
    var takesBytes: Bool {
        switch self {
        case .http1(let door): door.takesBytes
        case .http2(let stream): stream.takesBytes
        }
    }

    /// No other request is welcome behind this one.
    var isDraining: Bool {
        switch self {
        case .http1(let door): door.isDraining
        case .http2: false
        }
    }

    /// The head of an answer, interim ones too.
    /// - Parameter framing: of a body that is not sent too, as in the answer to HEAD.
    /// - Parameter keepAlive: another request may follow on the connection.
    func write(_ head: ResponseHead, framing: BodyFraming, keepAlive: Bool) {
        switch self {
        case .http1(let door): door.write(head, framing: framing, keepAlive: keepAlive)
        case .http2(let stream): stream.write(head, framing: framing)
        }
    }

    func write(_ body: ByteBuffer) {
        switch self {
        case .http1(let door): door.write(body)
        case .http2(let stream): stream.write(body)
        }
    }

    func end(_ trailers: HeaderList?) {
        switch self {
        case .http1(let door): door.end(trailers)
        case .http2(let stream): stream.end(trailers)
        }
    }

    func flush() {
        switch self {
        case .http1(let door): door.flush()
        case .http2(let stream): stream.flush()
        }
    }

    /// A whole answer of our own.
    func send(_ reply: LocalReply, keepAlive: Bool) {
        write(reply.head, framing: .length(reply.body.utf8.count), keepAlive: keepAlive)
        if !reply.body.isEmpty { write(ByteBuffer(string: reply.body)) }
        end(nil)
        flush()
    }

    /// The exchange takes bytes of the request again, or has changed otherwise.
    func resume() {
        switch self {
        case .http1(let door): door.resume()
        case .http2(let stream): stream.resume()
        }
    }

    /// The exchange is over; another may follow if `keepAlive`.
    func exchangeEnded(keepAlive: Bool) {
        switch self {
        case .http1(let door): door.exchangeEnded(keepAlive: keepAlive)
        case .http2(let stream): stream.exchangeEnded()
        }
    }

    /// An answer was torn: the caller must not take it for whole.
    func abort() {
        switch self {
        case .http1(let door): door.abort()
        case .http2(let stream): stream.abort()
        }
    }

    /// What follows is no HTTP; the future is told when the relay has all that came. `nil`: this side has no way to
    /// change protocols.
    func replace(by relay: Relay) throws -> EventLoopFuture<Void>? {
        switch self {
        case .http1(let door): try door.replace(by: relay)
        case .http2: nil
        }
    }
}

internal import HBONE
internal import NIOCore
internal import WaypointHTTP
internal import WaypointRoute

/// Where a request goes to and its answer comes from: one exchange's part of a connection to an endpoint. A closed
/// list, as ``CallerSide`` is.
enum EndpointSide {
    case http1(UpstreamDoor)
    case http2(UpstreamStream)

    var hop: EndpointHop {
        switch self {
        case .http1(let door): door.hop
        case .http2(let stream): stream.hop
        }
    }

    /// Its connection has carried other exchanges, so the endpoint may have left it meanwhile.
    var isReused: Bool {
        switch self {
        case .http1(let door): door.isReused
        case .http2(let stream): stream.isReused
        }
    }

    /// Who is told from now on what comes.
    func use(_ user: EndpointUser) {
        switch self {
        case .http1(let door): door.take(user)
        case .http2(let stream): stream.take(user)
        }
    }

    /// Another one is told, in the middle of an exchange.
    func pass(to user: EndpointUser) {
        switch self {
        case .http1(let door): door.user = user
        case .http2(let stream): stream.user = user
        }
    }

    /// The endpoint takes bytes of the request.
    var takesBytes: Bool {
        switch self {
        case .http1(let door): door.takesBytes
        case .http2(let stream): stream.takesBytes
        }
    }

    /// The head of the request; the first thing that is written. HTTP/2 has no upgrades: the endpoint is not asked for
    /// one (RFC 9113 section 8.6).
    func write(_ head: RequestHead, framing: BodyFraming, upgrades: Bool) {
        switch self {
        case .http1(let door): door.write(head, framing: framing, upgrades: upgrades)
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

    /// More of the answer is wanted.
    func read() {
        switch self {
        case .http1(let door): door.read()
        case .http2(let stream): stream.read()
        }
    }

    /// The exchange is over, both ways: the connection may serve another.
    func release() {
        switch self {
        case .http1(let door): door.release()
        case .http2(let stream): stream.release()
        }
    }

    /// The exchange is given up: the endpoint must not take what was sent for a whole request.
    func abort() {
        switch self {
        case .http1(let door): door.abort()
        case .http2(let stream): stream.abort()
        }
    }

    /// As ``CallerSide/replace(by:)``.
    func replace(by relay: Relay) throws -> EventLoopFuture<Void>? {
        switch self {
        case .http1(let door): try door.replace(by: relay)
        case .http2: nil
        }
    }
}

/// Who is told what comes from an endpoint.
enum EndpointUser {
    case exchange(Exchange)
    case hedge(HedgedTry)
    case mirror(Mirror)
    case service(ServiceRequest)

    /// The head of an answer, interim ones too.
    func answered(_ head: ResponseHead, framing: BodyFraming) {
        switch self {
        case .exchange(let exchange): exchange.answered(head, framing: framing)
        case .hedge(let hedge): hedge.answered(head, framing: framing)
        case .mirror(let mirror): mirror.answered(head)
        case .service(let request): request.answered(head)
        }
    }

    /// The protocol changes with this answer: nothing more of it is told.
    func upgraded(_ head: ResponseHead) {
        switch self {
        case .exchange(let exchange): exchange.upgraded(head)
        case .hedge(let hedge): hedge.failed(.malformed("protocol change that nobody asked for"))
        case .mirror(let mirror): mirror.failed()
        case .service(let request): request.endpointFailed(.malformed("protocol change that nobody asked for"))
        }
    }

    func receive(_ body: ByteBuffer) {
        switch self {
        case .exchange(let exchange): exchange.receiveAnswer(body)
        case .hedge, .mirror: break
        case .service(let request): request.receive(body)
        }
    }

    func ended(_ trailers: HeaderList?) {
        switch self {
        case .exchange(let exchange): exchange.answerEnded(trailers)
        case .hedge: break
        case .mirror(let mirror): mirror.answerEnded()
        case .service(let request): request.answerEnded(trailers)
        }
    }

    /// All that one read brought was told.
    func paused() {
        switch self {
        case .exchange(let exchange): exchange.answerPaused()
        case .hedge(let hedge): hedge.answerPaused()
        case .mirror(let mirror): mirror.answerPaused()
        case .service(let request): request.answerPaused()
        }
    }

    func takesBytes() {
        switch self {
        case .exchange(let exchange): exchange.endpointTakesBytes()
        case .hedge, .mirror, .service: break
        }
    }

    func failed(_ failure: EndpointFailure) {
        switch self {
        case .exchange(let exchange): exchange.endpointFailed(failure)
        case .hedge(let hedge): hedge.failed(failure)
        case .mirror(let mirror): mirror.failed()
        case .service(let request): request.endpointFailed(failure)
        }
    }
}

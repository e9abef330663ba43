internal import MeshModel
internal import WaypointHTTP
internal import WaypointRoute

/// What begins a request, in the same form for every version of HTTP.
struct RequestMessage {
    var head: RequestHead
    let framing: BodyFraming
    /// The caller asks for another protocol; its fields are among those of the head.
    var upgrades = false
    /// The caller wants no other request on its connection.
    var isLast = false
    /// As the log writes it.
    let version: StaticString
}

extension ResponseHead {
    /// Told by an answer that has no body, as gRPC's are whose call failed at once.
    var grpcStatus: UInt8? {
        headers.joined("grpc-status".utf8).flatMap { UInt8(String(decoding: $0, as: UTF8.self)) }
    }
}

/// Why no answer came from an endpoint.
enum EndpointFailure {
    /// It went away, or the way to it did.
    case lost(String)
    /// It has not looked at the request: any other may get it, whatever its method (RFC 9113 section 8.7).
    case refused
    /// It gave this request up, and says why.
    case reset(String)
    /// What it sent is no HTTP.
    case malformed(String)

    var reply: LocalReply {
        switch self {
        case .lost(let cause): .disconnected("connection termination", details: cause)
        case .refused: .disconnected("remote refused stream reset", flag: "UR", details: "upstream_reset_refused")
        case .reset(let code): .disconnected("remote reset", flag: "UR", details: "upstream_reset: \(code)")
        case .malformed(let why): .protocolError(why)
        }
    }

    /// As what is tried again looks at it.
    var outcome: AttemptOutcome {
        switch self {
        case .refused: .refusedStream
        case .lost, .reset, .malformed: .reset(requestSent: true)
        }
    }
}

extension RequestMethod {
    /// As it stands in a request.
    var text: String {
        switch self {
        case .known(let method): method.rawValue
        case .other(let bytes): String(decoding: bytes, as: UTF8.self)
        }
    }

    /// Doing it twice is doing it once (RFC 9110 section 9.2.2).
    var isIdempotent: Bool {
        switch self {
        case .known(.get), .known(.head), .known(.options), .known(.put), .known(.delete), .known(.trace): true
        case .known, .other: false
        }
    }
}

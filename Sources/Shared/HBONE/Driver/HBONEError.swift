package import MeshModel

/// Why a request for a stream failed. Nothing of the application was sent in any of these cases.
package enum HBONEError: Error, Hashable, Sendable {
    /// The peer answered with this HTTP status instead of 200.
    case status(Int)
    /// The peer reset the stream before it answered.
    case streamReset(HTTP2ErrorCode)
    /// The peer announced its end before it took the request; safe to send again elsewhere.
    case goneAway
    /// The connection ended before the answer.
    case connectionClosed(HBONECloseReason)
    /// The connection has no free stream, or takes none any more.
    case noFreeStream
    /// The machine would not send this request (for example a header too large).
    case unsendable(String)
    /// The dial failed; its own words.
    case dial(ConnectionFailure)
    /// Too many requests wait for the same peer, or too many peers are in use.
    case poolFull
    /// The pool ends.
    case poolDraining

    /// True where the peer certainly did not see the request, so that another try is safe.
    package var isSafeToRetry: Bool {
        switch self {
        case .goneAway, .noFreeStream: true
        case .streamReset(let code): code == .refusedStream
        case .status, .connectionClosed, .unsendable, .dial, .poolFull, .poolDraining: false
        }
    }
}

extension HBONEError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .status: "http status: \(cause)"
        case .streamReset, .goneAway, .noFreeStream, .unsendable: "h2 failed: \(cause)"
        case .connectionClosed(.settingsTimeout): "http2 handshake failed: \(cause)"
        case .connectionClosed: "h2 failed: \(cause)"
        case .poolFull: "connection failed: \(cause)"
        case .dial, .poolDraining: cause
        }
    }

    /// What happened, without the kind of failure that `description` begins with: for texts that name the kind
    /// themselves.
    package var cause: String {
        switch self {
        case .status(let code): "\(code)\(Self.phrase(of: code))"
        case .streamReset(let code): "stream reset by peer: \(code)"
        case .goneAway: "peer went away before it took the request"
        case .connectionClosed(let reason): reason.description
        case .noFreeStream: "no free stream on the connection"
        case .unsendable(let why): "request cannot be sent: \(why)"
        case .dial(let failure): failure.description
        case .poolFull: "too many requests wait for this peer"
        case .poolDraining: "pool draining"
        }
    }

    private static func phrase(of status: Int) -> String {
        switch status {
        case 400: " Bad Request"
        case 401: " Unauthorized"
        case 403: " Forbidden"
        case 404: " Not Found"
        case 429: " Too Many Requests"
        case 500: " Internal Server Error"
        case 502: " Bad Gateway"
        case 503: " Service Unavailable"
        case 504: " Gateway Timeout"
        default: ""
        }
    }
}

/// Why a tunnel connection ended.
package enum HBONECloseReason: Error, Hashable, Sendable {
    /// Drained to its last stream.
    case drained
    /// Unused for the pool's idle time.
    case idle
    /// Not drained within the time given.
    case drainDeadline
    /// No PING acknowledgement in time.
    case keepAliveTimeout
    /// No SETTINGS in time.
    case settingsTimeout
    /// The peer closed the transport.
    case peerClosed
    /// The transport (TCP, TLS) failed; its own words.
    case transport(String)
    /// The peer broke HTTP/2; the machine's words.
    case protocolViolation(String)
    /// The owner ended it.
    case cut(RelayCut)
}

extension HBONECloseReason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .drained: "drained"
        case .idle: "unused for too long"
        case .drainDeadline: "not drained in time"
        case .keepAliveTimeout: "no answer to keep-alive ping"
        case .settingsTimeout: "no settings from peer in time"
        case .peerClosed: "closed by peer"
        case .transport(let why): why
        case .protocolViolation(let why): "protocol violation: \(why)"
        case .cut(let cut): "\(cut)"
        }
    }
}

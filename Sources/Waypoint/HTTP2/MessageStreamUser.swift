package import HBONE
package import MeshModel
package import NIOCore

/// Who takes what comes on a stream. Every call is on the connection's loop; none comes after `failed`, and none after
/// the stream was aborted.
package protocol MessageStreamUser: AnyObject {
    /// An interim answer (status below 200), or the answer. Of an `EndpointStream` only. With `endStream` the answer is
    /// its head alone, and should go on as such: gRPC reads its status there. `receiveEnd` follows all the same.
    func receive(_ head: HTTP2ResponseHead, endStream: Bool)
    /// A piece of content.
    func receive(_ bytes: ByteBuffer)
    /// The end of the message; `nil`: without trailers. A stream whose request has not ended stays until it does, or
    /// until it is aborted.
    func receiveEnd(_ trailers: HeaderLines?)
    /// What has come was handed over: a good time to flush the other side, and to ask for more with `read`.
    func paused()
    /// The stream may have begun to take bytes again.
    func takesBytesAgain()
    /// The stream is over, though its message was not.
    func failed(_ failure: MessageStreamFailure)
}

/// Why a stream ended before its message.
package enum MessageStreamFailure: Error, Hashable, Sendable {
    /// The peer has not looked at it (REFUSED_STREAM, or above the last stream of GOAWAY): safe to repeat elsewhere.
    /// Source: RFC 9113 section 8.7.
    case refused
    /// The peer reset it.
    case reset(HTTP2ErrorCode)
    /// The peer broke a rule on it, and we reset it.
    case violated(HTTP2StreamError)
    /// Its connection ended.
    case connectionClosed(MessageConnectionEnd)

    /// The request was never processed: another endpoint, or another connection, may get it whatever its method.
    package var isRetriable: Bool { self == .refused }
}

/// Why a connection ended.
package enum MessageConnectionEnd: Hashable, Sendable, CustomStringConvertible {
    /// By us.
    case closed
    case peerClosed
    /// The peer broke a rule of the connection.
    case violation(String)
    /// A failure below HTTP/2.
    case transport(String)

    package var description: String {
        switch self {
        case .closed: "closed"
        case .peerClosed: "closed by the peer"
        case .violation(let text), .transport(let text): text
        }
    }
}

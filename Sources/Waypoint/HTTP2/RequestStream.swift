package import HBONE

/// The caller's side of one request. Its head came first; content and trailers come when they are read.
package final class RequestStream: MessageStream {
    /// Judged by RFC 9113 section 8.3.1.
    package let head: HTTP2RequestHead
    /// The request is its head alone.
    package let isHeadOnly: Bool

    init(_ id: HTTP2StreamID, _ head: HTTP2RequestHead, endStream: Bool, on connection: MessageConnection) {
        self.head = head
        self.isHeadOnly = endStream
        super.init(id, on: connection)
        isAnswered = false
    }

    /// Answers: any number of interim ones (below 200, never 101), then the final one. With `endStream` there is no
    /// content; the stream is over then, and the rest of the request is not wanted.
    /// - Throws: when nothing was sent; the stream is as it was.
    package func respond(_ head: HTTP2ResponseHead, endStream: Bool = false) throws(HTTP2SendRefusal) {
        guard !isOver else { throw .streamClosed }
        try connection.respond(id, head, endStream: endStream)
        isAnswered = head.status >= 200
        if endStream { endWasSent() } else if hasSomethingToSend { connection.send(self) }
    }
}

/// The endpoint's side of one request: `MessageConnection.open` has sent its head.
package final class EndpointStream: MessageStream {}

/// One CONNECT stream: its connection and number. A value; loop-bound like its connection.
/// Who gets one must join it to a relay, refuse it or reset it; until then its bytes are held, up to the stream's
/// window.
package struct HBONEStream {
    package let connection: HBONEConnection
    package let id: HTTP2StreamID

    /// False after a reset by the peer or the end of the connection: there is nothing left to answer.
    package var isOpen: Bool { connection.isOpen(id) }

    /// Server: answers 200. Join a relay in the same turn. Without effect on a stream which is gone.
    package func accept(baggage: String?) {
        connection.respond(id, status: 200, baggage: baggage)
    }

    /// Server: answers with this status and ends the stream, both ways.
    package func refuse(status: Int) {
        connection.respond(id, status: status, baggage: nil)
    }

    /// Ends the stream at once, both ways.
    package func reset(_ code: HTTP2ErrorCode) {
        connection.abandon(id, code: code)
    }
}

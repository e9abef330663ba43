import DequeModule
import HBONE
package import MeshModel
package import NIOCore

/// What goes: kept until the windows take it.
extension MessageStream {
    /// Whether the user should go on writing.
    package var takesBytes: Bool {
        !isOver && connection.takesBytes && pendingBytes < connection.limits.streamHighWaterBytes
    }

    /// A piece of content. Kept until the windows take it; dropped when the stream is over or its end was written.
    package func write(_ bytes: ByteBuffer) {
        guard !isOver, end == nil, bytes.readableBytes > 0 else { return }
        pending.append(bytes)
        pendingBytes += bytes.readableBytes
        connection.sendAtEndOfTurn(self)
    }

    /// The end of our message, behind all that was written. Empty trailers are none.
    package func writeEnd(_ trailers: HeaderLines? = nil) {
        guard !isOver, end == nil else { return }
        end = trailers.map { $0.isEmpty ? .plain : .trailers($0) } ?? .plain
        connection.send(self)
    }

    /// Frames leave at the end of the turn anyway, all streams' together.
    package func flush() { connection.scheduleFlush() }

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
            if hasPeerEnded, !hasArrivals { finish() }
            return
        }
        if !hasPeerEnded { connection.reset(id, .noError) }
        finish()
    }
}

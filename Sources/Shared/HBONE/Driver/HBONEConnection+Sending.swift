import DequeModule
import NIOCore

/// Bytes of relays on their way into the tunnel.
extension HBONEConnection {
    /// True while relays may send: neither the channel's queue is over its water mark nor the end is here.
    var takesBytes: Bool { isWritable && !isClosed }

    /// Sends what windows and the channel allow, at most `limit` bytes; the rest stays in `data`. If something stays,
    /// the relay is called again (`resumeSending`) when more can go.
    func send(
        _ relay: Relay, _ id: HTTP2StreamID, _ data: inout ByteBuffer, endStream: Bool, limit: Int
    ) {
        guard takesBytes else { return wait(relay) }
        // Until the relay has put its rest back, nobody may make it send.
        isSending = true
        defer { isSending = false }
        if data.readableBytes <= limit {
            sendNow(id, &data, endStream: endStream)
        } else if var part = data.readSlice(length: limit) {
            sendNow(id, &part, endStream: false)
            data.moveReaderIndex(to: data.readerIndex - part.readableBytes)
        }
        if data.readableBytes > 0 { wait(relay) }
        if output.readableBytes + unflushedBytes >= limits.turnBytesMaximum {
            writeOut()
        } else {
            scheduleFlush()
        }
    }

    private func sendNow(_ id: HTTP2StreamID, _ data: inout ByteBuffer, endStream: Bool) {
        // Small frames cost less copied behind their header than written on their own.
        guard data.readableBytes >= limits.referencePayloadBytesMinimum,
            session.dataFrameBytesMax >= limits.referencePayloadBytesMinimum, let context
        else {
            _ = session.sendData(id, &data, endStream: endStream, output: &output)
            return
        }
        while data.readableBytes > 0 {
            let taken = session.beginData(id, available: data.readableBytes, endStream: endStream, output: &output)
            guard taken > 0, let payload = data.readSlice(length: taken) else { return }
            passOutputOn(context)
            unflushedBytes += taken
            context.write(wrapOutboundOut(payload), promise: nil)
        }
    }

    /// The end of the stream, after all its bytes.
    func sendEnd(_ id: HTTP2StreamID) {
        guard !isClosed else { return }
        var nothing = ByteBuffer()
        _ = session.sendData(id, &nothing, endStream: true, output: &output)
        scheduleFlush()
    }

    func credit(_ id: HTTP2StreamID, _ bytes: Int) {
        guard bytes > 0, !isClosed else { return }
        session.credit(id, bytes: bytes, output: &output)
        if output.readableBytes > 0 { scheduleFlush() }
    }

    /// The relay wants to send when that is possible again.
    func wait(_ relay: Relay) {
        guard !relay.isQueuedToSend, !isClosed else { return }
        relay.isQueuedToSend = true
        blocked.append(relay)
    }

    func windowOpened(_ id: HTTP2StreamID?) {
        if let id {
            guard case .relay(let relay) = owners[id] else { return }
            wait(relay)
        }
        resumeBlocked()
    }

    /// Lets blocked relays send in turn, a quantum each, until none is left or the tunnel takes no more: a bulk stream
    /// does not get ahead of a small one that waits as well.
    func resumeBlocked() {
        guard !isResuming else { return }
        guard !isSending else {
            needsResume = true
            return scheduleFlush()
        }
        isResuming = true
        defer { isResuming = false }
        // One look at each relay whose window is closed; more looks only at those that move.
        var looksLeft = blocked.count
        while looksLeft > 0, takesBytes, let relay = blocked.popFirst() {
            relay.isQueuedToSend = false
            looksLeft -= 1
            guard case .tunnel(_, let id) = relay.counterpart else { continue }
            if relay.hasHeldBytes, session.sendableBytes(id) == 0 {
                wait(relay)
                continue
            }
            relay.resumeSending(limit: limits.roundRobinQuantumBytes)
            if relay.isQueuedToSend { looksLeft += 1 }
        }
    }
}

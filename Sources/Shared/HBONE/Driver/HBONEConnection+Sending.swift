import DequeModule
import NIOCore

/// Bytes of streams on their way into the tunnel.
extension HBONEConnection {
    /// True while users may send: neither the channel's queue is over its water mark nor the end is here.
    var takesBytes: Bool { isWritable && !isClosed }

    /// Sends what windows and the channel allow, at most `limit` bytes; the rest stays in `data`. If something stays,
    /// the user is called again (`resumeSending`) when more can go.
    func send(
        _ user: StreamUser, _ id: HTTP2StreamID, _ data: inout ByteBuffer, endStream: Bool, limit: Int
    ) {
        guard takesBytes else { return wait(user) }
        // Until the user has put its rest back, nobody may make it send.
        isSending = true
        defer { isSending = false }
        if data.readableBytes <= limit {
            sendNow(id, &data, endStream: endStream)
        } else if var part = data.readSlice(length: limit) {
            sendNow(id, &part, endStream: false)
            data.moveReaderIndex(to: data.readerIndex - part.readableBytes)
        }
        if data.readableBytes > 0 { wait(user) }
        if output.waitingBytes >= limits.turnBytesMaximum {
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
            _ = session.sendData(id, &data, endStream: endStream, output: &output.frames)
            return
        }
        while data.readableBytes > 0 {
            let available = data.readableBytes
            let taken = session.beginData(id, available: available, endStream: endStream, output: &output.frames)
            guard taken > 0, let payload = data.readSlice(length: taken) else { return }
            output.write(payload, to: context)
        }
    }

    /// The end of the stream, after all its bytes.
    func sendEnd(_ id: HTTP2StreamID) {
        guard !isClosed else { return }
        var nothing = ByteBuffer()
        _ = session.sendData(id, &nothing, endStream: true, output: &output.frames)
        scheduleFlush()
    }

    func credit(_ id: HTTP2StreamID, _ bytes: Int) {
        guard bytes > 0, !isClosed else { return }
        session.credit(id, bytes: bytes, output: &output.frames)
        if output.frames.readableBytes > 0 { scheduleFlush() }
    }

    /// The user wants to send when that is possible again.
    func wait(_ user: StreamUser) {
        guard !user.isQueuedToSend, !isClosed else { return }
        user.isQueuedToSend = true
        blocked.append(user)
    }

    func windowOpened(_ id: HTTP2StreamID?) {
        if let id {
            guard case .joined(let user) = owners[id] else { return }
            wait(user)
        }
        resumeBlocked()
    }

    /// Lets blocked users send in turn, a quantum each, until none is left or the tunnel takes no more: a bulk stream
    /// does not get ahead of a small one that waits as well.
    func resumeBlocked() {
        guard !isResuming else { return }
        guard !isSending else {
            needsResume = true
            return scheduleFlush()
        }
        isResuming = true
        defer { isResuming = false }
        // One look at each user whose window is closed; more looks only at those that move.
        var looksLeft = blocked.count
        while looksLeft > 0, takesBytes, let user = blocked.popFirst() {
            user.isQueuedToSend = false
            looksLeft -= 1
            guard let id = user.streamID else { continue }
            if user.hasHeldBytes, session.sendableBytes(id) == 0 {
                wait(user)
                continue
            }
            user.resumeSending(limit: limits.roundRobinQuantumBytes)
            if user.isQueuedToSend { looksLeft += 1 }
        }
    }
}

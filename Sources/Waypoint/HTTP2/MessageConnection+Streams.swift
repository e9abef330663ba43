import DequeModule
import HBONE
import MeshModel
import NIOCore

/// What frames do to streams, and streams to frames.
extension MessageConnection {
    func handle(_ event: HTTP2MessageEvent) {
        switch event {
        case .section(let id, let section, let endStream): handle(id, section, endStream: endStream)
        case .event(let event): handle(event)
        }
    }

    private func handle(_ id: HTTP2StreamID, _ section: HTTP2Section, endStream: Bool) {
        switch section {
        case .request(let head):
            let stream = RequestStream(id, head, endStream: endStream, on: self)
            streams[id] = stream
            if endStream { stream.arrived(.end(nil)) }
            guard let onRequest else { return stream.abort(.refusedStream) }
            onRequest(stream)
        case .refused(let reason):
            let head = HTTP2ResponseHead(status: reason.status)
            try? session.sendResponse(id, head, endStream: true, output: &output.frames)
            onRefused?(reason)
        case .interim(let head): streams[id]?.arrived(.head(head, endStream: false))
        case .response(let head):
            guard let stream = streams[id] else { return }
            stream.arrived(.head(head, endStream: endStream))
            if endStream { stream.arrived(.end(nil)) }
        case .trailers(let fields): streams[id]?.arrived(.end(fields))
        }
    }

    private func handle(_ event: HTTP2Event) {
        switch event {
        case .data(let id, let bytes, _, let endStream):
            guard let stream = streams[id] else { return session.discard(id, output: &output.frames) }
            if bytes.readableBytes > 0 { stream.arrived(.content(bytes)) }
            if endStream { stream.arrived(.end(nil)) }
        case .sendWindowOpened(let id):
            if let id, let stream = streams[id] { wait(stream) }
            resumeBlocked()
        case .reset(let id, let code):
            streams[id]?.fail(role == .client && code == .refusedStream ? .refused : .reset(code))
        case .streamFailed(let id, let error): streams[id]?.fail(.violated(error))
        case .settingsReceived:
            if case .open = phase { timer?.cancel() }
            // New sizes may open any stream's window.
            resumeBlocked()
            onAvailabilityChange?()
        case .pingAcknowledged(let opaque):
            guard case .draining = phase, opaque == Self.drainPing else { return }
            session.goAway(code: .noError, lastStream: .exact, output: &output.frames)
            isDrainConfirmed = true
        case .goAway:
            guard role == .client, case .open = phase else { return }
            phase = .draining
            isDrainConfirmed = true
            onAvailabilityChange?()
        case .connectRequest, .badRequest, .response, .settingsAcknowledged: break
        }
    }

    // MARK: - For streams

    /// The channel takes more.
    var takesBytes: Bool { isWritable && !isClosed }

    /// Sends what a stream has, as far as that goes now; the rest waits for its turn.
    func send(_ stream: MessageStream) {
        guard !stream.isQueued else { return }
        if !takesBytes || isResuming || stream.sendPending(limit: limits.quantumBytes) {
            wait(stream)
            // Its quantum may have ended before its window; others' turn comes first.
            needsResume = true
        }
        if output.waitingBytes >= limits.turnBytesMaximum { writeOut() } else { scheduleFlush() }
    }

    /// Keeps what a stream has until the end of the turn, so that the end of its message leaves in the same frame as
    /// its last bytes. Much of it leaves at once.
    func sendAtEndOfTurn(_ stream: MessageStream) {
        guard stream.pendingBytes < limits.quantumBytes else { return send(stream) }
        wait(stream)
        needsResume = true
        scheduleFlush()
    }

    func wait(_ stream: MessageStream) {
        guard !stream.isQueued, !isClosed, stream.hasSomethingToSend else { return }
        stream.isQueued = true
        blocked.append(stream)
    }

    /// Lets waiting streams send in turn, a quantum each, until none can.
    func resumeBlocked() {
        guard !isResuming else { return }
        isResuming = true
        defer { isResuming = false }
        // One look at each whose window is closed; more looks only at those that move.
        var looksLeft = blocked.count
        while looksLeft > 0, takesBytes, let stream = blocked.popFirst() {
            looksLeft -= 1
            stream.isQueued = false
            guard stream.hasSomethingToSend else { continue }
            let (before, tookBytes) = (stream.pendingBytes, stream.takesBytes)
            if stream.sendPending(limit: limits.quantumBytes) {
                stream.isQueued = true
                blocked.append(stream)
                if stream.pendingBytes < before { looksLeft += 1 }
            }
            if !tookBytes, !stream.isOver, stream.takesBytes { stream.user?.takesBytesAgain() }
            if output.waitingBytes >= limits.turnBytesMaximum { writeOut() }
        }
        if output.waitingBytes > 0 { scheduleFlush() }
    }

    /// Content as far as windows go, at most `limit` bytes, which leave `piece`; returns how many.
    func sendContent(_ id: HTTP2StreamID, _ piece: inout ByteBuffer, endStream: Bool, limit: Int) -> Int {
        let minimum = limits.referencePayloadBytesMinimum
        guard piece.readableBytes >= minimum, session.dataFrameBytesMax >= minimum, let context else {
            guard piece.readableBytes > limit, var part = piece.readSlice(length: limit) else {
                return session.sendData(id, &piece, endStream: endStream, output: &output.frames)
            }
            let taken = session.sendData(id, &part, endStream: false, output: &output.frames)
            piece.moveReaderIndex(to: piece.readerIndex - part.readableBytes)
            return taken
        }
        var taken = 0
        while piece.readableBytes > 0, taken < limit {
            let available = min(piece.readableBytes, limit - taken)
            let isLast = endStream && available == piece.readableBytes
            let bytes = session.beginData(id, available: available, endStream: isLast, output: &output.frames)
            guard bytes > 0, let payload = piece.readSlice(length: bytes) else { break }
            output.write(payload, to: context)
            taken += bytes
        }
        return taken
    }

    func sendEnd(_ id: HTTP2StreamID) {
        var nothing = ByteBuffer()
        _ = session.sendData(id, &nothing, endStream: true, output: &output.frames)
    }

    /// Trailers that HTTP/2 can't carry are left out: the end of the message is what counts.
    func sendTrailers(_ id: HTTP2StreamID, _ fields: HeaderLines) {
        do throws(HTTP2SendRefusal) {
            try session.sendTrailers(id, fields, output: &output.frames)
        } catch {
            sendEnd(id)
        }
    }

    func respond(_ id: HTTP2StreamID, _ head: HTTP2ResponseHead, endStream: Bool) throws(HTTP2SendRefusal) {
        try session.sendResponse(id, head, endStream: endStream, output: &output.frames)
        scheduleFlush()
    }

    func credit(_ id: HTTP2StreamID, _ bytes: Int) {
        guard bytes > 0, !isClosed else { return }
        session.credit(id, bytes: bytes, output: &output.frames)
        if output.frames.readableBytes > 0 { scheduleFlush() }
    }

    func reset(_ id: HTTP2StreamID, _ code: HTTP2ErrorCode) {
        guard !isClosed else { return }
        session.reset(id, code: code, output: &output.frames)
        scheduleFlush()
    }

    /// The stream is over; what of it was not taken is given back.
    func remove(_ stream: MessageStream) {
        guard streams.removeValue(forKey: stream.id) != nil, !isClosed else { return }
        session.discard(stream.id, output: &output.frames)
        scheduleFlush()
        onAvailabilityChange?()
    }
}

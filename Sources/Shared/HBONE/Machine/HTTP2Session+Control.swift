import NIOCore

// Frames that manage the connection and its streams. Source: RFC 9113 sections 6.3 to 6.9.
extension HTTP2Session {
    mutating func takePriority(
        _ header: FrameHeader, _ now: NIODeadline, _ output: inout ByteBuffer
    ) throws(HTTP2ConnectionError) -> Step {
        guard header.stream != .connection else {
            throw .init(.protocolViolation(.streamZero(type: header.type)))
        }
        try floods.count(.priority, limits: limits, now: now)
        guard header.payloadBytes != 5, let slot = streams.slot(of: header.stream), streams[slot].phase != .over else {
            return .done
        }
        return try failStream(header.stream, .priorityFrameSize(bytes: header.payloadBytes), now, &output)
    }

    mutating func takeReset(
        _ header: FrameHeader, _ payload: ByteBuffer, _ now: NIODeadline
    ) throws(HTTP2ConnectionError) -> Step {
        try checkStreamExists(header)
        guard let code: UInt32 = payload.getInteger(at: payload.readerIndex) else { throw illegalSize(header) }
        diagnostics.resetsReceived += 1
        guard let slot = streams.slot(of: header.stream), streams[slot].phase != .over else {
            diagnostics.strayFrames += 1
            try floods.count(.stray, limits: limits, now: now)
            return .done
        }
        if role == .server, !streams[slot].isAnswered {
            try floods.count(.earlyReset, limits: limits, now: now)
        }
        setPhase(slot, header.stream, .over)
        return .event(.reset(header.stream, HTTP2ErrorCode(code)))
    }

    mutating func takePing(
        _ header: FrameHeader, _ payload: ByteBuffer, _ now: NIODeadline, _ output: inout ByteBuffer
    ) throws(HTTP2ConnectionError) -> Step {
        try checkConnectionLevel(header)
        guard let opaque: UInt64 = payload.getInteger(at: payload.readerIndex) else { throw illegalSize(header) }
        diagnostics.pingsReceived += 1
        try floods.count(.ping, limits: limits, now: now)
        if header.has(FrameFlag.acknowledgement) { return .event(.pingAcknowledged(opaque)) }
        writePing(opaque, flags: FrameFlag.acknowledgement, output: &output)
        return .done
    }

    mutating func takeGoAway(
        _ header: FrameHeader, _ payload: ByteBuffer
    ) throws(HTTP2ConnectionError) -> Step {
        try checkConnectionLevel(header)
        var payload = payload
        guard let words = payload.readMultipleIntegers(as: (UInt32, UInt32).self) else { return .done }
        let last = HTTP2StreamID(words.0 & 0x7fff_ffff)
        if let earlier = receivedGoAway, last > earlier {
            throw .init(.protocolViolation(.goAwayRaised(from: earlier, to: last)))
        }
        receivedGoAway = last
        peerGoAwayText = printable(payload)
        if role == .client {
            // Descending, since they are reported from the end.
            for stream in streams.streams.filter({ $0 > last }).sorted(by: >) {
                guard let slot = streams.slot(of: stream), streams[slot].phase != .over else { continue }
                setPhase(slot, stream, .over)
                refusedStreams.append(stream)
                resetStreams.remember(stream)
            }
        }
        return .event(.goAway(lastStream: last, HTTP2ErrorCode(words.1)))
    }

    mutating func takeWindowUpdate(
        _ header: FrameHeader, _ payload: ByteBuffer, _ now: NIODeadline, _ output: inout ByteBuffer
    ) throws(HTTP2ConnectionError) -> Step {
        guard let word: UInt32 = payload.getInteger(at: payload.readerIndex) else { throw illegalSize(header) }
        let bytes = Int(word & 0x7fff_ffff)
        diagnostics.windowUpdatesReceived += 1
        try floods.count(.windowUpdate, limits: limits, now: now)
        if header.stream == .connection {
            guard bytes > 0 else { throw .init(.protocolViolation(.windowIncrementZero)) }
            guard sendWindowBytes + bytes <= Self.windowBytesMax else {
                throw .init(.flowControl(.connectionWindowOverflow))
            }
            let wasClosed = sendWindowBytes <= 0
            sendWindowBytes += bytes
            return wasClosed ? .event(.sendWindowOpened(nil)) : .done
        }
        try checkStreamExists(header)
        guard let slot = streams.slot(of: header.stream), streams[slot].phase != .over else {
            diagnostics.strayFrames += 1
            return .done
        }
        guard bytes > 0 else { return try failStream(header.stream, .windowIncrementZero, now, &output) }
        let before = streams[slot].sendWindowBytes
        guard before + bytes <= Self.windowBytesMax else {
            return try failStream(header.stream, .windowOverflow, now, &output)
        }
        streams[slot].sendWindowBytes = before + bytes
        guard before <= 0, before + bytes > 0, streams[slot].phase.isSendOpen else { return .done }
        return .event(.sendWindowOpened(header.stream))
    }

    /// A window never exceeds 2^31-1.
    static let windowBytesMax = Int(Int32.max)

    func checkConnectionLevel(_ header: FrameHeader) throws(HTTP2ConnectionError) {
        guard header.stream == .connection else {
            throw .init(.protocolViolation(.notStreamZero(type: header.type, header.stream)))
        }
    }

    func checkStreamExists(_ header: FrameHeader) throws(HTTP2ConnectionError) {
        guard header.stream != .connection else {
            throw .init(.protocolViolation(.streamZero(type: header.type)))
        }
        guard !isIdle(header.stream) else {
            throw .init(.protocolViolation(.idleStream(type: header.type, header.stream)))
        }
    }

    /// Text of a peer that goes to a log: ASCII, everything else a question mark.
    private func printable(_ bytes: ByteBuffer) -> String {
        String(decoding: bytes.readableBytesView.map { (0x20..<0x7f).contains($0) ? $0 : 0x3f }, as: UTF8.self)
    }
}

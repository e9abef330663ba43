package import NIOCore

extension HTTP2Session {
    /// What a handler of one frame came to.
    enum Step {
        /// Nothing was taken: the frame is not complete.
        case needsMore
        case done
        case event(HTTP2Event)
        /// A header section of a message.
        case section(HTTP2MessageEvent)
    }

    /// Takes frames from `input` until one of them matters to the driver; nil: all that could be taken was, more bytes
    /// are needed. Answers the protocol asks for go to `output`. `now` feeds the limits per time.
    /// Throws once; after that nil.
    package mutating func nextEvent(
        from input: inout ByteBuffer, now: NIODeadline, output: inout ByteBuffer
    ) throws(HTTP2ConnectionError) -> HTTP2Event? {
        // Only a session for messages makes sections.
        guard case .event(let event) = try nextStep(from: &input, now: now, output: &output) else { return nil }
        return event
    }

    /// Never `.done`.
    mutating func nextStep(
        from input: inout ByteBuffer, now: NIODeadline, output: inout ByteBuffer
    ) throws(HTTP2ConnectionError) -> Step {
        guard !hasFailed else { return .needsMore }
        do throws(HTTP2ConnectionError) {
            while true {
                let step = try advance(&input, now, &output)
                if case .done = step { continue }
                return step
            }
        } catch {
            fail(error, output: &output)
            throw error
        }
    }

    private mutating func advance(
        _ input: inout ByteBuffer, _ now: NIODeadline, _ output: inout ByteBuffer
    ) throws(HTTP2ConnectionError) -> Step {
        if let refused = refusedStreams.popLast() { return .event(.reset(refused, .refusedStream)) }
        switch reading {
        case .frameHeader:
            guard let header = FrameHeader(peekingAt: input) else { return .needsMore }
            if header.type == FrameType.data, headerBlock == nil, hasReceivedSettings {
                return try beginData(header, &input, now, &output)
            }
            return try takeFrame(header, &input, now, &output)
        case .data(let inFlight):
            return continueData(inFlight, &input)
        case .skip(let bytes):
            guard input.readableBytes > 0 else { return .needsMore }
            let skipped = min(bytes, input.readableBytes)
            input.moveReaderIndex(forwardBy: skipped)
            reading = skipped == bytes ? .frameHeader : .skip(bytes - skipped)
            return .done
        case .preface:
            return try takePreface(&input)
        }
    }

    private mutating func takePreface(_ input: inout ByteBuffer) throws(HTTP2ConnectionError) -> Step {
        let expected = Self.preface
        // Wrong bytes are answered at once: a peer that speaks something else may never send twenty-four of them.
        guard input.readableBytesView.starts(with: expected.prefix(input.readableBytes)) else {
            throw .init(.badPreface)
        }
        guard input.readableBytes >= expected.count else { return .needsMore }
        input.moveReaderIndex(forwardBy: expected.count)
        reading = .frameHeader
        return .done
    }

    private mutating func takeFrame(
        _ header: FrameHeader, _ input: inout ByteBuffer, _ now: NIODeadline, _ output: inout ByteBuffer
    ) throws(HTTP2ConnectionError) -> Step {
        try checkOrder(header)
        let needed = try bytesNeeded(header)
        guard input.readableBytes >= FrameHeader.byteCount + needed else { return .needsMore }
        input.moveReaderIndex(forwardBy: FrameHeader.byteCount)
        guard let payload = input.readSlice(length: needed) else { return .needsMore }
        reading = header.payloadBytes > needed ? .skip(header.payloadBytes - needed) : .frameHeader
        diagnostics.framesReceived += 1
        let unread = ledger.unreadControlBytesAtMost
        guard unread <= limits.unreadControlBytesMax else {
            throw .init(.flood(.unreadControlFrames(bytes: unread)))
        }
        switch header.type {
        case FrameType.headers: return try takeHeaders(header, payload, now, &output)
        case FrameType.continuation: return try takeContinuation(header, payload, now, &output)
        case FrameType.priority: return try takePriority(header, now, &output)
        case FrameType.resetStream: return try takeReset(header, payload, now)
        case FrameType.settings: return try takeSettings(header, payload, now, &output)
        case FrameType.ping: return try takePing(header, payload, now, &output)
        case FrameType.goAway: return try takeGoAway(header, payload)
        case FrameType.windowUpdate: return try takeWindowUpdate(header, payload, now, &output)
        default:
            try floods.count(.unknown, limits: limits, now: now)
            return .done
        }
    }

    /// What may come at all at this point, whatever is inside.
    private func checkOrder(_ header: FrameHeader) throws(HTTP2ConnectionError) {
        if let block = headerBlock {
            guard header.type == FrameType.continuation, header.stream == block.stream else {
                throw .init(.protocolViolation(.headerBlockInterrupted(type: header.type, header.stream)))
            }
        } else if header.type == FrameType.continuation {
            throw .init(.protocolViolation(.continuationWithoutHeaders(header.stream)))
        }
        let isFirstSettings = header.type == FrameType.settings && !header.has(FrameFlag.acknowledgement)
        guard hasReceivedSettings || isFirstSettings else {
            throw .init(.protocolViolation(.firstFrameIsNotSettings(type: header.type)))
        }
        if header.type == FrameType.pushPromise { throw .init(.protocolViolation(.pushPromise)) }
    }

    /// How much of the payload must be there before the frame can be handled; the rest is skipped. Refuses lengths
    /// that are not legal, before any of the payload is waited for.
    private func bytesNeeded(_ header: FrameHeader) throws(HTTP2ConnectionError) -> Int {
        let bytes = header.payloadBytes
        guard bytes <= limits.receivedFrameBytesMax else { throw illegalSize(header) }
        switch header.type {
        case FrameType.headers, FrameType.continuation:
            // 256 bytes of padding and its length, five bytes of priority.
            let held = headerBlock?.bytes.readableBytes ?? 0
            guard bytes + held <= limits.headerBlockBytesMax + 261 else {
                throw .init(.flood(.headerBlock(bytesMax: limits.headerBlockBytesMax)))
            }
            return bytes
        case FrameType.resetStream, FrameType.windowUpdate:
            guard bytes == 4 else { throw illegalSize(header) }
            return bytes
        case FrameType.ping:
            guard bytes == 8 else { throw illegalSize(header) }
            return bytes
        case FrameType.goAway:
            guard bytes >= 8 else { throw illegalSize(header) }
            return min(bytes, 8 + Self.debugBytesMax)
        case FrameType.settings:
            let isAcknowledgement = header.has(FrameFlag.acknowledgement)
            guard isAcknowledgement ? bytes == 0 : bytes % 6 == 0 else { throw illegalSize(header) }
            guard bytes / 6 <= limits.settingsEntriesMax else {
                throw .init(.flood(.settingsEntries(count: bytes / 6)))
            }
            return bytes
        default:
            return 0
        }
    }

    func illegalSize(_ header: FrameHeader) -> HTTP2ConnectionError {
        HTTP2ConnectionError(.frameSize(type: header.type, bytes: header.payloadBytes))
    }

    /// Debug text of GOAWAY, ours and theirs, is cut to this: it is for a log line.
    static let debugBytesMax = 256

    private mutating func fail(_ error: HTTP2ConnectionError, output: inout ByteBuffer) {
        writeGoAway(last: highestAcceptedStream, code: error.code, debug: error.description, output: &output)
        hasFailed = true
        headerBlock = nil
        refusedStreams = []
    }

    /// Streams nobody opened yet: a frame on them is an error of the connection.
    func isIdle(_ stream: HTTP2StreamID) -> Bool {
        guard stream.value % 2 == 1 else { return true }
        return role == .server ? stream > highestPeerStream : stream.value >= nextStream
    }
}

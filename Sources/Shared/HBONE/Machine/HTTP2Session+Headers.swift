import NIOCore

// Receiving header blocks: a block is always decoded, even for streams nobody wants, since both ends share the
// compression state.
extension HTTP2Session {
    mutating func takeHeaders(
        _ header: FrameHeader, _ payload: ByteBuffer, _ now: NIODeadline, _ output: inout ByteBuffer
    ) throws(HTTP2ConnectionError) -> Step {
        guard header.stream != .connection else {
            throw .init(.protocolViolation(.streamZero(type: header.type)))
        }
        guard header.stream.value % 2 == 1 else { throw .init(.protocolViolation(.wrongParity(header.stream))) }
        guard role == .server || !isIdle(header.stream) else {
            throw .init(.protocolViolation(.idleStream(type: header.type, header.stream)))
        }
        var fragment = payload
        var paddingBytes = 0
        if header.has(FrameFlag.padded) {
            guard let padding: UInt8 = fragment.readInteger() else { throw illegalSize(header) }
            paddingBytes = Int(padding)
        }
        if header.has(FrameFlag.priority) {
            guard fragment.readableBytes >= 5 else { throw illegalSize(header) }
            fragment.moveReaderIndex(forwardBy: 5)
        }
        guard paddingBytes <= fragment.readableBytes else {
            throw .init(.protocolViolation(.paddingTooLong(type: header.type)))
        }
        fragment.moveWriterIndex(to: fragment.writerIndex - paddingBytes)
        guard fragment.readableBytes <= limits.headerBlockBytesMax else {
            throw .init(.flood(.headerBlock(bytesMax: limits.headerBlockBytesMax)))
        }
        let block = HeaderBlock(
            stream: header.stream, endStream: header.has(FrameFlag.endStream), bytes: fragment)
        if header.has(FrameFlag.endHeaders) { return try finish(block, now, &output) }
        headerBlock = block
        return .done
    }

    mutating func takeContinuation(
        _ header: FrameHeader, _ payload: ByteBuffer, _ now: NIODeadline, _ output: inout ByteBuffer
    ) throws(HTTP2ConnectionError) -> Step {
        guard var block = headerBlock else {
            throw .init(.protocolViolation(.continuationWithoutHeaders(header.stream)))
        }
        // Out of the session while it is appended to: one owner, no copy.
        headerBlock = nil
        block.continuationFrames += 1
        guard block.continuationFrames <= limits.continuationFramesMax else {
            throw .init(.flood(.continuations(count: block.continuationFrames)))
        }
        guard block.bytes.readableBytes + payload.readableBytes <= limits.headerBlockBytesMax else {
            throw .init(.flood(.headerBlock(bytesMax: limits.headerBlockBytesMax)))
        }
        block.bytes.writeImmutableBuffer(payload)
        if header.has(FrameFlag.endHeaders) { return try finish(block, now, &output) }
        headerBlock = block
        return .done
    }

    private mutating func finish(
        _ block: HeaderBlock, _ now: NIODeadline, _ output: inout ByteBuffer
    ) throws(HTTP2ConnectionError) -> Step {
        let section: FieldSection
        do throws(FieldBlockError) {
            section = try decoder.decode(block.bytes)
        } catch {
            if case .listTooLarge(let bytesMax) = error { throw .init(.flood(.headerList(bytesMax: bytesMax))) }
            throw .init(.headerCompression(error))
        }
        if let slot = streams.slot(of: block.stream), streams[slot].phase != .over {
            return try takeHeadersOfLiveStream(block, slot, section, now, &output)
        }
        if role == .server, block.stream > highestPeerStream {
            return try takeRequest(block, section, now, &output)
        }
        diagnostics.strayFrames += 1
        guard role == .client || resetStreams.contains(block.stream) else {
            throw .init(.streamClosed(block.stream))
        }
        try floods.count(.stray, limits: limits, now: now)
        return .done
    }

    private mutating func takeRequest(
        _ block: HeaderBlock, _ section: FieldSection, _ now: NIODeadline, _ output: inout ByteBuffer
    ) throws(HTTP2ConnectionError) -> Step {
        highestPeerStream = block.stream
        var isClosing = false
        if case .exact = sentGoAway { isClosing = true }
        // The second bound is for ended streams whose bytes are still held above: each is a record in the table.
        guard !isClosing, openStreamCount < limits.concurrentStreamsMax,
            streams.count < 2 * limits.concurrentStreamsMax
        else {
            diagnostics.streamsRefused += 1
            return try refuse(block.stream, .refusedStream, now, &output)
        }
        highestAcceptedStream = block.stream
        if purpose == .messages { return try takeMessageRequest(block, section, now, &output) }
        let verdict = RequestVerdict(section, listBytesMax: limits.headerListBytesMax)
        if case .malformed = verdict {
            diagnostics.streamErrors += 1
            return try refuse(block.stream, .protocolError, now, &output)
        }
        diagnostics.streamsOpened += 1
        addStream(block.stream, phase: block.endStream ? .sendOnly : .open)
        switch verdict {
        case .request(let request): return .event(.connectRequest(block.stream, request, endStream: block.endStream))
        case .bad(let reason): return .event(.badRequest(block.stream, reason))
        case .malformed: return .done
        }
    }

    private mutating func takeHeadersOfLiveStream(
        _ block: HeaderBlock, _ slot: Int, _ section: FieldSection, _ now: NIODeadline, _ output: inout ByteBuffer
    ) throws(HTTP2ConnectionError) -> Step {
        guard streams[slot].phase.isReceiveOpen else {
            return try failStream(block.stream, .frameAfterEnd, now, &output)
        }
        let listBytes = section.listBytes
        guard listBytes <= limits.headerListBytesMax else {
            let error = HTTP2StreamError.headerListTooLarge(bytes: listBytes, bytesMax: limits.headerListBytesMax)
            return try failStream(block.stream, error, now, &output)
        }
        if purpose == .messages { return try takeSection(block, slot, section, now, &output) }
        if role == .server || streams[slot].isAnswered {
            // Trailers: nothing in them concerns a tunnel but its end.
            guard block.endStream else {
                return try failStream(block.stream, .malformedHeaders(.trailersWithoutEnd), now, &output)
            }
            setPhase(slot, block.stream, streams[slot].phase.afterReceivedEnd)
            return .event(.data(block.stream, ByteBuffer(), creditBytes: 0, endStream: true))
        }
        switch ResponseVerdict(section, endStream: block.endStream) {
        case .interim:
            try floods.count(.interim, limits: limits, now: now)
            return .done
        case .malformed(let fault):
            return try failStream(block.stream, .malformedHeaders(fault), now, &output)
        case .response(let response):
            streams[slot].isAnswered = true
            if block.endStream { setPhase(slot, block.stream, streams[slot].phase.afterReceivedEnd) }
            return .event(.response(block.stream, response, endStream: block.endStream))
        }
    }
}

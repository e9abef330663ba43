import NIOCore

// Receiving DATA: payload goes up as it arrives, as slices of the input, and counts against both windows from the
// moment its frame header is read.
extension HTTP2Session {
    mutating func beginData(
        _ header: FrameHeader, _ input: inout ByteBuffer, _ now: NIODeadline, _ output: inout ByteBuffer
    ) throws(HTTP2ConnectionError) -> Step {
        let bytes = header.payloadBytes
        guard bytes <= limits.receivedFrameBytesMax else { throw illegalSize(header) }
        guard header.stream != .connection else {
            throw .init(.protocolViolation(.streamZero(type: header.type)))
        }
        guard !isIdle(header.stream) else {
            throw .init(.protocolViolation(.idleStream(type: header.type, header.stream)))
        }
        var overhead = 0
        if header.has(FrameFlag.padded) {
            guard bytes > 0 else { throw illegalSize(header) }
            guard let padding: UInt8 = input.getInteger(at: input.readerIndex + FrameHeader.byteCount) else {
                return .needsMore
            }
            overhead = Int(padding) + 1
            guard overhead <= bytes else {
                throw .init(.protocolViolation(.paddingTooLong(type: header.type)))
            }
        }
        guard bytes <= receiveWindowBytes else {
            throw .init(.flowControl(.connectionWindowExceeded(bytes: bytes, windowBytes: receiveWindowBytes)))
        }
        input.moveReaderIndex(forwardBy: FrameHeader.byteCount + min(overhead, 1))
        receiveWindowBytes -= bytes
        diagnostics.framesReceived += 1
        diagnostics.dataFramesReceived += 1
        floods.dataFramesReceived += 1

        var inFlight = DataInFlight(
            stream: header.stream, remainingBytes: bytes - overhead, paddingBytes: max(overhead - 1, 0),
            endStream: header.has(FrameFlag.endStream), isDropped: false)
        let isEmpty = inFlight.remainingBytes == 0
        guard let slot = streams.slot(of: header.stream), streams[slot].phase != .over else {
            return try dropData(inFlight, isEmpty, now, &output)
        }
        if let error = acceptData(slot, bytes: bytes, inFlight) {
            inFlight.isDropped = true
            reading = .data(inFlight)
            return try failStream(header.stream, error, now, &output)
        }
        unconsumedBytes += inFlight.remainingBytes
        // Padding is consumed as it comes; the connection's window also for payload, as far as the budget reaches.
        if overhead > 0 { refillStream(slot, header.stream, &output) }
        refillConnection(&output)
        if isEmpty, !inFlight.endStream {
            reading = inFlight.paddingBytes > 0 ? .skip(inFlight.paddingBytes) : .frameHeader
            try floods.count(.emptyData, limits: limits, now: now)
            return .done
        }
        return continueData(inFlight, &input)
    }

    /// Charges the stream; an error leaves it uncharged.
    private mutating func acceptData(_ slot: Int, bytes: Int, _ inFlight: DataInFlight) -> HTTP2StreamError? {
        guard streams[slot].phase.isReceiveOpen else { return .frameAfterEnd }
        guard role == .server || streams[slot].isAnswered else { return .dataBeforeResponse }
        let windowBytes = streams[slot].receiveWindowBytes
        guard bytes <= windowBytes else { return .windowExceeded(bytes: bytes, windowBytes: windowBytes) }
        let payloadBytes = inFlight.remainingBytes
        if purpose == .messages, let error = countContent(slot, payloadBytes, endStream: inFlight.endStream) {
            return error
        }
        streams[slot].receiveWindowBytes -= bytes
        streams[slot].unconsumedBytes += payloadBytes
        return nil
    }

    /// DATA for a stream that is over: dropped, and its share of the connection window given back at once.
    private mutating func dropData(
        _ inFlight: DataInFlight, _ isEmpty: Bool, _ now: NIODeadline, _ output: inout ByteBuffer
    ) throws(HTTP2ConnectionError) -> Step {
        var inFlight = inFlight
        inFlight.isDropped = true
        reading = .data(inFlight)
        diagnostics.strayFrames += 1
        if isEmpty { try floods.count(.stray, limits: limits, now: now) }
        if !resetStreams.contains(inFlight.stream) {
            // Closed so long ago that nothing is known of it: say so, once.
            resetStreams.remember(inFlight.stream)
            writeReset(inFlight.stream, .streamClosed, output: &output)
            try floods.count(.streamError, limits: limits, now: now)
        }
        refillConnection(&output)
        return .done
    }

    /// Hands up what has arrived of the payload.
    mutating func continueData(_ inFlight: DataInFlight, _ input: inout ByteBuffer) -> Step {
        let bytes = min(inFlight.remainingBytes, input.readableBytes)
        let isLast = bytes == inFlight.remainingBytes
        guard bytes > 0 || isLast, let payload = input.readSlice(length: bytes) else {
            reading = .data(inFlight)
            return .needsMore
        }
        if isLast {
            reading = inFlight.paddingBytes > 0 ? .skip(inFlight.paddingBytes) : .frameHeader
        } else {
            var rest = inFlight
            rest.remainingBytes -= bytes
            reading = .data(rest)
        }
        guard !inFlight.isDropped else { return .done }
        diagnostics.dataBytesReceived += bytes
        let endStream = isLast && inFlight.endStream
        if endStream, let slot = streams.slot(of: inFlight.stream) {
            setPhase(slot, inFlight.stream, streams[slot].phase.afterReceivedEnd)
        }
        return .event(.data(inFlight.stream, payload, creditBytes: bytes, endStream: endStream))
    }

    /// The stream is over: what is still to come of its frame will not be handed up.
    mutating func dropInFlight(_ stream: HTTP2StreamID, _ slot: Int) {
        guard case .data(var inFlight) = reading, inFlight.stream == stream, !inFlight.isDropped else { return }
        inFlight.isDropped = true
        reading = .data(inFlight)
        streams[slot].unconsumedBytes -= inFlight.remainingBytes
        unconsumedBytes -= inFlight.remainingBytes
    }
}

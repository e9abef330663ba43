package import NIOCore

// The life of streams: opened by us, answered by us, ended by either side.
extension HTTP2Session {
    /// Client: sends a CONNECT request. The stream is live at once; its answer comes as `response` or `reset`.
    package mutating func openStream(
        _ request: ConnectRequest, output: inout ByteBuffer
    ) throws(HTTP2OpenRefusal) -> HTTP2StreamID {
        if let refusal = openRefusal { throw refusal }
        var fields: [(name: String, value: String)] = [(":method", "CONNECT"), (":authority", request.authority)]
        if let baggage = request.baggage { fields.append(("baggage", baggage)) }
        if let forwarded = request.forwarded { fields.append(("forwarded", forwarded)) }
        if let traceparent = request.traceparent { fields.append(("traceparent", traceparent)) }
        if let network = request.forwardedNetwork { fields.append(("x-forwarded-network", network)) }
        var listBytes = 0
        for (name, value) in fields {
            guard FieldRules.isValueLegal(value.utf8.span) else { throw .headerValue(name: name) }
            listBytes += name.utf8.count + value.utf8.count + 32
        }
        if let listBytesMax = peer.maxHeaderListBytes, listBytes > listBytesMax {
            throw .headerListTooLarge(bytes: listBytes, bytesMax: listBytesMax)
        }
        encoder.begin()
        for (name, value) in fields { encode(Array(name.utf8)[...], Array(value.utf8)[...]) }
        let stream = HTTP2StreamID(nextStream)
        writeHeaders(stream, endStream: false, output: &output)
        nextStream += 2
        diagnostics.streamsOpened += 1
        addStream(stream, phase: .open)
        return stream
    }

    var openRefusal: HTTP2OpenRefusal? {
        guard role == .client else { return .notAClient }
        guard !hasFailed, receivedGoAway == nil, sentGoAway == .none else { return .connectionClosing }
        guard nextStream <= HTTP2StreamID.last.value else { return .streamIDsExhausted }
        let openMax = min(limits.openedStreamsMax, peer.maxConcurrentStreams)
        guard openStreamCount < openMax else { return .tooManyStreams(open: openStreamCount, openMax: openMax) }
        return nil
    }

    /// Server: the final answer, once per stream; a second one and one for a stream that is over have no effect.
    /// With `endStream` the stream is over: what the peer still sends on it is dropped.
    package mutating func respond(
        _ stream: HTTP2StreamID, status: Int, baggage: String? = nil, endStream: Bool = false,
        output: inout ByteBuffer
    ) {
        guard role == .server, !hasFailed, let slot = streams.slot(of: stream), streams[slot].phase.isSendOpen,
            !streams[slot].isAnswered
        else { return }
        precondition((200...599).contains(status))
        streams[slot].isAnswered = true
        encoder.begin()
        encode(PseudoHeader.status, PseudoHeader.digits(ofStatus: status))
        if let baggage, FieldRules.isValueLegal(baggage.utf8.span) {
            encode(Array("baggage".utf8)[...], Array(baggage.utf8)[...])
        }
        writeHeaders(stream, endStream: endStream, output: &output)
        guard endStream else { return }
        if streams[slot].phase.afterSentEnd == .over {
            setPhase(slot, stream, .over)
        } else {
            // A refused peer has nothing more to say. Source: RFC 9113 section 8.1.
            endWithReset(slot, stream, .noError, &output)
        }
    }

    /// RST_STREAM; no effect on a stream that is over. Bytes handed up are still owed: `credit` or `discard`.
    package mutating func reset(_ stream: HTTP2StreamID, code: HTTP2ErrorCode, output: inout ByteBuffer) {
        guard !hasFailed, let slot = streams.slot(of: stream), streams[slot].phase != .over else { return }
        endWithReset(slot, stream, code, &output)
    }

    mutating func addStream(
        _ stream: HTTP2StreamID, phase: StreamRecord.Phase, content: StreamRecord.Content = .any
    ) {
        openStreamCount += 1
        floods.streamsOpened += 1
        streams.insert(
            stream,
            StreamRecord(
                phase: phase, sendWindowBytes: peer.initialWindowBytes,
                receiveWindowBytes: limits.streamWindowBytes, windowTargetBytes: limits.streamWindowBytes,
                content: content))
    }

    /// The slot may be gone afterwards.
    mutating func setPhase(_ slot: Int, _ stream: HTTP2StreamID, _ phase: StreamRecord.Phase) {
        precondition(streams[slot].phase != .over)
        streams[slot].phase = phase
        settlePool(slot)
        guard phase == .over else { return }
        openStreamCount -= 1
        if streams[slot].unconsumedBytes == 0 { streams.remove(at: slot) }
    }

    mutating func endWithReset(
        _ slot: Int, _ stream: HTTP2StreamID, _ code: HTTP2ErrorCode, _ output: inout ByteBuffer
    ) {
        dropInFlight(stream, slot)
        setPhase(slot, stream, .over)
        resetStreams.remember(stream)
        writeReset(stream, code, output: &output)
        refillConnection(&output)
    }

    /// The peer broke a rule of a stream that the driver knows.
    mutating func failStream(
        _ stream: HTTP2StreamID, _ error: HTTP2StreamError, _ now: NIODeadline, _ output: inout ByteBuffer
    ) throws(HTTP2ConnectionError) -> Step {
        guard let slot = streams.slot(of: stream) else { return .done }
        diagnostics.streamErrors += 1
        endWithReset(slot, stream, error.code, &output)
        try floods.count(.streamError, limits: limits, now: now)
        return .event(.streamFailed(stream, error))
    }

    /// A stream that the driver never hears of.
    mutating func refuse(
        _ stream: HTTP2StreamID, _ code: HTTP2ErrorCode, _ now: NIODeadline, _ output: inout ByteBuffer
    ) throws(HTTP2ConnectionError) -> Step {
        resetStreams.remember(stream)
        writeReset(stream, code, output: &output)
        try floods.count(.streamError, limits: limits, now: now)
        return .done
    }
}

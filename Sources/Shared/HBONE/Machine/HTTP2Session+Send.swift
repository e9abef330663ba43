package import NIOCore

// Everything that goes out.
extension HTTP2Session {
    /// Bytes that may be sent now, by both windows; 0: wait for `sendWindowOpened` or `settingsReceived`.
    package func sendableBytes(_ stream: HTTP2StreamID) -> Int {
        guard !hasFailed, let slot = streams.slot(of: stream), isSendReady(slot) else { return 0 }
        return max(0, min(streams[slot].sendWindowBytes, sendWindowBytes))
    }

    /// Writes DATA frames for as much of `data` as the windows allow; returns the bytes taken, which leave `data`.
    /// `endStream` goes out only with the last byte of `data` (on an empty frame when there is none): call again with
    /// what was left. 0 also when the stream is over or (server) not answered yet.
    package mutating func sendData(
        _ stream: HTTP2StreamID, _ data: inout ByteBuffer, endStream: Bool, output: inout ByteBuffer
    ) -> Int {
        guard !hasFailed, let slot = streams.slot(of: stream), isSendReady(slot) else { return 0 }
        let window = max(0, min(streams[slot].sendWindowBytes, sendWindowBytes))
        let taken = min(window, data.readableBytes)
        let isEnd = endStream && taken == data.readableBytes
        guard taken > 0 || isEnd else { return 0 }
        let frameBytesMax = min(limits.sentFrameBytesMax, peer.maxFrameBytes)
        var left = taken
        repeat {
            let bytes = min(left, frameBytesMax)
            left -= bytes
            let flags = isEnd && left == 0 ? FrameFlag.endStream : 0
            output.writeFrameHeader(
                FrameHeader(payloadBytes: bytes, type: FrameType.data, flags: flags, stream: stream))
            if var payload = data.readSlice(length: bytes) { output.writeBuffer(&payload) }
            ledger.wroteData(FrameHeader.byteCount + bytes)
            diagnostics.dataFramesSent += 1
        } while left > 0
        streams[slot].sendWindowBytes -= taken
        sendWindowBytes -= taken
        diagnostics.dataBytesSent += taken
        floods.dataBytesSent += taken
        if isEnd { setPhase(slot, stream, streams[slot].phase.afterSentEnd) }
        return taken
    }

    private func isSendReady(_ slot: Int) -> Bool {
        streams[slot].phase.isSendOpen && (role == .client || streams[slot].isAnswered)
    }

    /// The peer's answer comes as `pingAcknowledged` with the same number.
    package mutating func ping(opaque: UInt64, output: inout ByteBuffer) {
        guard !hasFailed else { return }
        writePing(opaque, flags: 0, output: &output)
    }

    package enum GoAwayScope: Hashable, Sendable {
        /// Names stream 2^31-1: asks the peer to open no more, still serves what crosses on the wire.
        case graceful
        /// Names the last stream we took; later ones are refused.
        case exact
    }

    /// Tells the peer that this connection takes no new streams. Graceful shutdown: `.graceful`, a ping, and when it is
    /// acknowledged `.exact`. A step back from exact to graceful has no effect.
    package mutating func goAway(
        code: HTTP2ErrorCode, lastStream: GoAwayScope, debug: String = "", output: inout ByteBuffer
    ) {
        guard !hasFailed else { return }
        switch (lastStream, sentGoAway) {
        case (.graceful, .none):
            sentGoAway = .graceful
            writeGoAway(last: .last, code: code, debug: debug, output: &output)
        case (.graceful, .graceful), (.graceful, .exact): break
        case (.exact, .none), (.exact, .graceful):
            sentGoAway = .exact(last: highestAcceptedStream)
            writeGoAway(last: highestAcceptedStream, code: code, debug: debug, output: &output)
        case (.exact, .exact(let last)):
            writeGoAway(last: last, code: code, debug: debug, output: &output)
        }
    }

    /// Adds a field to the block that was begun.
    mutating func encode(_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>, isNeverIndexed: Bool = false) {
        // One huge value must not push everything else out of the table.
        let indexing = FieldRules.indexing(
            name.span, valueBytes: value.count, valueBytesMax: limits.encoderTableBytesMax / 4)
        encoder.append(name: name, value: value, isNeverIndexed ? .never : indexing)
    }

    /// The block that was encoded, in as many frames as the peer's limit asks for.
    mutating func writeHeaders(_ stream: HTTP2StreamID, endStream: Bool, output: inout ByteBuffer) {
        var type = FrameType.headers
        var flags = endStream ? FrameFlag.endStream : 0
        var start = 0
        let count = encoder.block.count
        repeat {
            let bytes = min(count - start, peer.maxFrameBytes)
            if start + bytes == count { flags |= FrameFlag.endHeaders }
            output.writeFrameHeader(FrameHeader(payloadBytes: bytes, type: type, flags: flags, stream: stream))
            output.writeBytes(encoder.block[start..<(start + bytes)])
            ledger.wroteControl(FrameHeader.byteCount + bytes)
            type = FrameType.continuation
            flags = 0
            start += bytes
        } while start < count
    }

    mutating func writeControl(_ header: FrameHeader, _ output: inout ByteBuffer) {
        output.writeFrameHeader(header)
        ledger.wroteControl(FrameHeader.byteCount + header.payloadBytes)
    }

    mutating func writeSettings(_ settings: [(SettingIdentifier, Int)], output: inout ByteBuffer) {
        writeControl(FrameHeader(payloadBytes: settings.count * 6, type: FrameType.settings), &output)
        for (identifier, value) in settings {
            output.writeMultipleIntegers(identifier.rawValue, UInt32(truncatingIfNeeded: value))
        }
    }

    mutating func writeWindowUpdate(_ stream: HTTP2StreamID, bytes: Int, output: inout ByteBuffer) {
        diagnostics.windowUpdatesSent += 1
        writeControl(FrameHeader(payloadBytes: 4, type: FrameType.windowUpdate, stream: stream), &output)
        output.writeInteger(UInt32(truncatingIfNeeded: bytes))
    }

    mutating func writeReset(_ stream: HTTP2StreamID, _ code: HTTP2ErrorCode, output: inout ByteBuffer) {
        diagnostics.resetsSent += 1
        writeControl(FrameHeader(payloadBytes: 4, type: FrameType.resetStream, stream: stream), &output)
        output.writeInteger(code.value)
    }

    mutating func writePing(_ opaque: UInt64, flags: UInt8, output: inout ByteBuffer) {
        writeControl(FrameHeader(payloadBytes: 8, type: FrameType.ping, flags: flags), &output)
        output.writeInteger(opaque)
    }

    mutating func writeGoAway(
        last: HTTP2StreamID, code: HTTP2ErrorCode, debug: String, output: inout ByteBuffer
    ) {
        let text = debug.utf8.prefix(Self.debugBytesMax)
        writeControl(FrameHeader(payloadBytes: 8 + text.count, type: FrameType.goAway), &output)
        output.writeMultipleIntegers(last.value, code.value)
        output.writeBytes(text)
    }
}

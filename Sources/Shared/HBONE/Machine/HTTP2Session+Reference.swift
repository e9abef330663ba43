package import NIOCore

/// DATA without copying: the frame header goes to the output, its payload is written by the caller.
extension HTTP2Session {
    /// Largest payload of one DATA frame to this peer. Mutating: another room would copy the whole machine to ask.
    package var dataFrameBytesMax: Int { mutating get { min(limits.sentFrameBytesMax, peer.maxFrameBytes) } }

    /// Writes the header of one DATA frame for the first of `available` bytes and counts them as sent; returns how
    /// many. The caller must write exactly these next. 0: nothing was written, windows or the stream are closed.
    /// `endStream` takes effect if the frame carries the last byte.
    package mutating func beginData(
        _ stream: HTTP2StreamID, available: Int, endStream: Bool, output: inout ByteBuffer
    ) -> Int {
        let taken = min(sendableBytes(stream), available, dataFrameBytesMax)
        guard taken > 0, let slot = streams.slot(of: stream) else { return 0 }
        let isEnd = endStream && taken == available
        output.writeFrameHeader(FrameHeader(
            payloadBytes: taken, type: FrameType.data, flags: isEnd ? FrameFlag.endStream : 0, stream: stream))
        ledger.wroteData(FrameHeader.byteCount + taken)
        diagnostics.dataFramesSent += 1
        diagnostics.dataBytesSent += taken
        floods.dataBytesSent += taken
        streams[slot].sendWindowBytes -= taken
        sendWindowBytes -= taken
        if isEnd { setPhase(slot, stream, streams[slot].phase.afterSentEnd) }
        return taken
    }
}

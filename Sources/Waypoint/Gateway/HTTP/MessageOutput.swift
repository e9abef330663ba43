internal import NIOCore
internal import WaypointHTTP
internal import WaypointRoute

/// The messages that one side of an exchange sends, on their way into its channel: heads, and bodies that are short,
/// are gathered in one buffer, so that a message costs one write; long bodies go on as the slices that came.
struct MessageOutput {
    /// Bytes of a piece up to which copying it is cheaper than writing it by itself.
    private static let copiedBytesMax = 4 << 10

    private var buffer = ByteBuffer()
    private var hasBytes = false
    /// Of the message at hand.
    private var framing = BodyFraming.none

    /// What is gathered; `nil` for nothing.
    mutating func take() -> ByteBuffer? {
        guard hasBytes else { return nil }
        hasBytes = false
        return buffer
    }

    mutating func write(_ head: RequestHead, framing: BodyFraming) throws(WriteFault) {
        prepare()
        try MessageWriter.write(head, framing: framing, into: &buffer)
        self.framing = framing
    }

    mutating func write(_ head: ResponseHead, framing: BodyFraming) throws(WriteFault) {
        prepare()
        try MessageWriter.write(head, framing: framing, into: &buffer)
        self.framing = framing
    }

    /// - Parameter send: takes what was gathered before a long piece, and the piece.
    mutating func write(_ body: ByteBuffer, _ send: (ByteBuffer) -> Void) {
        let count = body.readableBytes
        guard count > 0 else { return }
        if count <= Self.copiedBytesMax {
            prepare()
            return MessageWriter.write(body, framing: framing, into: &buffer)
        }
        if framing == .chunked {
            prepare()
            MessageWriter.writeChunkStart(count: count, into: &buffer)
        }
        if let gathered = take() { send(gathered) }
        send(body)
        guard framing == .chunked else { return }
        prepare()
        MessageWriter.writeChunkEnd(into: &buffer)
    }

    mutating func end(_ trailers: HeaderList?) throws(WriteFault) {
        guard framing == .chunked else { return }
        prepare()
        try MessageWriter.writeEnd(trailers, framing: framing, into: &buffer)
    }

    /// The memory is used again unless what was taken is still under way.
    private mutating func prepare() {
        if !hasBytes { buffer.clear() }
        hasBytes = true
    }
}

import NIOCore

/// Frame types of RFC 9113 section 6.
enum FrameType {
    static let data: UInt8 = 0x0
    static let headers: UInt8 = 0x1
    static let priority: UInt8 = 0x2
    static let resetStream: UInt8 = 0x3
    static let settings: UInt8 = 0x4
    static let pushPromise: UInt8 = 0x5
    static let ping: UInt8 = 0x6
    static let goAway: UInt8 = 0x7
    static let windowUpdate: UInt8 = 0x8
    static let continuation: UInt8 = 0x9
}

enum FrameFlag {
    static let acknowledgement: UInt8 = 0x1
    static let endStream: UInt8 = 0x1
    static let endHeaders: UInt8 = 0x4
    static let padded: UInt8 = 0x8
    static let priority: UInt8 = 0x20
}

/// The nine bytes before every frame's payload. Source: RFC 9113 section 4.1.
struct FrameHeader {
    static let byteCount = 9

    var payloadBytes: Int
    var type: UInt8
    var flags: UInt8
    var stream: HTTP2StreamID

    init(payloadBytes: Int, type: UInt8, flags: UInt8 = 0, stream: HTTP2StreamID = .connection) {
        self.payloadBytes = payloadBytes
        self.type = type
        self.flags = flags
        self.stream = stream
    }

    /// Leaves the bytes where they are; nil when there are fewer than nine.
    init?(peekingAt input: ByteBuffer) {
        let start = input.readerIndex
        guard input.readableBytes >= Self.byteCount,
            let lengthAndType: UInt32 = input.getInteger(at: start),
            let flags: UInt8 = input.getInteger(at: start + 4),
            let stream: UInt32 = input.getInteger(at: start + 5)
        else { return nil }
        self.payloadBytes = Int(lengthAndType >> 8)
        self.type = UInt8(truncatingIfNeeded: lengthAndType)
        self.flags = flags
        // The top bit is reserved and ignored.
        self.stream = HTTP2StreamID(stream & 0x7fff_ffff)
    }

    func has(_ flag: UInt8) -> Bool { flags & flag != 0 }
}

extension ByteBuffer {
    mutating func writeFrameHeader(_ header: FrameHeader) {
        writeMultipleIntegers(
            UInt32(truncatingIfNeeded: header.payloadBytes) << 8 | UInt32(header.type), header.flags,
            header.stream.value)
    }
}

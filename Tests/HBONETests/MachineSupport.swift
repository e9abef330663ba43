import HBONE
import NIOCore
import NIOHPACK

/// A frame as a test sees it on the wire.
struct WireFrame: Hashable {
    var type: UInt8
    var flags: UInt8 = 0
    var stream: UInt32 = 0
    var payload: [UInt8] = []

    static let data: UInt8 = 0, headers: UInt8 = 1, priority: UInt8 = 2, reset: UInt8 = 3, settings: UInt8 = 4
    static let push: UInt8 = 5, ping: UInt8 = 6, goAway: UInt8 = 7, windowUpdate: UInt8 = 8, continuation: UInt8 = 9

    var bytes: [UInt8] {
        [UInt8(payload.count >> 16), UInt8(payload.count >> 8 & 0xff), UInt8(payload.count & 0xff), type, flags]
            + word(stream) + payload
    }

    static func data(_ stream: UInt32, _ payload: [UInt8], end: Bool = false) -> WireFrame {
        WireFrame(type: data, flags: end ? 1 : 0, stream: stream, payload: payload)
    }
    static func reset(_ stream: UInt32, _ code: UInt32) -> WireFrame {
        WireFrame(type: reset, stream: stream, payload: word(code))
    }
    static func windowUpdate(_ stream: UInt32, _ bytes: UInt32) -> WireFrame {
        WireFrame(type: windowUpdate, stream: stream, payload: word(bytes))
    }
    static func settings(_ values: [(UInt16, UInt32)] = []) -> WireFrame {
        WireFrame(
            type: settings, payload: values.flatMap { [UInt8($0.0 >> 8), UInt8($0.0 & 0xff)] + word($0.1) })
    }
    static func goAway(_ last: UInt32, _ code: UInt32, _ text: String = "") -> WireFrame {
        WireFrame(type: goAway, payload: word(last) + word(code) + Array(text.utf8))
    }
    static func ping(_ byte: UInt8 = 7) -> WireFrame {
        WireFrame(type: ping, payload: Array(repeating: byte, count: 8))
    }
}

func word(_ value: UInt32) -> [UInt8] { [24, 16, 8, 0].map { UInt8(value >> $0 & 0xff) } }

let clientPreface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

/// Reads whole frames from what a session wrote.
func wireFrames(_ buffer: ByteBuffer) -> [WireFrame] {
    var buffer = buffer
    var found: [WireFrame] = []
    if buffer.readableBytesView.starts(with: clientPreface) { buffer.moveReaderIndex(forwardBy: 24) }
    while let lengthAndType: UInt32 = buffer.readInteger(), let flags: UInt8 = buffer.readInteger(),
        let stream: UInt32 = buffer.readInteger(), let payload = buffer.readBytes(length: Int(lengthAndType >> 8))
    {
        found.append(
            WireFrame(type: UInt8(lengthAndType & 0xff), flags: flags, stream: stream, payload: payload))
    }
    return found
}

typealias Fields = [(String, String)]

func connectFields(_ authority: String = "10.0.0.1:80") -> Fields {
    [(":method", "CONNECT"), (":authority", authority)]
}

/// Plays the peer of one session by hand.
struct HandPeer {
    var session: HTTP2Session
    var output = ByteBuffer()
    var input = ByteBuffer()
    var encoder = HPACKEncoder(allocator: ByteBufferAllocator())
    var decoder = HPACKDecoder(allocator: ByteBufferAllocator())
    var now = NIODeadline.uptimeNanoseconds(1)

    /// Past the exchange of SETTINGS.
    init(
        _ role: HTTP2Session.Role, settings: [(UInt16, UInt32)] = [],
        _ change: (inout HTTP2Limits) -> Void = { _ in }
    ) throws {
        var limits = HTTP2Limits(role: role)
        change(&limits)
        session = HTTP2Session(role: role, limits: limits)
        session.start(into: &output)
        if role == .server { input.writeBytes(clientPreface) }
        try feed(.settings(settings), WireFrame(type: WireFrame.settings, flags: 1))
        output.clear()
    }

    @discardableResult
    mutating func feed(_ frames: WireFrame...) throws(HTTP2ConnectionError) -> [HTTP2Event] {
        try feed(bytes: frames.flatMap(\.bytes))
    }

    @discardableResult
    mutating func feed(bytes: [UInt8]) throws(HTTP2ConnectionError) -> [HTTP2Event] {
        input.writeBytes(bytes)
        var events: [HTTP2Event] = []
        while let event = try session.nextEvent(from: &input, now: now, output: &output) { events.append(event) }
        return events
    }

    mutating func headers(
        _ stream: UInt32, _ fields: Fields = connectFields(), end: Bool = false, endHeaders: Bool = true
    ) -> WireFrame {
        var block = ByteBuffer()
        do { try encoder.encode(headers: HPACKHeaders(fields), to: &block) } catch { return .ping() }
        return WireFrame(
            type: WireFrame.headers, flags: (end ? 1 : 0) | (endHeaders ? 4 : 0), stream: stream,
            payload: Array(block.readableBytesView))
    }

    /// Everything the session wrote since the last call.
    mutating func written() -> [WireFrame] {
        defer { output.clear() }
        return wireFrames(output)
    }

    mutating func fields(of frame: WireFrame) throws -> [String] {
        var block = ByteBuffer(bytes: frame.payload)
        return try decoder.decodeHeaders(from: &block).map { "\($0.name)=\($0.value)" }
    }

    /// A server with stream 1 open and answered, or a client with stream 1 open and answered.
    static func withTunnel(
        _ role: HTTP2Session.Role, settings: [(UInt16, UInt32)] = [], _ change: (inout HTTP2Limits) -> Void = { _ in }
    ) throws -> HandPeer {
        var peer = try HandPeer(role, settings: settings, change)
        switch role {
        case .server:
            try peer.feed(peer.headers(1))
            peer.session.respond(HTTP2StreamID(1), status: 200, output: &peer.output)
        case .client:
            _ = try peer.session.openStream(ConnectRequest(authority: "10.0.0.1:80"), output: &peer.output)
            try peer.feed(peer.headers(1, [(":status", "200")]))
        }
        peer.output.clear()
        return peer
    }
}

extension HBONELimits {
    /// Everything small, so that every bound is met often.
    static func narrow(_ role: HTTP2Session.Role, streamWindowBytesMax: Int = 200_000) -> HBONELimits {
        var limits = HBONELimits(role: role)
        limits.http2.streamWindowBytes = 65_535
        limits.http2.streamWindowBytesMax = streamWindowBytesMax
        limits.http2.connectionWindowBytes = 100_000
        limits.http2.connectionBufferBytesMax = 150_000
        limits.http2.sentFrameBytesMax = 20_000
        limits.turnBytesMaximum = 30_000
        limits.channelHighWaterBytes = 40_000
        limits.channelLowWaterBytes = 10_000
        limits.roundRobinQuantumBytes = 7_000
        limits.referencePayloadBytesMinimum = 5_000
        return limits
    }
}

import HBONE
import NIOCore
import NIOHPACK

/// Plays the peer of one session for messages by hand.
struct MessagePeer {
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
        session = HTTP2Session(role: role, purpose: .messages, limits: limits)
        session.start(into: &output)
        if role == .server { input.writeBytes(clientPreface) }
        try feed(.settings(settings), WireFrame(type: WireFrame.settings, flags: 1))
        output.clear()
    }

    /// A client that has sent one request without content, on stream 1.
    static func asking(_ method: String = "GET") throws -> MessagePeer {
        var peer = try MessagePeer(.client)
        _ = try peer.session.openRequest(
            HTTP2RequestHead(method: method, authority: "a", path: "/"), endStream: true, output: &peer.output)
        peer.output.clear()
        return peer
    }

    @discardableResult
    mutating func feed(_ frames: WireFrame...) throws(HTTP2ConnectionError) -> [HTTP2MessageEvent] {
        try feed(bytes: frames.flatMap(\.bytes))
    }

    @discardableResult
    mutating func feed(bytes: [UInt8]) throws(HTTP2ConnectionError) -> [HTTP2MessageEvent] {
        input.writeBytes(bytes)
        var events: [HTTP2MessageEvent] = []
        while let event = try session.nextMessageEvent(from: &input, now: now, output: &output) {
            events.append(event)
        }
        return events
    }

    mutating func headers(
        _ stream: UInt32, _ fields: Fields, end: Bool = false, indexing: HPACKIndexing = .indexable
    ) -> WireFrame {
        var headers = HPACKHeaders()
        for (name, value) in fields { headers.add(name: name, value: value, indexing: indexing) }
        var block = ByteBuffer()
        do { try encoder.encode(headers: headers, to: &block) } catch { return .ping() }
        return WireFrame(
            type: WireFrame.headers, flags: (end ? 1 : 0) | 4, stream: stream,
            payload: Array(block.readableBytesView))
    }

    mutating func written() -> [WireFrame] {
        defer { output.clear() }
        return wireFrames(output)
    }

    mutating func fields(of frame: WireFrame) throws -> [String] {
        var block = ByteBuffer(bytes: frame.payload)
        return try decoder.decodeHeaders(from: &block).map { "\($0.name)=\($0.value)" }
    }
}

func getFields(_ method: String = "GET", path: String = "/", authority: String = "a.example") -> Fields {
    [(":method", method), (":scheme", "http"), (":path", path), (":authority", authority)]
}

extension HTTP2MessageEvent {
    var isRequest: Bool {
        if case .section(_, .request, _) = self { true } else { false }
    }
}

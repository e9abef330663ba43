import HBONE
import NIOCore
import Testing

/// What a session must make of a frame.
enum Expected: Hashable {
    /// GOAWAY with this code.
    case connectionError(UInt32)
    /// RST_STREAM with this code, the connection lives.
    case streamError(UInt32)
    case fine
}

struct FrameRow: CustomStringConvertible, Sendable {
    var description: String
    var role: HTTP2Session.Role
    var frames: [WireFrame]
    var expected: Expected

    init(_ description: String, _ role: HTTP2Session.Role, _ frames: [WireFrame], _ expected: Expected) {
        self.description = description
        self.role = role
        self.frames = frames
        self.expected = expected
    }
}

@Suite struct MachineFrameTests {
    // Stream 1 is open and answered, 3 and above are idle.
    static let rows: [FrameRow] = [
        FrameRow("DATA on stream 0", .server, [.data(0, [1])], .connectionError(1)),
        FrameRow("DATA on an idle stream", .server, [.data(3, [1])], .connectionError(1)),
        FrameRow("DATA on a stream of the server's", .server, [.data(2, [1])], .connectionError(1)),
        FrameRow("DATA on a stream the client has not opened", .client, [.data(3, [1])], .connectionError(1)),
        FrameRow("DATA after END_STREAM", .server, [.data(1, [1], end: true), .data(1, [1])], .streamError(5)),
        FrameRow("DATA after RST_STREAM", .server, [.reset(1, 8), .data(1, [1])], .streamError(5)),
        FrameRow("DATA all of padding", .server, [padded(0, 1, [3, 0, 0, 0])], .fine),
        FrameRow("DATA with more padding than payload", .server, [padded(0, 1, [4, 0, 0, 0])], .connectionError(1)),
        FrameRow("padded DATA without its length", .server, [padded(0, 1, [])], .connectionError(6)),
        FrameRow("DATA", .client, [.data(1, [1])], .fine),
        FrameRow("HEADERS on stream 0", .server, [frame(1, 4, 0, [0x82])], .connectionError(1)),
        FrameRow("HEADERS on an even stream", .server, [frame(1, 4, 2, [0x82])], .connectionError(1)),
        FrameRow("HEADERS on an idle stream", .client, [frame(1, 4, 3, [0x88])], .connectionError(1)),
        FrameRow("HEADERS with more padding than payload", .server, [frame(1, 0xc, 3, [9, 0x82])], .connectionError(1)),
        FrameRow("HEADERS with half a priority", .server, [frame(1, 0x24, 3, [0, 0])], .connectionError(6)),
        FrameRow("HEADERS of index 0", .server, [frame(1, 4, 3, [0x80])], .connectionError(9)),
        FrameRow("HEADERS of an index beyond the table", .server, [frame(1, 4, 3, [0xff, 0x20])], .connectionError(9)),
        FrameRow("HEADERS with an endless integer", .server,
            [frame(1, 4, 3, [0xff] + Array(repeating: 0xff, count: 20))], .connectionError(9)),
        FrameRow("HEADERS raising the table above its limit", .server, [frame(1, 4, 3, [0x3f, 0xff, 0x7f])],
            .connectionError(9)),
        FrameRow("HEADERS cut inside a string", .server, [frame(1, 4, 3, [0x40, 0x05, 0x61])], .connectionError(9)),
        FrameRow("HEADERS on a live stream without END_STREAM", .server, [frame(1, 4, 1, [])], .streamError(1)),
        FrameRow("trailers", .server, [frame(1, 5, 1, [])], .fine),
        FrameRow("HEADERS on a stream that ended long ago", .server, [.reset(1, 8), frame(1, 4, 1, [])],
            .connectionError(5)),
        FrameRow("HEADERS after END_STREAM", .server, [.data(1, [], end: true), frame(1, 5, 1, [])], .streamError(5)),
        FrameRow("PRIORITY on stream 0", .server, [frame(2, 0, 0, [0, 0, 0, 0, 0])], .connectionError(1)),
        FrameRow("PRIORITY on an idle stream", .server, [frame(2, 0, 9, [0, 0, 0, 0, 0])], .fine),
        FrameRow("PRIORITY of four bytes", .server, [frame(2, 0, 1, [0, 0, 0, 0])], .streamError(6)),
        FrameRow("RST_STREAM on stream 0", .server, [.reset(0, 8)], .connectionError(1)),
        FrameRow("RST_STREAM on an idle stream", .server, [.reset(3, 8)], .connectionError(1)),
        FrameRow("RST_STREAM of three bytes", .server, [frame(3, 0, 1, [0, 0, 0])], .connectionError(6)),
        FrameRow("RST_STREAM twice", .server, [.reset(1, 8), .reset(1, 8)], .fine),
        FrameRow("SETTINGS on a stream", .server, [frame(4, 0, 1, [])], .connectionError(1)),
        FrameRow("SETTINGS of seven bytes", .server, [frame(4, 0, 0, [0, 1, 0, 0, 0, 0, 0])], .connectionError(6)),
        FrameRow("acknowledgement with payload", .server, [frame(4, 1, 0, [0, 1, 0, 0, 0, 0])], .connectionError(6)),
        FrameRow("acknowledgement of nothing", .server, [frame(4, 1, 0, [])], .connectionError(1)),
        FrameRow("unknown setting", .server, [.settings([(0xbaba, 7)])], .fine),
        FrameRow("push on, from a client", .server, [.settings([(2, 1)])], .fine),
        FrameRow("push on, from a server", .client, [.settings([(2, 1)])], .connectionError(1)),
        FrameRow("push neither on nor off", .server, [.settings([(2, 2)])], .connectionError(1)),
        FrameRow("initial window above 2^31-1", .server, [.settings([(4, 0x8000_0000)])], .connectionError(3)),
        FrameRow("max frame size below 16384", .server, [.settings([(5, 16_383)])], .connectionError(1)),
        FrameRow("max frame size above 2^24-1", .server, [.settings([(5, 16_777_216)])], .connectionError(1)),
        FrameRow("extended CONNECT of 2", .server, [.settings([(8, 2)])], .connectionError(1)),
        FrameRow("initial window that overflows a stream", .server,
            [.windowUpdate(1, 0x7fff_0000), .settings([(4, 0x7fff_ffff)])], .connectionError(3)),
        FrameRow("PUSH_PROMISE", .client, [frame(5, 4, 1, [0, 0, 0, 2])], .connectionError(1)),
        FrameRow("PUSH_PROMISE", .server, [frame(5, 4, 1, [0, 0, 0, 2])], .connectionError(1)),
        FrameRow("PING on a stream", .server, [frame(6, 0, 1, [0, 0, 0, 0, 0, 0, 0, 0])], .connectionError(1)),
        FrameRow("PING of seven bytes", .server, [frame(6, 0, 0, [0, 0, 0, 0, 0, 0, 0])], .connectionError(6)),
        FrameRow("GOAWAY on a stream", .client, [frame(7, 0, 1, [0, 0, 0, 0, 0, 0, 0, 0])], .connectionError(1)),
        FrameRow("GOAWAY of seven bytes", .client, [frame(7, 0, 0, [0, 0, 0, 0, 0, 0, 0])], .connectionError(6)),
        FrameRow("GOAWAY that raises its stream", .client, [.goAway(1, 0), .goAway(3, 0)], .connectionError(1)),
        FrameRow("GOAWAY, then DATA", .client, [.goAway(1, 0), .data(1, [1])], .fine),
        FrameRow("WINDOW_UPDATE of the connection by 0", .server, [.windowUpdate(0, 0)], .connectionError(1)),
        FrameRow("WINDOW_UPDATE of a stream by 0", .server, [.windowUpdate(1, 0)], .streamError(1)),
        FrameRow("WINDOW_UPDATE on an idle stream", .server, [.windowUpdate(3, 1)], .connectionError(1)),
        FrameRow("WINDOW_UPDATE on a closed stream", .server, [.reset(1, 8), .windowUpdate(1, 1)], .fine),
        FrameRow("WINDOW_UPDATE of three bytes", .server, [frame(8, 0, 1, [0, 0, 1])], .connectionError(6)),
        FrameRow("WINDOW_UPDATE above 2^31-1, stream", .server, [.windowUpdate(1, 0x7fff_ffff)], .streamError(3)),
        FrameRow("WINDOW_UPDATE above 2^31-1, connection", .server, [.windowUpdate(0, 0x7fff_ffff)],
            .connectionError(3)),
        FrameRow("WINDOW_UPDATE with the reserved bit", .server, [.windowUpdate(1, 0x8000_0001)], .fine),
        FrameRow("CONTINUATION without HEADERS", .server, [frame(9, 4, 1, [])], .connectionError(1)),
        FrameRow("CONTINUATION of another stream", .server, [frame(1, 0, 3, []), frame(9, 4, 5, [])],
            .connectionError(1)),
        FrameRow("DATA inside a header block", .server, [frame(1, 0, 3, []), .data(1, [1])], .connectionError(1)),
        FrameRow("PING inside a header block", .server, [frame(1, 0, 3, []), .ping()], .connectionError(1)),
        FrameRow("unknown type inside a header block", .server, [frame(1, 0, 3, []), frame(0xbb, 0, 0, [])],
            .connectionError(1)),
        FrameRow("unknown type", .server, [frame(0xbb, 0xff, 77, [1, 2, 3])], .fine),
        FrameRow("frame above our maximum", .server,
            [frame(0xbb, 0, 0, Array(repeating: 0, count: 1_048_577))], .connectionError(6)),
    ]

    static func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8]) -> WireFrame {
        WireFrame(type: type, flags: flags, stream: stream, payload: payload)
    }

    static func padded(_ type: UInt8, _ stream: UInt32, _ payload: [UInt8]) -> WireFrame {
        WireFrame(type: type, flags: 8, stream: stream, payload: payload)
    }

    @Test("each frame has the consequence that RFC 9113 names", arguments: rows)
    func consequence(_ row: FrameRow) throws {
        var peer = try HandPeer.withTunnel(row.role)
        do {
            try peer.feed(bytes: row.frames.flatMap(\.bytes))
        } catch {
            let last = peer.written().last
            guard case .connectionError(let code) = row.expected else {
                Issue.record("\(row): \(error)")
                return
            }
            #expect(error.code.value == code, "\(row): \(error)")
            #expect(last?.type == WireFrame.goAway && last.map { Array($0.payload[4..<8]) } == word(code))
            #expect(peer.session.hasFailed)
            #expect(try peer.feed(.ping()).isEmpty && peer.written().isEmpty, "nothing happens after the failure")
            return
        }
        let resets = peer.written().filter { $0.type == WireFrame.reset }
        switch row.expected {
        case .connectionError: Issue.record("\(row): the connection lives on")
        case .streamError(let code): #expect(resets.last?.payload == word(code), "\(row)")
        case .fine: #expect(resets.isEmpty, "\(row)")
        }
        #expect(try peer.feed(.ping()).isEmpty)
        #expect(peer.written() == [WireFrame(type: WireFrame.ping, flags: 1, payload: Array(repeating: 7, count: 8))])
    }

    @Test("each row comes out the same when the bytes arrive one at a time", arguments: rows)
    func fragmented(_ row: FrameRow) throws {
        guard row.frames.allSatisfy({ $0.payload.count < 1000 }) else { return }
        var whole = try HandPeer.withTunnel(row.role)
        var split = try HandPeer.withTunnel(row.role)
        let bytes = row.frames.flatMap(\.bytes)
        var outcomes: [HTTP2ConnectionError?] = [nil, nil]
        do { try whole.feed(bytes: bytes) } catch { outcomes[0] = error }
        do { for byte in bytes { try split.feed(bytes: [byte]) } } catch { outcomes[1] = error }
        #expect(outcomes[0] == outcomes[1])
        #expect(whole.output == split.output)
        #expect(whole.session.unconsumedBytes == split.session.unconsumedBytes)
    }

    @Test func aServerRefusesAPeerThatIsNotHTTP2AtItsFirstWrongByte() throws {
        var session = HTTP2Session(role: .server, limits: HTTP2Limits(role: .server))
        var output = ByteBuffer()
        var input = ByteBuffer(string: "GE")
        #expect(throws: HTTP2ConnectionError(.badPreface)) {
            _ = try session.nextEvent(from: &input, now: .uptimeNanoseconds(1), output: &output)
        }
    }

    @Test("the first frame must be SETTINGS", arguments: [HTTP2Session.Role.client, .server])
    func firstFrame(_ role: HTTP2Session.Role) throws {
        for first in [WireFrame.ping(), .data(1, []), WireFrame(type: WireFrame.settings, flags: 1)] {
            var session = HTTP2Session(role: role, limits: HTTP2Limits(role: role))
            var output = ByteBuffer()
            session.start(into: &output)
            var input = ByteBuffer(bytes: (role == .server ? clientPreface : []) + first.bytes)
            #expect(throws: HTTP2ConnectionError(.protocolViolation(.firstFrameIsNotSettings(type: first.type)))) {
                _ = try session.nextEvent(from: &input, now: .uptimeNanoseconds(1), output: &output)
            }
        }
    }

    @Test func bothSidesStartWithTheReferenceSettings() {
        for role in [HTTP2Session.Role.client, .server] {
            var session = HTTP2Session(role: role, limits: HTTP2Limits(role: role))
            var output = ByteBuffer()
            session.start(into: &output)
            #expect(output.readableBytesView.starts(with: clientPreface) == (role == .client))
            let frames = wireFrames(output)
            let common: [(UInt16, UInt32)] = [(4, 65_535), (5, 1 << 20), (6, role == .client ? 16_384 : 65_536)]
            let own: [(UInt16, UInt32)] = role == .client ? [(2, 0)] : [(3, 200)]
            #expect(frames == [.settings(common + own), .windowUpdate(0, (16 << 20) - 65_535)])
        }
    }
}

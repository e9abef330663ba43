import HBONE
import MeshModel
import NIOCore
import Testing

/// Content against its announced length, what may be sent when, and limits. Source: RFC 9113 sections 8.1 and 8.1.1.
@Suite struct MessageContentTests {
    /// Pieces of content, whether the last ends the stream, and whether all is well.
    static let rows: [(String, [Int], Bool, Bool)] = [
        ("5", [5], true, true), ("5", [2, 3], true, true), ("5", [5, 0], true, true), ("5", [5], false, true),
        ("5", [6], false, false), ("5", [3, 3], false, false), ("5", [4], true, false), ("5", [0], true, false),
        ("0", [1], false, false), ("0", [0], true, true),
    ]

    @Test(arguments: rows.indices)
    func requestsKeepTheirLength(_ index: Int) throws {
        let (length, pieces, ends, isLegal) = Self.rows[index]
        var peer = try MessagePeer(.server)
        try peer.feed(peer.headers(1, getFields("POST") + [("content-length", length)]))
        for (index, count) in pieces.enumerated() {
            let isLast = ends && index == pieces.count - 1
            try peer.feed(.data(1, Array(repeating: 7, count: count), end: isLast))
        }
        #expect(peer.written().contains(.reset(1, 1)) != isLegal, "\(Self.rows[index])")
    }

    @Test(arguments: rows.indices)
    func answersKeepTheirLength(_ index: Int) throws {
        let (length, pieces, ends, isLegal) = Self.rows[index]
        var peer = try MessagePeer.asking()
        try peer.feed(peer.headers(1, [(":status", "200"), ("content-length", length)]))
        for (index, count) in pieces.enumerated() {
            let isLast = ends && index == pieces.count - 1
            try peer.feed(.data(1, Array(repeating: 7, count: count), end: isLast))
        }
        #expect(peer.written().contains(.reset(1, 1)) != isLegal, "\(Self.rows[index])")
    }

    @Test func trailersCompleteTheContentOrFail() throws {
        for (count, isLegal) in [(5, true), (4, false)] {
            var peer = try MessagePeer(.server)
            try peer.feed(peer.headers(1, getFields("POST") + [("content-length", "5")]))
            try peer.feed(.data(1, Array(repeating: 7, count: count)), peer.headers(1, [("x", "y")], end: true))
            #expect(peer.written().contains(.reset(1, 1)) != isLegal)
        }
    }

    @Test(arguments: [("HEAD", "200"), ("GET", "304")])
    func answersWithoutContentMayAnnounceSome(_ method: String, _ status: String) throws {
        let answer = [(":status", status), ("content-length", "9")]
        var peer = try MessagePeer.asking(method)
        try peer.feed(peer.headers(1, answer, end: true))
        #expect(peer.written().isEmpty)
        var other = try MessagePeer.asking(method)
        try other.feed(other.headers(1, answer), .data(1, [1]))
        #expect(other.written() == [.reset(1, 1)])
    }

    @Test func contentThatTheStreamDoesNotTakeIsNotOwed() throws {
        var peer = try MessagePeer(.server)
        try peer.feed(peer.headers(1, getFields("POST") + [("content-length", "1")]))
        try peer.feed(.data(1, Array(repeating: 7, count: 500)))
        #expect(peer.session.unconsumedBytes == 0 && peer.session.openStreamCount == 0)
    }

    @Test func answersStandInTheirOrder() throws {
        var peer = try MessagePeer(.server)
        let stream = HTTP2StreamID(1)
        try peer.feed(peer.headers(1, getFields(), end: true))
        #expect(throws: HTTP2SendRefusal.streamClosed) {
            try peer.session.sendTrailers(stream, HeaderLines(), output: &peer.output)
        }
        #expect(throws: HTTP2SendRefusal.field(name: "Upper")) {
            let head = HTTP2ResponseHead(status: 200, fields: HeaderLines([("Upper", "x")]))
            try peer.session.sendResponse(stream, head, endStream: false, output: &peer.output)
        }
        #expect(throws: HTTP2SendRefusal.field(name: "connection")) {
            let head = HTTP2ResponseHead(status: 200, fields: HeaderLines([("connection", "close")]))
            try peer.session.sendResponse(stream, head, endStream: false, output: &peer.output)
        }
        try peer.session.sendResponse(stream, .init(status: 100), endStream: false, output: &peer.output)
        var early = ByteBuffer(bytes: [1])
        #expect(peer.session.sendData(stream, &early, endStream: false, output: &peer.output) == 0)
        try peer.session.sendResponse(stream, .init(status: 200), endStream: false, output: &peer.output)
        #expect(throws: HTTP2SendRefusal.streamClosed) {
            try peer.session.sendResponse(stream, .init(status: 200), endStream: false, output: &peer.output)
        }
        var content = ByteBuffer(bytes: [1])
        #expect(peer.session.sendData(stream, &content, endStream: false, output: &peer.output) == 1)
        try peer.session.sendTrailers(stream, HeaderLines([("x", "y")]), output: &peer.output)
        let frames = peer.written()
        #expect(frames.map(\.type) == [1, 1, 0, 1] && frames.map(\.flags) == [4, 4, 0, 5])
        #expect(peer.session.openStreamCount == 0)
    }

    @Test func anAnswerInFullEndsTheRestOfTheRequest() throws {
        var peer = try MessagePeer(.server)
        try peer.feed(peer.headers(1, getFields("POST")))
        try peer.session.sendResponse(HTTP2StreamID(1), .init(status: 413), endStream: true, output: &peer.output)
        #expect(peer.written().map(\.type) == [WireFrame.headers, WireFrame.reset])
        #expect(try peer.feed(.data(1, [1, 2])).isEmpty)
    }

    @Test func rapidResetsEndTheConnection() throws {
        var peer = try MessagePeer(.server) { $0.earlyResetsMax = 10 }
        #expect(throws: HTTP2ConnectionError.self) {
            for stream in 0..<100 {
                let id = UInt32(stream * 2 + 1)
                try peer.feed(peer.headers(id, getFields(), end: false), .reset(id, 8))
            }
        }
        #expect(peer.written().last?.type == WireFrame.goAway)
    }

    @Test func floodsOfInterimAnswersEndTheConnection() throws {
        var peer = try MessagePeer.asking()
        #expect(throws: HTTP2ConnectionError.self) {
            for _ in 0...1_004 { try peer.feed(peer.headers(1, [(":status", "103")])) }
        }
    }

    @Test func malformedRequestsCountAsErrors() throws {
        var peer = try MessagePeer(.server) { $0.streamErrorsMax = 10 }
        #expect(throws: HTTP2ConnectionError.self) {
            for stream in 0..<100 { try peer.feed(peer.headers(UInt32(stream * 2 + 1), [("x", "y")], end: true)) }
        }
    }

    @Test func streamsAboveTheBoundAreRefused() throws {
        var peer = try MessagePeer(.server) { $0.concurrentStreamsMax = 2 }
        for id in [1, 3, 5] as [UInt32] { try peer.feed(peer.headers(id, getFields(), end: true)) }
        #expect(peer.written() == [.reset(5, 7)])
    }

    @Test func requestsThatMustNotBeSentAreRefusedHere() throws {
        var peer = try MessagePeer(.client, settings: [(6, 100)])
        for (head, refusal) in [
            (
                HTTP2RequestHead(method: "GET", authority: "", path: "/"),
                HTTP2OpenRefusal.headerValue(name: ":authority")
            ),
            (HTTP2RequestHead(method: "GET", authority: "a", path: "/\r"), .headerValue(name: ":path")),
            (
                HTTP2RequestHead(method: "GET", authority: "a", path: "/", fields: HeaderLines([("te", "gzip")])),
                .headerValue(name: "te")
            ),
            (
                HTTP2RequestHead(method: "GET", authority: "a", path: "/"),
                .headerListTooLarge(bytes: 166, bytesMax: 100)
            ),
        ] {
            #expect(throws: refusal) {
                _ = try peer.session.openRequest(head, endStream: true, output: &peer.output)
            }
        }
        #expect(peer.written().isEmpty && peer.session.openStreamCount == 0)
    }
}

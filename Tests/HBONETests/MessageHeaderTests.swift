import HBONE
import MeshModel
import NIOCore
import NIOHPACK
import Testing

struct MessageRow: CustomStringConvertible, Sendable {
    enum Outcome: Hashable, Sendable {
        case request(HTTP2RequestHead)
        case refused(Int)
        case malformed
    }

    var description: String
    var fields: [[String]]
    var outcome: Outcome

    init(_ description: String, _ fields: Fields, _ outcome: Outcome) {
        self.description = description
        self.fields = fields.map { [$0.0, $0.1] }
        self.outcome = outcome
    }
}

@Suite struct MessageHeaderTests {
    static func head(
        _ method: String = "GET", path: String = "/", authority: String = "a.example", fields: Fields = []
    ) -> HTTP2RequestHead {
        HTTP2RequestHead(method: method, authority: authority, path: path, fields: HeaderLines(fields))
    }

    static let rows: [MessageRow] = [
        MessageRow("plain", getFields(), .request(head())),
        MessageRow("fields", getFields() + [("x", "a"), ("x", "b")], .request(head(fields: [("x", "a"), ("x", "b")]))),
        MessageRow("Host only", getFields().dropLast() + [("host", "b:80")], .request(head(authority: "b:80"))),
        MessageRow("Host that agrees", getFields() + [("host", "A.EXAMPLE")], .request(head())),
        MessageRow("cookies", getFields() + [("cookie", "a=1"), ("x", "y"), ("cookie", "b=2")],
            .request(head(fields: [("cookie", "a=1; b=2"), ("x", "y")]))),
        MessageRow("te: trailers", getFields() + [("te", "trailers")], .request(head(fields: [("te", "trailers")]))),
        MessageRow("OPTIONS *", getFields("OPTIONS", path: "*"), .request(head("OPTIONS", path: "*"))),
        MessageRow("own method", getFields("M-SEARCH"), .request(head("M-SEARCH"))),
        MessageRow("IPv6", getFields(authority: "[::1]:80"), .request(head(authority: "[::1]:80"))),
        MessageRow("CONNECT", connectFields(), .refused(405)),
        MessageRow("list above our limit", getFields() + [("x", String(repeating: "a", count: 70_000))],
            .refused(431)),
        MessageRow("CONNECT with a path", connectFields() + [(":path", "/")], .malformed),
        MessageRow("extended CONNECT", getFields("CONNECT") + [(":protocol", "websocket")], .malformed),
        MessageRow(":protocol", getFields() + [(":protocol", "websocket")], .malformed),
        MessageRow("no method", Array(getFields().dropFirst()), .malformed),
        MessageRow("no scheme", [(":method", "GET"), (":path", "/"), (":authority", "a")], .malformed),
        MessageRow("no path", [(":method", "GET"), (":scheme", "http"), (":authority", "a")], .malformed),
        MessageRow("no authority", Array(getFields().dropLast()), .malformed),
        MessageRow("empty authority", getFields(authority: ""), .malformed),
        MessageRow("user information", getFields(authority: "u@a"), .malformed),
        MessageRow("authority with a path", getFields(authority: "a/b"), .malformed),
        MessageRow("two methods", [(":method", "GET")] + getFields(), .malformed),
        MessageRow("two paths", [(":path", "/")] + getFields(), .malformed),
        MessageRow("two hosts", getFields() + [("host", "a.example"), ("host", "a.example")], .malformed),
        MessageRow("Host that differs", getFields() + [("host", "b.example")], .malformed),
        MessageRow("Host with another port", getFields() + [("host", "a.example:81")], .malformed),
        MessageRow("empty Host", getFields().dropLast() + [("host", "")], .malformed),
        MessageRow("empty path", getFields(path: ""), .malformed),
        MessageRow("path without a slash", getFields(path: "a"), .malformed),
        MessageRow("* with GET", getFields(path: "*"), .malformed),
        MessageRow("fragment", getFields(path: "/a#b"), .malformed),
        MessageRow("space in the path", getFields(path: "/a b"), .malformed),
        MessageRow("whole address as path", getFields(path: "http://a/"), .malformed),
        MessageRow("space in the method", getFields("GE T"), .malformed),
        MessageRow("empty method", getFields(""), .malformed),
        MessageRow("odd scheme",
            [(":method", "GET"), (":scheme", "1"), (":path", "/"), (":authority", "a")], .malformed),
        MessageRow("status", getFields() + [(":status", "200")], .malformed),
        MessageRow("pseudo field after a field", [("x", "y")] + getFields(), .malformed),
        MessageRow("upper case", getFields() + [("Upper", "y")], .malformed),
        MessageRow("space in a name", getFields() + [("a b", "c")], .malformed),
        MessageRow("line feed in a value", getFields() + [("x", "a\nb")], .malformed),
        MessageRow("line feed in the path", getFields(path: "/\n"), .malformed),
        MessageRow("space behind a value", getFields() + [("x", "a ")], .malformed),
        MessageRow("connection", getFields() + [("connection", "close")], .malformed),
        MessageRow("proxy-connection", getFields() + [("proxy-connection", "close")], .malformed),
        MessageRow("keep-alive", getFields() + [("keep-alive", "5")], .malformed),
        MessageRow("upgrade", getFields() + [("upgrade", "websocket")], .malformed),
        MessageRow("transfer-encoding", getFields() + [("transfer-encoding", "chunked")], .malformed),
        MessageRow("te: gzip", getFields() + [("te", "gzip")], .malformed),
        MessageRow("two lengths", getFields() + [("content-length", "0"), ("content-length", "0")], .malformed),
        MessageRow("signed length", getFields() + [("content-length", "+0")], .malformed),
        MessageRow("list as length", getFields() + [("content-length", "0, 0")], .malformed),
        MessageRow("huge length", getFields() + [("content-length", "99999999999999999999")], .malformed),
        MessageRow("length without content", getFields() + [("content-length", "1")], .malformed),
    ]

    @Test("a request is taken, answered or reset as the protocol says", arguments: rows)
    func request(_ row: MessageRow) throws {
        var peer = try MessagePeer(.server) { $0.headerBlockBytesMax = 100_000 }
        let events = try peer.feed(peer.headers(1, row.fields.map { ($0[0], $0[1]) }, end: true))
        let stream = HTTP2StreamID(1)
        switch row.outcome {
        case .request(let head):
            #expect(events == [.section(stream, .request(head), endStream: true)])
        case .refused(let status):
            guard case .section(_, .refused(let reason), _) = events.first else {
                Issue.record("\(events)")
                return
            }
            #expect(reason.status == status)
            let answer = HTTP2ResponseHead(status: status)
            try peer.session.sendResponse(stream, answer, endStream: true, output: &peer.output)
            let frames = peer.written()
            let answered = try peer.fields(of: frames[0])
            #expect(frames.count == 1 && answered == [":status=\(status)"])
        case .malformed:
            #expect(events.isEmpty)
            #expect(peer.written() == [.reset(1, 1)])
        }
        // The next request finds the compression state as it left it.
        let next = try peer.feed(peer.headers(3, getFields() + [("x", "kept")], end: true))
        #expect(next == [.section(HTTP2StreamID(3), .request(Self.head(fields: [("x", "kept")])), endStream: true)])
    }

    static let answers: [(String, Fields, Bool)] = [
        ("no status", [("x", "y")], false),
        ("two digits", [(":status", "20")], false),
        ("600", [(":status", "600")], false),
        ("switching protocols", [(":status", "101")], false),
        ("two statuses", [(":status", "200"), (":status", "200")], false),
        ("a path", [(":status", "200"), (":path", "/")], false),
        ("connection", [(":status", "200"), ("connection", "close")], false),
        ("interim with a length", [(":status", "103"), ("content-length", "0")], false),
        ("no content with a length", [(":status", "204"), ("content-length", "1")], false),
        ("two lengths", [(":status", "200"), ("content-length", "1"), ("content-length", "1")], false),
        ("no content", [(":status", "204"), ("content-length", "0")], true),
        ("not modified", [(":status", "304"), ("content-length", "5")], true),
        ("plain", [(":status", "200"), ("host", "kept"), ("cookie", "a"), ("cookie", "b")], true),
    ]

    @Test("an answer is taken or its stream reset", arguments: answers.indices)
    func response(_ index: Int) throws {
        let (text, fields, isLegal) = Self.answers[index]
        var peer = try MessagePeer.asking()
        let events = try peer.feed(peer.headers(1, fields))
        guard isLegal else {
            #expect(peer.written() == [.reset(1, 1)], "\(text)")
            guard case .event(.streamFailed(HTTP2StreamID(1), .malformedHeaders)) = events.first else {
                Issue.record("\(text): \(events)")
                return
            }
            return
        }
        let expected = HTTP2ResponseHead(
            status: Int(fields[0].1) ?? 0, fields: HeaderLines(Array(fields.dropFirst())))
        #expect(events == [.section(HTTP2StreamID(1), .response(expected), endStream: false)], "\(text)")
    }

    @Test func interimAnswersAndTrailersComeUp() throws {
        var peer = try MessagePeer.asking()
        let stream = HTTP2StreamID(1)
        let events = try peer.feed(
            peer.headers(1, [(":status", "103"), ("link", "x")]), peer.headers(1, [(":status", "200")]),
            .data(1, [1]), peer.headers(1, [("grpc-status", "0")], end: true))
        #expect(events == [
            .section(stream, .interim(.init(status: 103, fields: HeaderLines([("link", "x")]))), endStream: false),
            .section(stream, .response(.init(status: 200)), endStream: false),
            .event(.data(stream, ByteBuffer(bytes: [1]), creditBytes: 1, endStream: false)),
            .section(stream, .trailers(HeaderLines([("grpc-status", "0")])), endStream: true),
        ])
    }

    @Test(arguments: [[(":path", "/")], [("connection", "close")], [("X", "y")]] as [Fields])
    func badTrailersResetTheStream(_ fields: Fields) throws {
        var peer = try MessagePeer(.server)
        try peer.feed(peer.headers(1, getFields("POST")))
        try peer.feed(peer.headers(1, fields, end: true))
        #expect(peer.written() == [.reset(1, 1)])
    }

    @Test func trailersWithoutTheEndResetTheStream() throws {
        var peer = try MessagePeer(.server)
        try peer.feed(peer.headers(1, getFields("POST")))
        try peer.feed(peer.headers(1, [("x", "y")]))
        #expect(peer.written() == [.reset(1, 1)])
    }

    @Test func whatMustNotBeIndexedStaysSo() throws {
        var peer = try MessagePeer(.server)
        let events = try peer.feed(
            peer.headers(1, getFields() + [("x-secret", "secret")], end: true, indexing: .neverIndexed))
        guard case .section(_, .request(let head), _) = events.first else {
            Issue.record("\(events)")
            return
        }
        #expect(head.fields == HeaderLines([("x-secret", "secret")]))
        #expect(head.fields.places.map(\.isNeverIndexed) == [true])
        var client = try MessagePeer(.client)
        _ = try client.session.openRequest(head, endStream: true, output: &client.output)
        var block = ByteBuffer(bytes: client.written()[0].payload)
        let sent = try client.decoder.decodeHeaders(from: &block).last
        #expect(sent?.name == "x-secret")
        guard case .neverIndexed = sent?.indexable else {
            Issue.record("\(String(describing: sent))")
            return
        }
    }
}

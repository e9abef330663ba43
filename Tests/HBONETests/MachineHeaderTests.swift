import HBONE
import NIOCore
import NIOHPACK
import Testing

struct RequestRow: CustomStringConvertible, Sendable {
    enum Outcome: Hashable, Sendable {
        case request(ConnectRequest)
        case bad(HTTP2BadRequest)
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

@Suite struct MachineHeaderTests {
    static let plain = ConnectRequest(authority: "10.0.0.1:80")
    static let rows: [RequestRow] = [
        RequestRow("plain", connectFields(), .request(plain)),
        RequestRow("host name", connectFields("web.shop.svc.cluster.local:443"),
            .request(ConnectRequest(authority: "web.shop.svc.cluster.local:443"))),
        RequestRow("IPv6", connectFields("[2001:db8::1]:80"),
            .request(ConnectRequest(authority: "[2001:db8::1]:80"))),
        RequestRow("all that ambient sends",
            connectFields() + [
                ("baggage", "k8s.cluster.name=c"), ("forwarded", "for=\"1.2.3.4:5\""), ("traceparent", "00-a-b-00"),
                ("x-forwarded-network", "east"), ("baggage", "service.name=s"), ("x-istio-source", "waypoint"),
            ],
            .request(
                ConnectRequest(
                    authority: "10.0.0.1:80", baggage: "k8s.cluster.name=c,service.name=s",
                    forwarded: "for=\"1.2.3.4:5\"", traceparent: "00-a-b-00", forwardedNetwork: "east"))),
        RequestRow("baggage that is not ASCII", connectFields() + [("baggage", "service.name=größe")], .request(plain)),
        RequestRow("two traceparents", connectFields() + [("traceparent", "a"), ("traceparent", "b")], .request(plain)),
        RequestRow("te: trailers", connectFields() + [("te", "trailers")], .request(plain)),
        RequestRow("GET", [(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "a:1")],
            .bad(.methodIsNotConnect("GET"))),
        RequestRow("no authority", [(":method", "CONNECT")], .bad(.authorityMissing)),
        RequestRow("empty authority", connectFields(""), .bad(.authorityMissing)),
        RequestRow("no port", connectFields("10.0.0.1"), .bad(.authorityInvalid("10.0.0.1"))),
        RequestRow("no host", connectFields(":80"), .bad(.authorityInvalid(":80"))),
        RequestRow("port 0", connectFields("a:0"), .bad(.authorityInvalid("a:0"))),
        RequestRow("port 65536", connectFields("a:65536"), .bad(.authorityInvalid("a:65536"))),
        RequestRow("space in the host", connectFields("a b:80"), .bad(.authorityInvalid("a b:80"))),
        RequestRow("no method", [(":authority", "a:1")], .malformed),
        RequestRow("two methods", [(":method", "CONNECT")] + connectFields(), .malformed),
        RequestRow("two authorities", connectFields() + [(":authority", "b:1")], .malformed),
        RequestRow("scheme", connectFields() + [(":scheme", "https")], .malformed),
        RequestRow("path", connectFields() + [(":path", "/")], .malformed),
        RequestRow("extended CONNECT", connectFields() + [(":protocol", "websocket")], .malformed),
        RequestRow("unknown pseudo field", connectFields() + [(":status", "200")], .malformed),
        RequestRow("pseudo field after a field",
            [(":method", "CONNECT"), ("baggage", "a=b"), (":authority", "a:1")], .malformed),
        RequestRow("upper case", connectFields() + [("Baggage", "a=b")], .malformed),
        RequestRow("space in a name", connectFields() + [("a b", "c")], .malformed),
        RequestRow("colon in a name", connectFields() + [("a:b", "c")], .malformed),
        RequestRow("line feed in a value", connectFields() + [("x", "a\nb")], .malformed),
        RequestRow("NUL in a value", connectFields() + [("x", "a\0b")], .malformed),
        RequestRow("space before a value", connectFields() + [("x", " a")], .malformed),
        RequestRow("connection", connectFields() + [("connection", "close")], .malformed),
        RequestRow("transfer-encoding", connectFields() + [("transfer-encoding", "chunked")], .malformed),
        RequestRow("te: gzip", connectFields() + [("te", "gzip")], .malformed),
        RequestRow("list above our limit", connectFields() + [("x", String(repeating: "a", count: 70_000))],
            .bad(.headerListTooLarge(bytes: 70_132, bytesMax: 65_536))),
    ]

    @Test("a request header section is accepted, answered or reset as the protocol says", arguments: rows)
    func request(_ row: RequestRow) throws {
        var peer = try HandPeer(.server) { $0.headerBlockBytesMax = 100_000 }
        let events = try peer.feed(peer.headers(1, row.fields.map { ($0[0], $0[1]) }))
        let stream = HTTP2StreamID(1)
        switch row.outcome {
        case .request(let request):
            #expect(events == [.connectRequest(stream, request, endStream: false)])
            #expect(peer.session.openStreamCount == 1)
        case .bad(let reason):
            #expect(events == [.badRequest(stream, reason)])
            peer.session.respond(stream, status: reason.status, endStream: true, output: &peer.output)
            let frames = peer.written()
            #expect(try peer.fields(of: frames[0]) == [":status=\(reason.status)"])
            #expect(frames[0].flags == 5 && frames[1] == .reset(1, 0))
        case .malformed:
            #expect(events.isEmpty)
            #expect(peer.written() == [.reset(1, 1)])
        }
        if row.outcome != .request(Self.plain) { return }
        #expect(try peer.feed(peer.headers(3)) == [.connectRequest(HTTP2StreamID(3), Self.plain, endStream: false)])
    }

    @Test("the compression state survives every refused header section", arguments: rows)
    func compressionState(_ row: RequestRow) throws {
        var peer = try HandPeer(.server) { $0.headerBlockBytesMax = 100_000 }
        _ = try peer.feed(peer.headers(1, row.fields.map { ($0[0], $0[1]) } + [("forwarded", "kept=yes")]))
        let indexed = peer.headers(3, connectFields() + [("forwarded", "kept=yes")])
        let expected = ConnectRequest(authority: "10.0.0.1:80", forwarded: "kept=yes")
        #expect(try peer.feed(indexed) == [.connectRequest(HTTP2StreamID(3), expected, endStream: false)])
    }

    @Test func headerBlocksMayComeInPiecesWithPaddingAndPriority() throws {
        var peer = try HandPeer(.server)
        let whole = peer.headers(1, connectFields() + [("baggage", "a=b")]).payload
        let first = WireFrame(
            type: WireFrame.headers, flags: 0x28, stream: 1, payload: [2, 0, 0, 0, 0, 9] + whole.prefix(4) + [0, 0])
        let middle = WireFrame(type: WireFrame.continuation, stream: 1, payload: Array(whole.dropFirst(4).prefix(6)))
        let empty = WireFrame(type: WireFrame.continuation, stream: 1)
        let last = WireFrame(
            type: WireFrame.continuation, flags: 4, stream: 1, payload: Array(whole.dropFirst(10)))
        let expected = ConnectRequest(authority: "10.0.0.1:80", baggage: "a=b")
        #expect(
            try peer.feed(first, middle, empty, last)
                == [.connectRequest(HTTP2StreamID(1), expected, endStream: false)])
    }

    @Test("a response is understood", arguments: [(200, nil), (200, "a=b"), (401, nil), (503, nil)] as [(Int, String?)])
    func response(_ status: Int, _ baggage: String?) throws {
        var peer = try HandPeer(.client)
        let stream = try peer.session.openStream(ConnectRequest(authority: "a:1"), output: &peer.output)
        let fields = [(":status", "\(status)")] + (baggage.map { [("baggage", $0)] } ?? [])
        let events = try peer.feed(
            peer.headers(1, [(":status", "103")]), peer.headers(1, fields, end: status != 200))
        let response = ConnectResponse(status: status, baggage: baggage)
        #expect(events == [.response(stream, response, endStream: status != 200)])
    }

    @Test(
        "a malformed response fails its stream only",
        arguments: [
            [("x", "y")], [(":status", "20")], [(":status", "2000")], [(":status", "101")], [(":status", "abc")],
            [(":status", "200"), (":status", "200")], [(":status", "200"), (":path", "/")],
            [("x", "y"), (":status", "200")], [(":status", "200"), ("connection", "close")],
        ] as [Fields])
    func malformedResponse(_ fields: Fields) throws {
        var peer = try HandPeer(.client)
        _ = try peer.session.openStream(ConnectRequest(authority: "a:1"), output: &peer.output)
        peer.output.clear()
        let events = try peer.feed(peer.headers(1, fields))
        guard case .streamFailed(HTTP2StreamID(1), .malformedHeaders) = events.first else {
            Issue.record("\(events)")
            return
        }
        #expect(peer.written() == [.reset(1, 1)])
        #expect(peer.session.openStreamCount == 0)
    }

    @Test func dataBeforeTheResponseFailsTheStream() throws {
        var peer = try HandPeer(.client)
        _ = try peer.session.openStream(ConnectRequest(authority: "a:1"), output: &peer.output)
        #expect(try peer.feed(.data(1, [1])) == [.streamFailed(HTTP2StreamID(1), .dataBeforeResponse)])
    }

    @Test func requestsCarryWhatTheyWereGivenAndNothingElse() throws {
        var peer = try HandPeer(.client)
        let request = ConnectRequest(
            authority: "10.0.0.1:80", baggage: "a=b", forwarded: "for=\"1.1.1.1:2\"", traceparent: "00-1-2-00",
            forwardedNetwork: "n")
        _ = try peer.session.openStream(request, output: &peer.output)
        let frames = peer.written()
        #expect(frames.count == 1 && frames[0].flags == 4 && frames[0].stream == 1)
        #expect(
            try peer.fields(of: frames[0]) == [
                ":method=CONNECT", ":authority=10.0.0.1:80", "baggage=a=b", "forwarded=for=\"1.1.1.1:2\"",
                "traceparent=00-1-2-00", "x-forwarded-network=n",
            ])
    }

    @Test func aHeaderBlockAboveThePeersFrameSizeIsContinued() throws {
        var client = try HandPeer(.client)
        var server = try HandPeer(.server)
        let request = ConnectRequest(authority: "a:1", baggage: String(repeating: "b", count: 40_000))
        _ = try client.session.openStream(request, output: &client.output)
        #expect(wireFrames(client.output).map(\.type) == [1, 9, 9])
        let events = try server.feed(bytes: Array(client.output.readableBytesView))
        #expect(events == [.connectRequest(HTTP2StreamID(1), request, endStream: false)])
    }

    @Test func aRequestThePeerWouldRefuseIsNotSent() throws {
        var peer = try HandPeer(.client, settings: [(6, 100)])
        #expect(throws: HTTP2OpenRefusal.headerListTooLarge(bytes: 133, bytesMax: 100)) {
            _ = try peer.session.openStream(ConnectRequest(authority: "a:1", baggage: "abc"), output: &peer.output)
        }
        #expect(throws: HTTP2OpenRefusal.headerValue(name: "baggage")) {
            _ = try peer.session.openStream(ConnectRequest(authority: "a:1", baggage: "a\r\nb"), output: &peer.output)
        }
        #expect(peer.output.readableBytes == 0)
    }

    @Test func theEncoderFollowsThePeersTableSize() throws {
        for size in [0, 64, 100_000] as [UInt32] {
            var client = try HandPeer(.client, settings: [(1, 0), (1, size)])
            client.decoder = HPACKDecoder(allocator: ByteBufferAllocator(), maxDynamicTableSize: Int(min(size, 4096)))
            for _ in 0..<3 {
                _ = try client.session.openStream(
                    ConnectRequest(authority: "a:1", baggage: "key=value"), output: &client.output)
            }
            for frame in client.written() {
                #expect(try client.fields(of: frame) == [":method=CONNECT", ":authority=a:1", "baggage=key=value"])
            }
        }
    }
}

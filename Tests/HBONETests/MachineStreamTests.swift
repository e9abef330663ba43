import HBONE
import NIOCore
import Testing

@Suite struct MachineStreamTests {
    let one = HTTP2StreamID(1)

    @Test func aTunnelOpensCarriesAndEndsHalfByHalf() throws {
        var client = try HandPeer(.client)
        var server = try HandPeer(.server)
        let request = ConnectRequest(authority: "10.0.0.1:80", baggage: "a=b")
        let stream = try client.session.openStream(request, output: &client.output)
        #expect(try server.take(&client) == [.connectRequest(stream, request, endStream: false)])
        #expect(server.session.sendableBytes(stream) == 0, "nothing is sent before the answer")
        server.session.respond(stream, status: 200, baggage: "c=d", output: &server.output)
        let answer = ConnectResponse(status: 200, baggage: "c=d")
        #expect(try client.take(&server) == [.response(stream, answer, endStream: false)])

        var ping = ByteBuffer(string: "ping")
        #expect(client.session.sendData(stream, &ping, endStream: true, output: &client.output) == 4)
        let up = try server.take(&client)
        #expect(up == [.data(stream, ByteBuffer(string: "ping"), creditBytes: 4, endStream: true)])
        #expect(server.session.isSendOpen(stream) && !client.session.isSendOpen(stream))

        var pong = ByteBuffer(string: "pong")
        #expect(server.session.sendData(stream, &pong, endStream: false, output: &server.output) == 4)
        var nothing = ByteBuffer()
        #expect(server.session.sendData(stream, &nothing, endStream: true, output: &server.output) == 0)
        let down = try client.take(&server)
        #expect(
            down == [
                .data(stream, ByteBuffer(string: "pong"), creditBytes: 4, endStream: false),
                .data(stream, ByteBuffer(), creditBytes: 0, endStream: true),
            ])
        #expect(client.session.openStreamCount == 0 && server.session.openStreamCount == 0)
        #expect(client.session.unconsumedBytes == 4 && server.session.unconsumedBytes == 4)
        client.session.credit(stream, bytes: 4, output: &client.output)
        server.session.discard(stream, output: &server.output)
        #expect(client.session.unconsumedBytes == 0 && server.session.unconsumedBytes == 0)
    }

    @Test func aRefusedRequestLeavesNothingBehind() throws {
        var client = try HandPeer(.client)
        var server = try HandPeer(.server)
        let stream = try client.session.openStream(ConnectRequest(authority: "a:1"), output: &client.output)
        _ = try server.take(&client)
        server.session.respond(stream, status: 401, endStream: true, output: &server.output)
        #expect(server.session.openStreamCount == 0)
        #expect(
            try client.take(&server) == [
                .response(stream, ConnectResponse(status: 401), endStream: true), .reset(stream, .noError),
            ])
        #expect(client.session.openStreamCount == 0)
        // What crossed on the wire is dropped in silence.
        #expect(try server.feed(.data(1, [1, 2]), .windowUpdate(1, 5), .reset(1, 8)).isEmpty)
        #expect(server.written().isEmpty)
    }

    @Test func resetsReachTheOtherSideAndLateFramesAreDropped() throws {
        var server = try HandPeer.withTunnel(.server)
        server.session.reset(one, code: .cancel, output: &server.output)
        server.session.reset(one, code: .cancel, output: &server.output)
        #expect(server.written() == [.reset(1, 8)])
        #expect(try server.feed(.data(1, [1], end: true), server.headers(1, [("x", "y")], end: true)).isEmpty)
        #expect(server.written().isEmpty && server.session.unconsumedBytes == 0)

        var client = try HandPeer.withTunnel(.client)
        #expect(try client.feed(.reset(1, 0x77)) == [.reset(one, HTTP2ErrorCode(0x77))])
        var data = ByteBuffer(string: "x")
        #expect(client.session.sendData(one, &data, endStream: true, output: &client.output) == 0)
        #expect(client.session.sendableBytes(one) == 0 && client.output.readableBytes == 0)
    }

    @Test func aStreamResetInTheMiddleOfADataFrameDropsTheRestOfIt() throws {
        var server = try HandPeer.withTunnel(.server)
        let bytes = WireFrame.data(1, Array(0..<100)).bytes
        let events = try server.feed(bytes: Array(bytes.prefix(9 + 40)))
        #expect(events == [.data(one, ByteBuffer(bytes: Array(0..<40)), creditBytes: 40, endStream: false)])
        #expect(server.session.unconsumedBytes == 100)
        server.session.reset(one, code: .cancel, output: &server.output)
        #expect(server.session.unconsumedBytes == 40, "what was handed up is still owed")
        #expect(try server.feed(bytes: Array(bytes.dropFirst(49))).isEmpty)
        server.session.credit(one, bytes: 40, output: &server.output)
        #expect(server.session.unconsumedBytes == 0)
        #expect(try server.feed(server.headers(3)).count == 1)
    }

    @Test func discardGivesBackOnlyWhatWasHandedUp() throws {
        var server = try HandPeer.withTunnel(.server)
        let bytes = WireFrame.data(1, Array(0..<100)).bytes
        _ = try server.feed(bytes: Array(bytes.prefix(9 + 40)))
        server.session.discard(one, output: &server.output)
        #expect(server.session.unconsumedBytes == 60)
        _ = try server.feed(bytes: Array(bytes.dropFirst(49)))
        server.session.discard(one, output: &server.output)
        #expect(server.session.unconsumedBytes == 0)
    }

    @Test func streamsBeyondTheLimitAreRefused() throws {
        var server = try HandPeer(.server) { $0.concurrentStreamsMax = 2 }
        #expect(try server.feed(server.headers(1), server.headers(3), server.headers(5)).count == 2)
        #expect(server.written() == [.reset(5, 7)])
        #expect(try server.feed(.reset(1, 8), server.headers(7)).count == 2)
        #expect(server.session.openStreamCount == 2)
    }

    @Test func endedStreamsWhoseBytesAreHeldCountAgainstASecondLimit() throws {
        var server = try HandPeer(.server) { $0.concurrentStreamsMax = 2 }
        for stream in stride(from: UInt32(1), through: 7, by: 2) {
            #expect(try server.feed(server.headers(stream), .data(stream, [1]), .reset(stream, 8)).count == 3)
        }
        server.output.clear()
        #expect(try server.feed(server.headers(9)).isEmpty)
        #expect(server.written() == [.reset(9, 7)])
        server.session.discard(HTTP2StreamID(3), output: &server.output)
        #expect(try server.feed(server.headers(11)).count == 1)
    }

    @Test func aClientOpensNoMoreThanBothSidesAllow() throws {
        var client = try HandPeer(.client, settings: [(3, 2)])
        for _ in 0..<2 {
            #expect(client.session.canOpenStream)
            _ = try client.session.openStream(ConnectRequest(authority: "a:1"), output: &client.output)
        }
        #expect(!client.session.canOpenStream && client.session.peerMaxConcurrentStreams == 2)
        #expect(throws: HTTP2OpenRefusal.tooManyStreams(open: 2, openMax: 2)) {
            _ = try client.session.openStream(ConnectRequest(authority: "a:1"), output: &client.output)
        }
        try client.feed(.reset(1, 8))
        #expect(client.session.canOpenStream)
        try client.feed(.settings([(3, 1)]))
        #expect(!client.session.canOpenStream)
    }

    @Test func beforeSettingsArriveAClientAssumesALimit() throws {
        var limits = HTTP2Limits(role: .client)
        limits.assumedPeerStreamsMax = 3
        var session = HTTP2Session(role: .client, limits: limits)
        var output = ByteBuffer()
        session.start(into: &output)
        while session.canOpenStream { _ = try session.openStream(ConnectRequest(authority: "a:1"), output: &output) }
        #expect(session.openStreamCount == 3)
    }

    @Test func thePeersGoAwayNamesStreamsThatAreSafeToRetry() throws {
        var client = try HandPeer(.client)
        for _ in 0..<4 { _ = try client.session.openStream(ConnectRequest(authority: "a:1"), output: &client.output) }
        #expect(try client.feed(.goAway(0x7fff_ffff, 0)) == [.goAway(lastStream: .last, .noError)])
        #expect(!client.session.canOpenStream && client.session.openStreamCount == 4)
        #expect(
            try client.feed(.goAway(3, 0, "bye\n")) == [
                .goAway(lastStream: HTTP2StreamID(3), .noError),
                .reset(HTTP2StreamID(5), .refusedStream), .reset(HTTP2StreamID(7), .refusedStream),
            ])
        #expect(client.session.peerGoAwayText == "bye?" && client.session.openStreamCount == 2)
        #expect(try client.feed(client.headers(3, [(":status", "200")])).count == 1)
        #expect(throws: HTTP2OpenRefusal.connectionClosing) {
            _ = try client.session.openStream(ConnectRequest(authority: "a:1"), output: &client.output)
        }
    }

    @Test func gracefulShutdownServesWhatCrossesAndRefusesWhatIsLate() throws {
        var server = try HandPeer.withTunnel(.server)
        server.session.goAway(code: .noError, lastStream: .graceful, debug: "drain", output: &server.output)
        #expect(server.written() == [.goAway(0x7fff_ffff, 0, "drain")])
        #expect(try server.feed(server.headers(3)).count == 1)
        server.session.goAway(code: .noError, lastStream: .exact, output: &server.output)
        #expect(server.written() == [.goAway(3, 0)])
        #expect(try server.feed(server.headers(5), .data(5, [1])).isEmpty)
        #expect(server.written() == [.reset(5, 7)])
        #expect(try server.feed(.data(3, [1])).count == 1)
        server.session.goAway(code: .noError, lastStream: .graceful, output: &server.output)
        #expect(server.written().isEmpty)
    }

    @Test func longDebugTextOfGoAwayIsCutAndSkipped() throws {
        var client = try HandPeer(.client)
        try client.feed(.goAway(1, 0, String(repeating: "x", count: 100_000)), .ping())
        #expect(client.session.peerGoAwayText.utf8.count == 256)
        #expect(client.written().map(\.type) == [WireFrame.ping])
    }

    @Test func pingsAreAnsweredAndAcknowledged() throws {
        var client = try HandPeer(.client)
        var server = try HandPeer(.server)
        client.session.ping(opaque: 0x0102_0304_0506_0708, output: &client.output)
        #expect(try server.take(&client).isEmpty)
        #expect(try client.take(&server) == [.pingAcknowledged(0x0102_0304_0506_0708)])
    }

    @Test func settingsAreAcknowledgedOnBothSides() throws {
        var output = ByteBuffer()
        var session = HTTP2Session(role: .client, limits: HTTP2Limits(role: .client))
        session.start(into: &output)
        output.clear()
        var input = ByteBuffer(bytes: WireFrame.settings([(3, 9)]).bytes + [0, 0, 0, 4, 1, 0, 0, 0, 0])
        let now = NIODeadline.uptimeNanoseconds(1)
        #expect(try session.nextEvent(from: &input, now: now, output: &output) == .settingsReceived)
        #expect(try session.nextEvent(from: &input, now: now, output: &output) == .settingsAcknowledged)
        #expect(try session.nextEvent(from: &input, now: now, output: &output) == nil)
        #expect(wireFrames(output) == [WireFrame(type: WireFrame.settings, flags: 1)])
        #expect(session.peerMaxConcurrentStreams == 9)
    }
}

extension HandPeer {
    /// Feeds all that the other end has written.
    mutating func take(_ other: inout HandPeer) throws -> [HTTP2Event] {
        defer { other.output.clear() }
        return try feed(bytes: Array(other.output.readableBytesView))
    }
}

import HBONE
import NIOCore
import NIOHPACK
import Testing

@Suite struct MachineFloodTests {
    struct FloodRow: CustomStringConvertible, Sendable {
        var description: String
        var role: HTTP2Session.Role
        var frame: WireFrame
        /// How many of them an honest peer may send within the window.
        var allowed: Int
    }

    static let rows = [
        FloodRow(description: "SETTINGS", role: .server, frame: .settings(), allowed: 199),
        FloodRow(description: "PING", role: .server, frame: .ping(), allowed: 2_000),
        FloodRow(
            description: "PING acknowledgements", role: .client,
            frame: WireFrame(type: 6, flags: 1, payload: Array(repeating: 0, count: 8)), allowed: 2_000),
        FloodRow(
            description: "PRIORITY", role: .server,
            frame: WireFrame(type: 2, stream: 9, payload: [0, 0, 0, 0, 0]), allowed: 2_004),
        FloodRow(description: "unknown frames", role: .client, frame: WireFrame(type: 0xee), allowed: 2_000),
        FloodRow(description: "empty DATA", role: .server, frame: .data(1, []), allowed: 1_000),
        FloodRow(
            description: "DATA of padding only", role: .server,
            frame: WireFrame(type: 0, flags: 8, stream: 1, payload: [9] + Array(repeating: 0, count: 9)),
            allowed: 1_000),
        FloodRow(description: "tiny WINDOW_UPDATE", role: .client, frame: .windowUpdate(1, 1), allowed: 10_000),
    ]

    @Test(
        "ISTIO-SECURITY-2019-004, 2019-005, 2020-006: a flood ends the connection, an honest rate does not",
        arguments: rows)
    func flood(_ row: FloodRow) throws {
        var peer = try HandPeer.withTunnel(row.role)
        let bytes = row.frame.bytes
        // SETTINGS of the handshake count, so start a fresh window.
        peer.now = peer.now + .seconds(31)
        let allowed = row.allowed + (row.description == "SETTINGS" ? 1 : 0)
        let honest = row.description == "PRIORITY" ? 2_000 : allowed
        for _ in 0..<3 {
            for _ in 0..<honest { try peer.feed(bytes: bytes) }
            peer.now = peer.now + .seconds(30)
            peer.output.clear()
        }
        do {
            for _ in 0...allowed { try peer.feed(bytes: bytes) }
            Issue.record("\(row): no limit was hit")
        } catch {
            #expect(error.code == .enhanceYourCalm)
            #expect(peer.written().last?.type == WireFrame.goAway)
        }
    }

    @Test("ISTIO-SECURITY-2023-003, 2021-008: rapid resets end the connection, and nothing of them is held")
    func rapidResetEndsTheConnectionAndHoldsNothing() throws {
        var server = try HandPeer(.server)
        var stream: UInt32 = 1
        do {
            while stream < 20_000 {
                try server.feed(server.headers(stream), .reset(stream, 8))
                #expect(server.session.openStreamCount == 0)
                stream += 2
            }
            Issue.record("no limit was hit")
        } catch {
            #expect(error.code == .enhanceYourCalm)
        }
        #expect(stream / 2 >= 1_000 && stream / 2 <= 2_100)
    }

    @Test func resetsAfterTheAnswerAreHonestWork() throws {
        var server = try HandPeer(.server)
        for index in UInt32(0)..<20_000 {
            let stream = HTTP2StreamID(index * 2 + 1)
            try server.feed(server.headers(stream.value))
            server.session.respond(stream, status: 200, output: &server.output)
            try server.feed(.data(stream.value, [1, 2, 3]), .reset(stream.value, 8))
            server.session.discard(stream, output: &server.output)
            server.output.clear()
        }
        #expect(server.session.unconsumedBytes == 0 && server.session.openStreamCount == 0)
    }

    @Test func everyThirdConnectionGivenUpEarlyIsStillHonest() throws {
        var server = try HandPeer(.server)
        for index in UInt32(0)..<20_000 {
            let stream = HTTP2StreamID(index * 2 + 1)
            try server.feed(server.headers(stream.value))
            if index % 3 != 0 { server.session.respond(stream, status: 200, output: &server.output) }
            try server.feed(.reset(stream.value, 8))
            server.output.clear()
        }
        #expect(server.session.openStreamCount == 0)
    }

    @Test("ISTIO-SECURITY-2020-007: who opens more streams than allowed, without end, loses the connection")
    func aPeerThatOpensAboveTheLimitWithoutEndLosesTheConnection() throws {
        var server = try HandPeer(.server) { $0.concurrentStreamsMax = 10 }
        #expect(throws: HTTP2ConnectionError.self) {
            for index in UInt32(0)..<3_000 { try server.feed(server.headers(index * 2 + 1)) }
        }
        #expect(server.session.openStreamCount == 10)
    }

    @Test func windowUpdatesThatMatchOurDataAreHonest() throws {
        var client = try HandPeer.withTunnel(.client)
        for _ in 0..<40_000 {
            var data = ByteBuffer(repeating: 0, count: 1024)
            #expect(client.session.sendData(HTTP2StreamID(1), &data, endStream: false, output: &client.output) == 1024)
            try client.feed(.windowUpdate(1, 512), .windowUpdate(0, 512), .windowUpdate(1, 512), .windowUpdate(0, 512))
            client.output.clear()
        }
    }

    @Test("ISTIO-SECURITY-2024-002: continuations are bounded in number and bytes")
    func continuationsAreBoundedInCountAndBytes() throws {
        let first = WireFrame(type: WireFrame.headers, stream: 1)
        var byCount = try HandPeer(.server)
        #expect(throws: HTTP2ConnectionError(.flood(.continuations(count: 33)))) {
            try byCount.feed(first)
            for _ in 0..<100 { try byCount.feed(WireFrame(type: WireFrame.continuation, stream: 1, payload: [0])) }
        }
        var byBytes = try HandPeer(.server)
        #expect(throws: HTTP2ConnectionError(.flood(.headerBlock(bytesMax: 128 << 10)))) {
            try byBytes.feed(first)
            let piece = WireFrame(type: WireFrame.continuation, stream: 1, payload: Array(repeating: 0, count: 16_384))
            for _ in 0..<100 { try byBytes.feed(piece) }
        }
        var byOneFrame = try HandPeer(.server)
        #expect(throws: HTTP2ConnectionError(.flood(.headerBlock(bytesMax: 128 << 10)))) {
            // Refused by its header: the payload is not waited for.
            try byOneFrame.feed(bytes: [0x08, 0, 0, 1, 4, 0, 0, 0, 1])
        }
    }

    @Test("ISTIO-SECURITY-2026-004: header compression that expands is stopped early, by what it expands to")
    func aCompressionBombIsDefusedEarly() throws {
        var server = try HandPeer(.server)
        try server.feed(server.headers(1, connectFields() + [("x", String(repeating: "a", count: 4_000))]))
        // One byte each for 4 KiB: the newest entry of the dynamic table.
        let bomb = WireFrame(
            type: WireFrame.headers, flags: 4, stream: 3, payload: Array(repeating: 0xbe, count: 60_000))
        #expect(throws: HTTP2ConnectionError(.flood(.headerList(bytesMax: 256 << 10)))) { try server.feed(bomb) }
    }

    @Test func aModestBombIsAnswered431() throws {
        var server = try HandPeer(.server)
        try server.feed(server.headers(1, connectFields() + [("x", String(repeating: "a", count: 4_000))]))
        let bomb = WireFrame(type: WireFrame.headers, flags: 4, stream: 3, payload: Array(repeating: 0xbe, count: 20))
        let expected = HTTP2BadRequest.headerListTooLarge(bytes: 20 * 4_033, bytesMax: 65_536)
        #expect(try server.feed(bomb) == [.badRequest(HTTP2StreamID(3), expected)])
        #expect(try server.feed(server.headers(5)).count == 1)
    }

    @Test func tooManySettingsInOneFrameAreRefused() throws {
        var server = try HandPeer(.server)
        try server.feed(.settings(Array(repeating: (0x99, 1), count: 64)))
        #expect(throws: HTTP2ConnectionError(.flood(.settingsEntries(count: 65)))) {
            try server.feed(.settings(Array(repeating: (0x99, 1), count: 65)))
        }
    }

    @Test func aPeerThatDoesNotReadOurAnswersLosesTheConnection() throws {
        var server = try HandPeer(.server) { $0.unreadControlBytesMax = 1_700; $0.pingFramesMax = 1_000_000 }
        server.session.outputFlushed(bytes: 0)
        // Read: any number of them.
        for _ in 0..<10_000 {
            try server.feed(.ping())
            server.session.outputFlushed(bytes: server.output.readableBytes)
            server.output.clear()
        }
        #expect(throws: HTTP2ConnectionError.self) { for _ in 0..<110 { try server.feed(.ping()) } }
        #expect(server.output.readableBytes < 1_700 + 17 + 265 + 17)
    }

    @Test func lateFramesOfManyResetStreamsAreHonest() throws {
        var server = try HandPeer(.server)
        for index in UInt32(0)..<10_000 {
            let stream = HTTP2StreamID(index * 2 + 1)
            try server.feed(server.headers(stream.value))
            server.session.respond(stream, status: 401, endStream: true, output: &server.output)
            try server.feed(.data(stream.value, [1]), .data(stream.value, [], end: true), .reset(stream.value, 8))
            server.output.clear()
        }
    }
}

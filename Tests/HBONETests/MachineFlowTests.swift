import HBONE
import NIOCore
import Testing

@Suite struct MachineFlowTests {
    let one = HTTP2StreamID(1)

    @Test func sendingStopsAtTheStreamsWindowAndResumesWhenItOpens() throws {
        var client = try HandPeer.withTunnel(.client)
        var data = ByteBuffer(repeating: 1, count: 100_000)
        #expect(client.session.sendableBytes(one) == 65_535)
        #expect(client.session.sendData(one, &data, endStream: true, output: &client.output) == 65_535)
        #expect(client.written().map(\.payload.count) == [16_384, 16_384, 16_384, 16_383])
        #expect(client.session.sendData(one, &data, endStream: true, output: &client.output) == 0)
        #expect(try client.feed(.windowUpdate(1, 50_000)) == [.sendWindowOpened(one)])
        #expect(client.session.sendableBytes(one) == 0, "the connection's window is shut")
        #expect(try client.feed(.windowUpdate(0, 50_000)) == [.sendWindowOpened(nil)])
        #expect(client.session.sendData(one, &data, endStream: true, output: &client.output) == 34_465)
        let frames = client.written()
        #expect(frames.map(\.flags) == [0, 0, 1] && !client.session.isSendOpen(one))
    }

    @Test func anEmptyEndGoesOutThroughShutWindows() throws {
        var client = try HandPeer.withTunnel(.client)
        var data = ByteBuffer(repeating: 1, count: 65_535)
        #expect(client.session.sendData(one, &data, endStream: false, output: &client.output) == 65_535)
        client.output.clear()
        #expect(client.session.sendData(one, &data, endStream: true, output: &client.output) == 0)
        #expect(client.written() == [.data(1, [], end: true)])
    }

    @Test func aLoweredInitialWindowCanMakeAWindowNegative() throws {
        var client = try HandPeer.withTunnel(.client)
        var data = ByteBuffer(repeating: 1, count: 60_000)
        #expect(client.session.sendData(one, &data, endStream: false, output: &client.output) == 60_000)
        #expect(try client.feed(.settings([(4, 10_000)])) == [.settingsReceived])
        #expect(client.session.sendableBytes(one) == 0)
        #expect(try client.feed(.windowUpdate(1, 50_000)).isEmpty, "the window is exactly 0 now")
        #expect(try client.feed(.windowUpdate(1, 7)) == [.sendWindowOpened(one)])
        #expect(client.session.sendableBytes(one) == 7)
        try client.feed(.settings([(4, 20_000)]))
        #expect(client.session.sendableBytes(one) == 5_535)
    }

    @Test func framesAreCutAtThePeersMaximumAndAtOurOwn() throws {
        let generous: [(UInt16, UInt32)] = [(4, 1 << 20), (5, 1 << 20)]
        var client = try HandPeer.withTunnel(.client, settings: generous)
        try client.feed(.windowUpdate(0, 1 << 20))
        var data = ByteBuffer(repeating: 1, count: 200_000)
        #expect(client.session.sendData(one, &data, endStream: false, output: &client.output) == 200_000)
        #expect(client.written().map(\.payload.count) == [65_536, 65_536, 65_536, 3_392])
    }

    @Test func aPeerThatIgnoresTheStreamsWindowLosesTheStream() throws {
        var server = try HandPeer.withTunnel(.server) {
            $0.streamWindowBytes = 65_535
            $0.streamWindowBytesMax = 65_535
        }
        _ = try server.feed(.data(1, Array(repeating: 0, count: 65_535)))
        #expect(
            try server.feed(.data(1, [1]))
                == [.streamFailed(one, .windowExceeded(bytes: 1, windowBytes: 0))])
        #expect(server.written() == [.reset(1, 3)])
    }

    @Test func aPeerThatIgnoresTheConnectionsWindowLosesTheConnection() throws {
        var server = try HandPeer.withTunnel(.server) {
            $0.connectionWindowBytes = 65_535
            $0.connectionBufferBytesMax = 65_535
        }
        _ = try server.feed(.data(1, Array(repeating: 0, count: 65_535)))
        #expect(
            throws: HTTP2ConnectionError(.flowControl(.connectionWindowExceeded(bytes: 1, windowBytes: 0)))
        ) { try server.feed(.data(1, [1])) }
    }

    @Test func creditIsReturnedInBatches() throws {
        var server = try HandPeer.withTunnel(.server) {
            $0.streamWindowBytes = 1 << 20
            $0.streamWindowBytesMax = 1 << 20
        }
        for _ in 0..<64 { _ = try server.feed(.data(1, Array(repeating: 0, count: 4096))) }
        #expect(server.written().isEmpty)
        for _ in 0..<63 { server.session.credit(one, bytes: 4096, output: &server.output) }
        #expect(server.written().isEmpty)
        server.session.credit(one, bytes: 4096, output: &server.output)
        #expect(server.written() == [.windowUpdate(1, 262_144)])
        server.session.credit(one, bytes: 4096, output: &server.output)
        #expect(server.written().isEmpty && server.session.unconsumedBytes == 0)
    }

    @Test func paddingIsGivenBackAtOnce() throws {
        var server = try HandPeer.withTunnel(.server) {
            $0.streamWindowBytes = 65_535
            $0.streamWindowBytesMax = 65_535
        }
        let padded = WireFrame(
            type: WireFrame.data, flags: 8, stream: 1, payload: [255] + Array(repeating: 0, count: 260))
        for _ in 0..<100 { #expect(try server.feed(padded).count == 1) }
        #expect(server.session.unconsumedBytes == 500)
        let updates = server.written().filter { $0.type == WireFrame.windowUpdate && $0.stream == 1 }
        #expect(updates.count == 1)
    }

    @Test func aWindowGrowsWithItsConsumer() throws {
        var server = try HandPeer.withTunnel(.server) {
            $0.streamWindowBytes = 65_535
            $0.streamWindowBytesMax = 1 << 20
        }
        var window = 65_535
        var sent = 0
        while sent < 8 << 20 {
            let bytes = min(window, 16_384)
            _ = try server.feed(.data(1, Array(repeating: 0, count: bytes)))
            window -= bytes
            sent += bytes
            server.session.credit(one, bytes: bytes, output: &server.output)
            for frame in server.written() where frame.stream == 1 {
                window += frame.payload.reduce(0) { $0 << 8 | Int($1) }
            }
        }
        #expect(window > (1 << 20) * 3 / 4 - 16_384 && window <= 1 << 20)
    }

    @Test func aStalledStreamDoesNotStopItsNeighbour() throws {
        let limits = { (limits: inout HTTP2Limits) in
            limits.streamWindowBytes = 1 << 20
            limits.streamWindowBytesMax = 1 << 20
            limits.connectionWindowBytes = 2 << 20
            limits.connectionBufferBytesMax = 8 << 20
        }
        var server = try HandPeer.withTunnel(.server, settings: [], limits)
        var window = 2 << 20
        func send(_ stream: UInt32, _ bytes: Int, _ server: inout HandPeer) throws {
            _ = try server.feed(.data(stream, Array(repeating: 0, count: bytes)))
            window -= bytes
            for frame in server.written() where frame.type == WireFrame.windowUpdate && frame.stream == 0 {
                window += frame.payload.reduce(0) { $0 << 8 | Int($1) }
            }
            #expect(window >= 0 && server.session.unconsumedBytes + window <= 8 << 20)
        }
        // Six streams fill up and never consume: the connection stays wide open.
        for stream in stride(from: UInt32(3), to: 15, by: 2) {
            _ = try server.feed(server.headers(stream))
            for _ in 0..<16 { try send(stream, 65_536, &server) }
        }
        #expect(server.session.unconsumedBytes == 6 << 20)
        for _ in 0..<1000 {
            try send(1, 65_536, &server)
            server.session.credit(one, bytes: 65_536, output: &server.output)
        }
        #expect(window >= 1 << 20)
    }
}

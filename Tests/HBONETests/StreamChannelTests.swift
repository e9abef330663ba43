import HBONE
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

@Suite("A tunnel stream as a channel")
struct StreamChannelTests {
    @Test("what one end writes the other reads, and halves close one by one")
    func echoes() async throws {
        let (rig, client, server) = try await StreamChannelRig.asynchronous()
        async let served: Void = server.executeThenClose { inbound, outbound in
            for try await bytes in inbound { try await outbound.write(bytes) }
            // The client has ended; our end comes after this.
            try await outbound.write(ByteBuffer(string: "!"))
            outbound.finish()
            try await server.channel.closeFuture.get()
        }
        let answer = try await client.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: "hello"))
            outbound.finish()
            var answer = ByteBuffer()
            for try await bytes in inbound { answer.writeImmutableBuffer(bytes) }
            return String(buffer: answer)
        }
        try await served
        #expect(answer == "hello!")
        try await rig.client.closeFuture.get()
        try await rig.server.closeFuture.get()
        try await noStreamsLeft(rig.rig)
        try await rig.rig.stop()
    }

    @Test("bytes both ways at once come whole and in order", arguments: [1 << 20, 16 << 20])
    func bulk(total: Int) async throws {
        let (rig, client, server) = try await StreamChannelRig.asynchronous()
        let sides = [client, server]
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for side in sides {
                tasks.addTask {
                    try await side.executeThenClose { inbound, outbound in
                        async let sent: Void = {
                            var pattern = Pattern()
                            while pattern.offset < total { try await outbound.write(pattern.next(100_000)) }
                            outbound.finish()
                        }()
                        var pattern = Pattern()
                        for try await bytes in inbound { #expect(pattern.check(bytes) == nil) }
                        #expect(pattern.offset >= total)
                        try await sent
                        // Closing drops what is still queued, as with every channel; both ends done, it closes itself.
                        try await side.channel.closeFuture.get()
                    }
                }
            }
            try await tasks.waitForAll()
        }
        try await noStreamsLeft(rig.rig)
        try await rig.rig.stop()
    }

    @Test("a reader that does not read stops the writer at the window, and gets all of it in the end")
    func slowReader() async throws {
        let rig = try await StreamChannelRig(
            client: { _ in },
            server: { try $0.pipeline.syncOperations.addHandler(PulledReader()) })
        let (client, server) = (rig.client, rig.server)
        let total = 16 << 20
        let piece = 64 << 10
        let sent = try await rig.rig.onLoop {
            let promise = client.eventLoop.makePromise(of: Void.self)
            for index in 0..<(total / piece) {
                let last = index == total / piece - 1
                client.write(ByteBuffer(repeating: 7, count: piece), promise: last ? promise : nil)
            }
            client.flush()
            client.close(mode: .output, promise: nil)
            #expect(!client.isWritable)
            return promise.futureResult
        }
        let window = HBONELimits(role: .server).http2.streamWindowBytesMax
        var last = -1
        try await eventually("the stream stands still") {
            try await Task.sleep(for: .milliseconds(50))
            let now = try await rig.rig.onLoop { server.queuedBytes.incoming }
            defer { last = now }
            return now == last && now > 0
        }
        let held = try await rig.rig.onLoop { (server.queuedBytes.incoming, client.queuedBytes.outgoing) }
        #expect(held.0 <= window && held.1 >= total - 2 * window - (2 << 20))
        try await rig.rig.onLoop { try server.syncOptions?.setOption(.autoRead, value: true) }
        try await sent.get()
        try await eventually("all was read") {
            try await rig.reader(of: server) { $0.bytes == total && $0.hasEnded }
        }
        #expect(client.isWritable)
        try await rig.rig.stop()
    }

    @Test("a torn end is a reset for the other, an orderly one is not", arguments: [true, false])
    func tearing(isTorn: Bool) async throws {
        let rig = try await StreamChannelRig(
            client: { _ in }, server: { try $0.pipeline.syncOperations.addHandler(PulledReader()) })
        let (client, server) = (rig.client, rig.server)
        try await client.writeAndFlush(ByteBuffer(string: "half"))
        try await rig.rig.onLoop {
            try server.syncOptions?.setOption(.autoRead, value: true)
            if isTorn { client.abort() } else { client.close(promise: nil) }
        }
        try await client.closeFuture.get()
        try await eventually("the other end knows") {
            try await rig.reader(of: server) { isTorn ? $0.isInactive : $0.hasEnded }
        }
        try await rig.reader(of: server) { reader in
            #expect(reader.error as? HBONEError == (isTorn ? .streamReset(.connectError) : nil))
            #expect(reader.text == (isTorn ? reader.text : "half"))
            #expect(reader.hasEnded == !isTorn)
        }
        if !isTorn { server.close(promise: nil) }
        try await server.closeFuture.get()
        try await noStreamsLeft(rig.rig)
        try await rig.rig.stop()
    }

    @Test("the death of the connection is an error and the end of the channel; writes that wait fail")
    func connectionDies() async throws {
        let rig = try await StreamChannelRig(
            client: { try $0.pipeline.syncOperations.addHandler(PulledReader()) },
            server: { try $0.pipeline.syncOperations.addHandler(PulledReader()) })
        let client = rig.client
        let waiting = try await rig.rig.onLoop {
            let promise = client.eventLoop.makePromise(of: Void.self)
            client.writeAndFlush(ByteBuffer(repeating: 1, count: 8 << 20), promise: promise)
            return promise.futureResult
        }
        try await rig.rig.onLoop { rig.rig.serverChannels.value[0].close(promise: nil) }
        await #expect(throws: ChannelError.ioOnClosedChannel) { try await waiting.get() }
        try await client.closeFuture.get()
        try await rig.reader(of: client) { reader in
            #expect(reader.isInactive)
            // Bytes that the server never read make its kernel answer with a reset instead of an end.
            switch reader.error as? HBONEError {
            case .connectionClosed(.peerClosed), .connectionClosed(.transport): break
            case let other: Issue.record("\(String(describing: other))")
            }
        }
        await #expect(throws: ChannelError.ioOnClosedChannel) {
            try await client.writeAndFlush(ByteBuffer(string: "late"))
        }
        try await rig.rig.stop()
    }

    @Test("an HTTP/1.1 server stands on a stream")
    func carriesHTTP() async throws {
        let rig = try await StreamChannelRig(
            client: { try $0.pipeline.syncOperations.addHandler(PulledReader()) },
            server: { channel in
                try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                try channel.pipeline.syncOperations.addHandler(PathTeller())
            })
        let client = rig.client
        try await rig.rig.onLoop { try client.syncOptions?.setOption(.autoRead, value: true) }
        try await client.writeAndFlush(
            ByteBuffer(string: "GET /one HTTP/1.1\r\nHost: a\r\n\r\nGET /two HTTP/1.1\r\nHost: a\r\n\r\n"))
        try await eventually("both answers came") {
            try await rig.reader(of: client) { $0.text.contains("/one") && $0.text.contains("/two") }
        }
        client.close(promise: nil)
        try await rig.server.closeFuture.get()
        try await noStreamsLeft(rig.rig)
        try await rig.rig.stop()
    }
}

/// Answers each request with its path.
private final class PathTeller: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let head) = unwrapInboundIn(data) else { return }
        let body = ByteBuffer(string: head.uri)
        let answer = HTTPResponseHead(
            version: .http1_1, status: .ok, headers: ["content-length": "\(body.readableBytes)"])
        context.write(wrapOutboundOut(.head(answer)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { context.close(promise: nil) }
    }
}

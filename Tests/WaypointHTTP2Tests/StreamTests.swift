import HBONE
import MeshModel
import MeshTesting
import NIOCore
import NIOPosix
import Testing
import WaypointHTTP2

/// Takes an answer, as much of it as it is told to.
final class Asker: MessageStreamUser {
    var heads: [Int] = []
    var bytes = 0
    var trailers: HeaderLines?
    var hasEnded = false
    var failure: MessageStreamFailure?
    var readsOn = true
    var stream: EndpointStream?
    var timesWritable = 0

    func receive(_ head: HTTP2ResponseHead, endStream: Bool) { heads.append(head.status) }
    func receive(_ bytes: ByteBuffer) { self.bytes += bytes.readableBytes }
    func receiveEnd(_ trailers: HeaderLines?) {
        hasEnded = true
        self.trailers = trailers
    }
    func paused() {
        if readsOn { stream?.read() }
    }
    func takesBytesAgain() { timesWritable += 1 }
    func failed(_ failure: MessageStreamFailure) { self.failure = failure }
}

@Suite struct StreamTests {
    /// A client that asked for these paths, and its streams' users.
    private static func asking(
        _ paths: [String], at rig: MessageRig, endStream: Bool = true, readsOn: Bool = true
    ) async throws -> NIOLoopBoundBox<[Asker]> {
        _ = try await rig.dial(try await rig.serveEcho())
        return try await more(paths, at: rig, endStream: endStream, readsOn: readsOn)
    }

    private static func more(
        _ paths: [String], at rig: MessageRig, endStream: Bool = true, readsOn: Bool = true
    ) async throws -> NIOLoopBoundBox<[Asker]> {
        let loop = rig.loop
        return try await rig.onLoop {
            let askers = try paths.map { path in
                let asker = Asker()
                asker.readsOn = readsOn
                let head = HTTP2RequestHead(method: endStream ? "GET" : "POST", authority: "echo", path: path)
                guard let upstream = rig.upstream.value else { throw ChannelError.eof }
                let stream = try upstream.open(head, endStream: endStream, user: asker)
                asker.stream = stream
                if readsOn { stream.read() }
                return asker
            }
            return NIOLoopBoundBox(askers, eventLoop: loop)
        }
    }

    private static func until(
        _ subject: String, _ rig: MessageRig, _ condition: @escaping @Sendable () -> Bool
    ) async throws {
        try await Wait.eventually(subject) { try await rig.onLoop(condition) }
    }

    @Test func anAnswerThatIsNotReadIsHeldWithinItsWindow() async throws {
        let rig = try await MessageRig()
        let askers = try await Self.asking(["/bytes/5000000", "/bytes/100000"], at: rig, readsOn: false)
        try await Self.until("the window is full", rig) { (rig.upstream.value?.heldBytes ?? 0) >= 2 * 65_535 }
        // The neighbour reads and is done.
        try await rig.onLoop {
            askers.value[1].readsOn = true
            askers.value[1].stream?.read()
        }
        try await Self.until("the neighbour is done", rig) { askers.value[1].hasEnded }
        let held = try await rig.onLoop { rig.upstream.value?.heldBytes ?? 0 }
        #expect(held == 65_535)
        try await rig.onLoop {
            askers.value[0].readsOn = true
            askers.value[0].stream?.read()
        }
        try await Self.until("all has come", rig) { askers.value[0].hasEnded }
        #expect(try await rig.onLoop { askers.value[0].bytes == 5_000_000 && rig.upstream.value?.heldBytes == 0 })
    }

    @Test func aRequestThatIsNotReadStopsItsWriter() async throws {
        let rig = try await MessageRig()
        let askers = try await Self.asking(["/hold"], at: rig, endStream: false)
        let written = try await rig.onLoop {
            var written = 0
            guard let stream = askers.value[0].stream else { return 0 }
            while stream.takesBytes, written < 10_000_000 {
                stream.write(ByteBuffer(repeating: 1, count: 10_000))
                written += 10_000
            }
            return written
        }
        // One window, one water mark, one piece.
        #expect(written <= 65_535 + 64 << 10 + 10_000 && written >= 65_535)
        try await Self.until("the window is full", rig) { rig.endpoints.value.first?.heldBytes == 65_535 }
        try await rig.onLoop { rig.echoes.value[0].stream.read() }
        try await Self.until("the writer is told", rig) { askers.value[0].timesWritable > 0 }
    }

    @Test func theEndOfAMessageLeavesWithItsLastBytes() async throws {
        let rig = try await MessageRig()
        let askers = try await Self.asking(["/"], at: rig, endStream: false)
        try await Self.until("the head came", rig) { askers.value[0].heads == [103, 200] }
        try await rig.onLoop {
            askers.value[0].stream?.write(ByteBuffer(string: "all"))
            askers.value[0].stream?.writeEnd()
        }
        try await Self.until("the echo came", rig) { askers.value[0].hasEnded }
        let frames = try await rig.onLoop {
            [rig.endpoints.value.first, rig.upstream.value].map { $0?.diagnostics.dataFramesReceived }
        }
        // No frame of its own for the end, there and back.
        #expect(frames == [1, 1])
        #expect(try await rig.onLoop { askers.value[0].bytes } == 3)
    }

    @Test func refusedStreamsMayBeTriedElsewhere() async throws {
        let rig = try await MessageRig()
        let askers = try await Self.asking(["/refuse", "/"], at: rig)
        try await Self.until("both ended", rig) { askers.value[0].failure != nil && askers.value[1].hasEnded }
        #expect(try await rig.onLoop { askers.value[0].failure?.isRetriable } == true)
    }

    @Test func goAwayLeavesWhatRunsAndTakesNothingNew() async throws {
        let rig = try await MessageRig()
        let askers = try await Self.asking(["/"], at: rig, endStream: false)
        try await Self.until("the head came", rig) { askers.value[0].heads == [103, 200] }
        try await rig.onLoop { rig.endpoints.value[0].drain() }
        try await Self.until("the client knows", rig) { rig.upstream.value?.canOpen == false }
        await #expect(throws: HTTP2OpenRefusal.connectionClosing) {
            _ = try await Self.more(["/"], at: rig)
        }
        try await rig.onLoop {
            askers.value[0].stream?.write(ByteBuffer(string: "last"))
            askers.value[0].stream?.writeEnd(HeaderLines([("x", "y")]))
        }
        try await Self.until("both connections ended", rig) {
            rig.upstream.value?.isClosed == true && rig.endpoints.value[0].isClosed
        }
        #expect(try await rig.onLoop { askers.value[0].bytes == 4 && askers.value[0].trailers?.places.count == 1 })
    }

    @Test func aCancelledRequestReachesTheEndpoint() async throws {
        let rig = try await MessageRig()
        let port = try await rig.serveProxy(to: try await rig.serveEcho())
        _ = try await rig.dial(port)
        let askers = try await Self.more(["/hold"], at: rig, endStream: false)
        try await Self.until("it arrived", rig) { rig.echoes.value.count == 1 }
        try await rig.onLoop { askers.value[0].stream?.abort(.cancel) }
        try await Self.until("the endpoint knows", rig) { rig.echoes.value[0].stream.isOver }
        #expect(rig.failures == ["caller: reset(CANCEL)"])
        #expect(try await rig.onLoop { askers.value[0].failure == nil })
    }

    @Test func anEarlyAnswerIsWholeThoughTheRequestIsNot() async throws {
        let rig = try await MessageRig()
        let askers = try await Self.asking(["/early"], at: rig, endStream: false)
        try await Self.until("it ended", rig) { askers.value[0].hasEnded }
        #expect(try await rig.onLoop { askers.value[0].failure == nil && rig.upstream.value?.streamCount == 0 })
    }

    @Test func theEndOfTheConnectionEndsItsStreams() async throws {
        let rig = try await MessageRig()
        let askers = try await Self.asking(["/hold", "/hold"], at: rig)
        try await Self.until("they arrived", rig) { rig.echoes.value.count == 2 }
        try await rig.onLoop { rig.endpoints.value[0].close() }
        try await Self.until("they failed", rig) { askers.value.allSatisfy { $0.failure != nil } }
        #expect(try await rig.onLoop { askers.value.allSatisfy { $0.failure?.isRetriable == false } })
    }

    @Test func aPeerThatSpeaksNoHTTP2IsNotWaitedFor() async throws {
        var limits = MessageLimits(role: .server)
        limits.settingsTimeout = .milliseconds(50)
        let rig = try await MessageRig(limits)
        let silent = try await ClientBootstrap(group: rig.loop).connect(
            host: "127.0.0.1", port: try await rig.serveEcho()
        ).get()
        try await Self.until("it was given up", rig) { rig.endpoints.value.first?.isClosed == true && !silent.isActive }
    }

    @Test func aDrainsDeadlineCutsWhatIsLeft() async throws {
        let rig = try await MessageRig()
        let askers = try await Self.asking(["/hold"], at: rig)
        try await Self.until("it arrived", rig) { rig.echoes.value.count == 1 }
        try await rig.onLoop { rig.endpoints.value[0].drain(within: .milliseconds(50)) }
        try await Self.until("it was cut", rig) { askers.value[0].failure != nil }
    }

    @Test func aTunnelStreamCarriesRequests() async throws {
        let rig = try await MessageRig()
        let (loop, ready) = (rig.loop, try await rig.onLoop { NIOLoopBoundBox(false, eventLoop: rig.loop) })
        let tunnels = try await rig.onLoop { NIOLoopBoundBox<[HBONEConnection]>([], eventLoop: loop) }
        let server = try await ServerBootstrap(group: loop)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    let tunnel = HBONEConnection(role: .server, onConnect: { stream, _ in
                        stream.accept(baggage: nil)
                        let connection = MessageConnection(
                            role: .server, onRequest: { rig.echoes.value.append(Echo($0)) })
                        _ = try? stream.makeChannel { try $0.pipeline.syncOperations.addHandler(connection) }
                    })
                    tunnels.value.append(tunnel)
                    try child.pipeline.syncOperations.addHandler(tunnel)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = server.localAddress?.port ?? 0
        _ = try await ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tunnel = HBONEConnection(role: .client, onReady: { ready.value = true })
                    tunnels.value.append(tunnel)
                    try channel.pipeline.syncOperations.addHandler(tunnel)
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        try await Self.until("the tunnel stands", rig) { ready.value }
        try await rig.onLoop {
            tunnels.value.first { $0.role == .client }?.open(ConnectRequest(authority: "10.0.0.1:80")) { result in
                guard let stream = try? result.get().0 else { return }
                let connection = MessageConnection(role: .client)
                rig.upstream.value = connection
                _ = try? stream.makeChannel { try $0.pipeline.syncOperations.addHandler(connection) }
            }
        }
        try await Self.until("the stream is there", rig) { rig.upstream.value?.canOpen == true }
        let askers = try await Self.more(["/bytes/3000000", "/bytes/10", "/bytes/500000"], at: rig)
        try await Self.until("all came", rig) { askers.value.allSatisfy(\.hasEnded) }
        #expect(try await rig.onLoop { askers.value.map(\.bytes) } == [3_000_000, 10, 500_000])
    }

    @Test func streamsAreBounded() async throws {
        let rig = try await MessageRig()
        let askers = try await Self.asking(["/"], at: rig)
        try await Self.until("settings came", rig) { askers.value[0].hasEnded }
        let paths = Array(repeating: "/hold", count: 200)
        _ = try await Self.more(paths, at: rig)
        await #expect(throws: HTTP2OpenRefusal.self) { _ = try await Self.more(["/hold"], at: rig) }
    }
}

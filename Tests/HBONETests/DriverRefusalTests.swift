@testable import HBONE
import NIOCore
import NIOEmbedded
import NIOPosix
import Synchronization
import Testing

@Suite("Tunnel: refusals, resets, deaths, drains")
struct DriverRefusalTests {
    @Test("a status other than 200 fails the request with that status and leaves no stream", arguments: [400, 401, 503])
    func refused(status: Int) async throws {
        let rig = try await Rig()
        let applications = Applications()
        let server = try await rig.serve(.refuse(status))
        let listener = try await rig.capture(to: server)
        await connectAndBeClosed(applications, listener)
        try await eventually("answered") { rig.openErrors.withLock { !$0.isEmpty } }
        #expect(rig.openErrors.withLock { $0 } == [.status(status)])
        try await noStreamsLeft(rig)
        // The connection is not harmed.
        #expect(try await rig.onLoop { rig.clients.value[0].canOpenStream })
        try await applications.stop()
        try await rig.stop()
    }

    @Test("the target cannot be reached: 503")
    func unreachable() async throws {
        let rig = try await Rig()
        let applications = Applications()
        let nobody = try await unusedAddress(applications)
        let listener = try await rig.capture(to: try await rig.serve(.dial(nobody)))
        await connectAndBeClosed(applications, listener)
        try await eventually("answered") { rig.openErrors.withLock { !$0.isEmpty } }
        #expect(rig.openErrors.withLock { $0 }.map(\.description) == ["http status: 503 Service Unavailable"])
        try await noStreamsLeft(rig)
        try await applications.stop()
        try await rig.stop()
    }

    @Test("a reset of the application in the middle reaches the target as a reset; the tunnel lives on")
    func resetByApplication() async throws {
        let rig = try await Rig()
        let applications = Applications()
        let listener = try await rig.capture(to: try await rig.serve(.dial(try await applications.echo())))
        let channel = try await ClientBootstrap(group: applications.group).connect(to: listener).get()
        try await channel.writeAndFlush(ByteBuffer(string: "hello"))
        try await eventually("echoed") {
            try await rig.onLoop { rig.applicationRelays.value.first?.bytesToChannel == 5 }
        }
        try await resetNow(channel)
        try await expectEnds(rig, count: 1) { ends in
            #expect(ends.map(\.reason) == [.error(.receive(.channel, .reset))])
        }
        let expected = RelayEnd.Reason.error(.receive(.counterpart, .stream(.connectError)))
        #expect(rig.targetEnds.withLock { $0 }.map(\.reason) == [expected])
        try await noStreamsLeft(rig)
        try await smallRequest(applications, listener)
        try await applications.stop()
        try await rig.stop()
    }

    @Test("RST_STREAM CANCEL while reading is an end of data, other codes are errors", arguments: [
        (HTTP2ErrorCode.cancel, RelayEnd.Reason.completed),
        (.noError, .completed),
        (.internalError, .error(.receive(.counterpart, .stream(.internalError)))),
        (.refusedStream, .error(.receive(.counterpart, .stream(.refusedStream)))),
    ])
    func resetByServer(code: HTTP2ErrorCode, reason: RelayEnd.Reason) async throws {
        let rig = try await Rig()
        let applications = Applications()
        let listener = try await rig.capture(to: try await rig.serve(.hold))
        let channel = try await ClientBootstrap(group: applications.group).connect(to: listener).get()
        try await eventually("accepted") { try await rig.onLoop { rig.heldStreams.value.count == 1 } }
        try await channel.writeAndFlush(ByteBuffer(string: "hello"))
        try await eventually("sent") { try await rig.onLoop { rig.servers.value[0].bufferedBytes == 5 } }
        try await rig.onLoop { rig.heldStreams.value[0].reset(code) }
        try await channel.closeFuture.get()
        try await eventually("reported") { rig.applicationEnds.withLock { $0.count } == 1 }
        #expect(rig.applicationEnds.withLock { $0 }.map(\.reason) == [reason])
        try await noStreamsLeft(rig)
        try await applications.stop()
        try await rig.stop()
    }

    @Test("when the connection dies every relay is told once, with the reason")
    func connectionDies() async throws {
        let rig = try await Rig()
        let applications = Applications()
        let listener = try await rig.capture(to: try await rig.serve(.dial(try await applications.echo())))
        var channels: [any Channel] = []
        for _ in 0..<20 {
            let channel = try await ClientBootstrap(group: applications.group).connect(to: listener).get()
            try await channel.writeAndFlush(ByteBuffer(string: "hello"))
            channels.append(channel)
        }
        try await eventually("all joined") {
            try await rig.onLoop { rig.applicationRelays.value.map(\.bytesToChannel) == Array(repeating: 5, count: 20) }
        }
        try await rig.onLoop { rig.servers.value[0].close(.cut(.certificateRevoked)) }
        for channel in channels { try await channel.closeFuture.get() }
        try await expectEnds(rig, count: 20) { ends in
            #expect(ends.count == 20)
            #expect(ends.allSatisfy { $0.reason == .error(.receive(.counterpart, .tunnel(.peerClosed))) })
        }
        #expect(rig.targetEnds.withLock { $0 }.allSatisfy { $0.reason == .cut(.certificateRevoked) })
        try await applications.stop()
        try await rig.stop()
    }

    @Test("a draining server takes no new streams, serves those it has to their end, then closes")
    func serverDrains() async throws {
        let rig = try await Rig()
        let applications = Applications()
        let listener = try await rig.capture(to: try await rig.serve(.dial(try await applications.echo())))
        try await applications.connect(listener) { inbound, outbound in
            var iterator = inbound.makeAsyncIterator()
            try await outbound.write(ByteBuffer(string: "one"))
            #expect(try await iterator.next().map(String.init(buffer:)) == "one")
            try await rig.onLoop { rig.servers.value[0].drain() }
            try await eventually("the client knows") { try await rig.onLoop { !rig.clients.value[0].canOpenStream } }
            try await outbound.write(ByteBuffer(string: "two"))
            #expect(try await iterator.next().map(String.init(buffer:)) == "two")
            #expect(try await rig.onLoop { !rig.servers.value[0].isClosed })
            outbound.finish()
            #expect(try await iterator.next() == nil)
        }
        try await expectEnds(rig, count: 1) { ends in #expect(ends.map(\.reason) == [.completed]) }
        try await eventually("both ends closed") { rig.closeReasons.withLock { $0.count } == 2 }
        #expect(rig.closeReasons.withLock { $0.contains(.drained) })
        try await applications.stop()
        try await rig.stop()
    }

    @Test("a server that drains before the client's settings are there serves the client's first stream")
    func drainsEarly() throws {
        let eventLoop = EmbeddedEventLoop()
        let (server, client) = (EmbeddedChannel(loop: eventLoop), EmbeddedChannel(loop: eventLoop))
        var accepted: [HBONEStream] = []
        var ends: [HBONECloseReason] = []
        let serving = HBONEConnection(
            role: .server, onConnect: { stream, _ in
                accepted.append(stream)
                stream.accept(baggage: nil)
            }, onClosed: { ends.append($0) })
        try server.pipeline.syncOperations.addHandler(serving)
        try server.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        serving.drain()
        #expect(!serving.isClosed)
        var opened = 0
        let calling = HBONEConnection(role: .client)
        calling.onReady = {
            calling.open(ConnectRequest(authority: "10.0.0.1:80")) { if case .success = $0 { opened += 1 } }
        }
        try client.pipeline.syncOperations.addHandler(calling)
        try client.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 2)).wait()
        for _ in 0..<20 {
            eventLoop.run()
            for (from, to) in [(client, server), (server, client)] {
                while let bytes = try from.readOutbound(as: ByteBuffer.self) { _ = try? to.writeInbound(bytes) }
            }
        }
        #expect(opened == 1 && accepted.count == 1)
        #expect(!calling.canOpenStream, "it knows that the server drains")
        accepted.first?.reset(.cancel)
        eventLoop.run()
        #expect(ends == [.drained])
    }

    @Test("a drain's deadline cuts what is left")
    func drainDeadline() async throws {
        let rig = try await Rig()
        let applications = Applications()
        let listener = try await rig.capture(to: try await rig.serve(.dial(try await applications.echo())))
        let channel = try await ClientBootstrap(group: applications.group).connect(to: listener).get()
        try await channel.writeAndFlush(ByteBuffer(string: "hello"))
        try await eventually("joined") {
            try await rig.onLoop { rig.applicationRelays.value.first?.bytesToChannel == 5 }
        }
        try await rig.onLoop { rig.servers.value[0].drain(within: .milliseconds(50)) }
        try await channel.closeFuture.get()
        try await expectEnds(rig, count: 1) { _ in }
        #expect(rig.targetEnds.withLock { $0 }.map(\.reason) == [.cut(.drainDeadline)])
        try await applications.stop()
        try await rig.stop()
    }

    @Test("a peer that answers no ping is given up; its streams get the reason")
    func silentPeer() async throws {
        let rig = try await Rig(limits: { role in
            var limits = HBONELimits(role: role)
            limits.keepAliveInterval = role == .client ? .milliseconds(20) : .hours(1)
            limits.keepAliveTimeout = .seconds(1)
            return limits
        })
        let applications = Applications()
        let server = try await rig.serve(.hold)
        let listener = try await rig.capture(to: server)
        let channel = try await ClientBootstrap(group: applications.group).connect(to: listener).get()
        try await eventually("accepted") { try await rig.onLoop { rig.heldStreams.value.count == 1 } }
        // Several intervals with a peer that answers.
        try await Task.sleep(for: .milliseconds(300))
        #expect(try await rig.onLoop { rig.clients.value[0].isReady })
        try await rig.onLoop { try rig.serverChannels.value[0].syncOptions?.setOption(.autoRead, value: false) }
        try await channel.closeFuture.get()
        // The client may see its connection closed before the relay has told of it.
        try await eventually("reported") { rig.applicationEnds.withLock { $0.count } == 1 }
        #expect(rig.applicationEnds.withLock { $0 }.map(\.reason)
            == [.error(.receive(.counterpart, .tunnel(.keepAliveTimeout)))])
        try await applications.stop()
        try await rig.stop()
    }
}

/// An address nobody listens on (any more).
func unusedAddress(_ applications: Applications) async throws -> SocketAddress {
    let channel = try await ServerBootstrap(group: applications.group).bind(host: "127.0.0.1", port: 0).get()
    let address = try #require(channel.localAddress)
    try await channel.close()
    return address
}

/// Waits until the other side closed, which may be before our connect is known to have succeeded.
func connectAndBeClosed(_ applications: Applications, _ address: SocketAddress) async {
    let channel = try? await ClientBootstrap(group: applications.group).connect(to: address).get()
    try? await channel?.closeFuture.get()
}

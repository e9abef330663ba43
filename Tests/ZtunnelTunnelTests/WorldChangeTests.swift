import Dispatch
import HBONE
import Logging
import MeshDiscovery
import MeshIdentity
import MeshModel
import MeshProxy
import MeshTLS
import MeshTelemetry
import MeshTesting
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import ZtunnelTunnel

@Suite("A new world", .timeLimit(.minutes(1)))
struct WorldChangeTests {
    private struct NoAuthority: CertificateAuthorityClient {
        func sign(
            request: String, for identity: Identity, validitySeconds: Int64, timeout: Duration
        ) async throws(IdentityError) -> [String] {
            throw .unreachable(identity: identity, reason: "there is none")
        }
    }

    @Test("is learnt when each loop goes by it, and not while one is held up")
    func everyLoop() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let log = LogLines()
        let tunnel = try await Tunnel(
            group: group, settings: TunnelSettings(nodeName: "local"),
            certificates: CertificateManager(authority: NoAuthority(), log: Logger(label: "test")),
            accessLog: AccessLog(log.output))
        let slots = await tunnel.slots
        let held = DispatchSemaphore(value: 0)
        slots[1].eventLoop.execute { _ = held.wait(timeout: .now() + 20) }
        let next = world(try pod("web", at: "10.0.0.2"))
        let learning = Task {
            await tunnel.learn(next)
            return ContinuousClock.now
        }
        try await Wait.eventually("the free loop") {
            try await slots[0].run { $0.world.revision } == next.revision
        }
        // What does not wait for the other loop returns within this time.
        try await Task.sleep(for: .milliseconds(100))
        let released = ContinuousClock.now
        held.signal()
        #expect(await learning.value >= released)
        #expect(try await slots[1].run { $0.world.revision } == next.revision)
        _ = await log.finished()
        try await group.shutdownGracefully()
    }

    /// A waypoint on a port of the loopback that refuses every CONNECT, after `before`.
    private static func refusingWaypoint(
        _ group: MultiThreadedEventLoopGroup, _ own: WorkloadCertificate, before: @escaping @Sendable () -> Void
    ) async throws -> any Channel {
        try await ServerBootstrap(group: group).childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = TLSHandler(
                        context: own.serverContext, role: .server, expecting: .trustDomains(own.trustDomains))
                    let gate = HandshakeGate { _ in
                        let connection = HBONEConnection(
                            role: .server,
                            onConnect: { stream, _ in
                                before()
                                stream.refuse(status: 403)
                            })
                        try? channel.pipeline.syncOperations.addHandler(connection)
                    }
                    try channel.pipeline.syncOperations.addHandlers([tls, gate])
                    try channel.syncOptions?.setOption(.autoRead, value: true)
                }
            }.bind(host: "127.0.0.3", port: 0).get()
    }

    /// The world that follows one, with a workload changed.
    private final class NextWorld: Sendable {
        private let value = Mutex(World())
        var world: World { value.withLock(\.self) }

        func set(_ world: World, _ workload: Workload) {
            value.withLock { value in
                value = world
                value.apply(contentsOf: [.upsertWorkload(workload)])
            }
        }
    }

    /// What a process of the pod reads that calls `original`, while the waypoint before it refuses.
    /// - Parameter isLate: the node hears of the change after the refusal only.
    private func answer(isLeft: Bool, isLate: Bool = false) async throws -> (answer: String, log: [String]) {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let eventLoop = group.next()
        let application = try await ServerBootstrap(group: group).childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Greeter()) }
        }.bind(host: "127.0.0.2", port: 0).get()
        let original = try address("127.0.0.2:\(try #require(application.localAddress?.port))")
        let authority = try TestAuthority()
        let web = try pod("web", at: "127.0.0.1")
        let waypoint = try pod("waypoint", at: "127.0.0.3")
        let direct = try pod("api", at: "127.0.0.2", node: "remote", tunnel: .none)
        let (own, certificate) = (try authority.workload(web.identity), try authority.workload(waypoint.identity))
        let log = LogLines()
        let rig = try await eventLoop.submit {
            let rig = try Rig(on: eventLoop, log: log)
            rig.pod.learn(.success(own), of: web.identity)
            return NIOLoopBound(rig, eventLoop: eventLoop)
        }.get()
        let next = NextWorld()
        let door = try await Self.refusingWaypoint(group, certificate) {
            guard isLeft else { return }
            guard isLate else { return rig.value.loop.learn(next.world) }
            eventLoop.scheduleTask(in: .milliseconds(200)) { rig.value.loop.learn(next.world) }
        }
        let port = try #require(door.localAddress?.port.flatMap { UInt16(exactly: $0) })
        var behind = direct
        behind.waypoint = GatewayReference(.address(network: "", try ip("127.0.0.3")), hbonePort: port)
        let asked = world(web, waypoint, behind)
        next.set(asked, direct)
        try await eventLoop.submit { rig.value.loop.learn(asked) }.get()
        let listener = try await Self.outbound(rig, original, group)
        let received = eventLoop.makePromise(of: String.self)
        _ = try await ClientBootstrap(group: group).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(UntilEnd(received))
            }
        }.connect(to: try #require(listener.localAddress)).get()
        let text = try await received.futureResult.get()
        // The caller has read the end before the relay has read the caller's, which ends the record.
        try await eventLoop.flatSubmit {
            let idle = eventLoop.makePromise(of: Void.self)
            rig.value.pod.whenIdle { idle.succeed() }
            return idle.futureResult
        }.get()
        try await eventLoop.submit { rig.value.pod.close(.drained) }.get()
        for channel in [listener, door, application] { try? await channel.close() }
        let lines = await log.finished()
        try await group.shutdownGracefully()
        return (text, lines)
    }

    /// Takes connections as if they had been redirected on their way to `original`.
    private static func outbound(
        _ rig: NIOLoopBound<Rig>, _ original: TransportAddress, _ group: MultiThreadedEventLoopGroup
    ) async throws -> any Channel {
        try await ServerBootstrap(group: group).childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pod = rig.value.pod
                    let client = try address("127.0.0.1:5000")
                    let entry = LiveConnection(
                        direction: .outbound, client: client, originalDestination: original, protocolName: "TCP",
                        facts: nil)
                    let end = ConnectionEnding(pod: pod, entry: entry, id: try pod.register(entry))
                    let relay = Relay(onEnd: { end.ended($0, at: .client) })
                    try channel.pipeline.syncOperations.addHandler(relay)
                    OutboundConnection(
                        pod: pod, channel: channel, relay: relay, client: client, original: original, end: end
                    ).start()
                }
            }.bind(host: "127.0.0.1", port: 0).get()
    }

    @Test("that leaves a waypoint holds for who was refused by it: asked again, by that world")
    func refusedByTheWaypointThatWasLeft() async throws {
        let (answer, log) = try await answer(isLeft: true)
        #expect(answer == "hello", "\(log)")
        #expect(log.count == 1 && log[0].contains("connection complete"), "\(log)")
    }

    @Test("may be late: a waypoint that has heard before us that it was left is asked again in a moment")
    func refusedTooEarly() async throws {
        let (answer, log) = try await answer(isLeft: true, isLate: true)
        #expect(answer == "hello", "\(log)")
        #expect(log.count == 1 && log[0].contains("connection complete"), "\(log)")
    }

    @Test("is waited for no longer than its time: a waypoint that goes on refusing is believed")
    func refusedForGood() async throws {
        let (answer, log) = try await answer(isLeft: false)
        #expect(answer == "", "\(log)")
        #expect(log.count == 1 && log[0].contains("\(ConnectionFailure.status(403))"), "\(log)")
    }
}

/// Says one word and ends.
private final class Greeter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        channel.writeAndFlush(ByteBuffer(string: "hello")).whenComplete { _ in channel.close(promise: nil) }
    }
}

/// Everything that came before the end.
private final class UntilEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let promise: EventLoopPromise<String>
    private var text = ""

    init(_ promise: EventLoopPromise<String>) { self.promise = promise }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { text += String(buffer: unwrapInboundIn(data)) }
    func channelInactive(context: ChannelHandlerContext) { promise.succeed(text) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

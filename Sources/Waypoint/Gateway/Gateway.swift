package import MeshDiscovery
package import MeshIdentity
package import MeshModel
package import MeshTelemetry
internal import HBONE
internal import MeshKernel
internal import MeshProxy
package import NIOCore
package import NIOPosix
package import WaypointToken

/// The data plane of a waypoint: its HBONE port and everything that comes through it, spread over event loops. The
/// actor only opens and closes; no byte of a caller passes through it.
package actor Gateway {
    private let group: MultiThreadedEventLoopGroup
    let slots: [Slot]
    private let certificates: CertificateManager
    private let settings: GatewaySettings
    private var listeners: [any Channel] = []
    private var hold: CertificateManager.HoldToken?

    /// One event loop and what lives on it. Others reach it only by running there.
    struct Slot: Sendable {
        let eventLoop: any EventLoop
        let bound: NIOLoopBound<GatewayLoop>

        func execute(_ body: @escaping @Sendable (GatewayLoop) -> Void) {
            eventLoop.execute { body(bound.value) }
        }
    }

    /// - Parameters:
    ///   - group: the data loops; nothing else should run on them.
    ///   - tracing: `nil`: no spans are made.
    package init(
        group: MultiThreadedEventLoopGroup, settings: GatewaySettings, certificates: CertificateManager,
        accessLog: AccessLog, tracing: GatewayTracing? = nil
    ) async throws {
        self.group = group
        self.settings = settings
        self.certificates = certificates
        var slots: [Slot] = []
        let origins = OriginContexts(systemRoots: settings.systemRoots)
        for eventLoop in group.makeIterator() {
            let slot = try await eventLoop.submit {
                let loop = GatewayLoop(
                    eventLoop: eventLoop, settings: settings, metrics: MetricsShard(), accessLog: accessLog,
                    origins: origins)
                loop.telemetry = RequestTelemetry(tracing)
                return Slot(eventLoop: eventLoop, bound: NIOLoopBound(loop, eventLoop: eventLoop))
            }.get()
            slots.append(slot)
        }
        self.slots = slots
    }

    /// A new world, for every loop. Returns when each goes by it.
    package func learn(_ world: World) async {
        let learnt = slots.map { slot in slot.eventLoop.submit { slot.bound.value.learn(world) } }
        // A loop that has ended goes by nothing.
        for loop in learnt { try? await loop.get() }
    }

    /// The key sets of remote issuers by their URIs, for every loop. What is not there is believed no more.
    package func learn(_ keys: [String: KeySet]) {
        for slot in slots { slot.execute { $0.tokens.fetched = FetchedKeys(sets: keys) } }
    }

    /// Who is told of tokens by keys that a fetched set does not have: its URI and the name of the key; rarely.
    package func reportMissingKeys(to body: @escaping @Sendable (String, String) -> Void) {
        for slot in slots { slot.execute { $0.tokens.onMissingKey = body } }
    }

    /// Keeps a certificate for our identity and listens. Where is told; port 0 takes a free one.
    /// Errors: what made listening impossible.
    package func open(on address: TransportAddress) async throws -> TransportAddress {
        let slots = self.slots
        hold = await certificates.hold(settings.identity) { result in
            for slot in slots { slot.execute { $0.learn(result) } }
        }
        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Self.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let slot = slots.first(where: { $0.eventLoop === channel.eventLoop }) else { return }
                    try Self.accept(channel, on: slot.bound.value)
                }
            }
            .bind(to: SocketAddress(address)).get()
        listeners.append(listener)
        let port = listener.localAddress?.port.flatMap { UInt16(exactly: $0) } ?? address.port
        return TransportAddress(address.ip, port: port)
    }

    /// Pending connections.
    private static let backlog: Int32 = 4096

    private static func accept(_ channel: any Channel, on loop: GatewayLoop) throws {
        let found = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) { AcceptedAddresses(of: $0) }
        guard case .some(.some(let addresses)) = found else { throw ChannelError.unknownLocalAddress }
        let metrics = loop.metrics
        metrics.socketOpened(.destination)
        channel.closeFuture.assumeIsolated().whenComplete { _ in metrics.socketClosed(.destination) }
        GatewayDoor(loop: loop, channel: channel, client: addresses.client, local: addresses.local).start()
    }

    /// What one of the loops would do with a request, and why.
    /// Errors: an `ExplainProblem` when the question makes no sense.
    package func explain(_ question: RequestQuestion) async throws -> RequestReport {
        let slot = slots[0]
        let nowSeconds = Double(UnixClock.milliseconds()) / 1_000
        return try await slot.eventLoop.submit {
            try RequestExplainer(slot.bound.value, nowSeconds: nowSeconds).explain(question)
        }.get()
    }

    /// Readers of what each loop counts.
    package func metricsReaders() -> [ShardReader] {
        slots.map { slot in
            {
                let snapshot = try? await slot.eventLoop.submit {
                    slot.bound.value.countLiveBytes()
                    return slot.bound.value.metrics.snapshot()
                }.get()
                return snapshot ?? .empty
            }
        }
    }

    /// Readers of the requests that each loop counts.
    package func requestReaders() -> [RequestReader] {
        slots.map { slot in
            { (try? await slot.eventLoop.submit { slot.bound.value.telemetry.shard.snapshot() }.get()) ?? .empty }
        }
    }

    /// Takes no new connections, tells every peer that no new streams are welcome, waits for what runs, ends what is
    /// left at the bound.
    package func drain(within bound: TimeAmount) async {
        for listener in listeners { try? await listener.close() }
        listeners = []
        for slot in slots { slot.execute { $0.drain() } }
        let slots = self.slots
        let deadline = slots[0].eventLoop.makePromise(of: Void.self)
        slots[0].eventLoop.scheduleTask(in: bound) { deadline.succeed() }
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                for slot in slots { try? await Self.untilIdle(slot) }
            }
            tasks.addTask { try? await deadline.futureResult.get() }
            await tasks.next()
            for slot in slots { slot.execute { $0.close() } }
            deadline.succeed()
        }
        if let hold { await certificates.release(hold) }
        hold = nil
    }

    private static func untilIdle(_ slot: Slot) async throws {
        let idle = slot.eventLoop.makePromise(of: Void.self)
        slot.execute { loop in loop.whenIdle { idle.succeed() } }
        try await idle.futureResult.get()
    }
}

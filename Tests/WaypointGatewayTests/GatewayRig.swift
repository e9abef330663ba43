import HBONE
import MeshDiscovery
import MeshModel
import MeshPolicy
import MeshProxy
import MeshTLS
import MeshTelemetry
import MeshTesting
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Testing

@testable import WaypointGateway

typealias ByteChannel = NIOAsyncChannel<ByteBuffer, ByteBuffer>

/// A waypoint's loop with real TLS and sockets on the loopback, and callers of it.
final class GatewayRig: Sendable {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let eventLoop: any EventLoop
    let log = LogLines()
    let authority: TestAuthority
    let gateway: NIOLoopBound<GatewayLoop>
    let address: SocketAddress
    let caller = Identity(namespace: Make.namespace, serviceAccount: "web")
    private let callerCertificate: WorkloadCertificate
    /// NIO ends the process when a channel of this kind is let go of alive, as a test does that throws between opening
    /// and using one: the rig holds them, and closes what is left.
    private let calls = Mutex<[ByteChannel]>([])

    init(
        settings: GatewaySettings = Make.settings, policies: RequestPolicySet = RequestPolicySet(applying: []),
        _ world: World
    ) async throws {
        let eventLoop = group.next()
        self.eventLoop = eventLoop
        let authority = try TestAuthority()
        self.authority = authority
        callerCertificate = try authority.workload(caller)
        let own = try authority.workload(settings.identity)
        let log = log
        let gateway = try await eventLoop.submit {
            let loop = GatewayLoop(
                eventLoop: eventLoop, settings: settings, metrics: MetricsShard(), accessLog: AccessLog(log.output))
            loop.policySource = { _, _ in policies }
            loop.learn(world)
            loop.learn(.success(own))
            return NIOLoopBound(loop, eventLoop: eventLoop)
        }.get()
        self.gateway = gateway
        let (client, local) = (try Make.address("10.0.0.1:5000"), try Make.address("10.0.0.9:15008"))
        let listener = try await ServerBootstrap(group: eventLoop)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    GatewayDoor(loop: gateway.value, channel: channel, client: client, local: local).start()
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        address = try #require(listener.localAddress)
    }

    deinit {
        let left = calls.withLock { $0.filter(\.channel.isActive) }
        Task { for call in left { try? await call.executeThenClose { _, _ in } } }
    }

    func judge(by policies: RequestPolicySet) async throws {
        try await onLoop { $0.policySource = { _, _ in policies } }
    }

    func learn(_ world: World) async throws {
        try await onLoop { $0.learn(world) }
    }

    func onLoop<T: Sendable>(_ body: @escaping @Sendable (GatewayLoop) throws -> T) async throws -> T {
        try await eventLoop.submit { [gateway] in try body(gateway.value) }.get()
    }

    /// A tunnel to the waypoint, ready.
    func connect(as identity: Identity? = nil) async throws -> NIOLoopBound<HBONEConnection> {
        let (eventLoop, certificate) = (eventLoop, try identity.map { try authority.workload($0) } ?? callerCertificate)
        let promise = eventLoop.makePromise(of: NIOLoopBound<HBONEConnection>.self)
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: eventLoop).channelOption(.autoRead, value: false)
                .connect(to: address).get()
        } catch {
            promise.fail(error)
            throw error
        }
        let installed = eventLoop.submit {
            let tls = TLSHandler(
                context: certificate.clientContext, role: .client, expecting: .anyOf([Make.settings.identity]))
            let gate = HandshakeGate { result in
                switch result {
                case .failure(let failure): promise.fail(failure)
                case .success:
                    let held = NIOLoopBoundBox<HBONEConnection?>(nil, eventLoop: eventLoop)
                    let connection = HBONEConnection(
                        role: .client,
                        onReady: {
                            if let ready = held.value { promise.succeed(NIOLoopBound(ready, eventLoop: eventLoop)) }
                        },
                        onClosed: { reason in promise.fail(HBONEError.connectionClosed(reason)) })
                    held.value = connection
                    try? channel.pipeline.syncOperations.addHandler(connection)
                }
            }
            try channel.pipeline.syncOperations.addHandlers([tls, gate])
            try channel.syncOptions?.setOption(.autoRead, value: true)
        }
        // A connection that is gone already is a failure of its test, and not the end of all tests.
        installed.whenFailure { promise.fail($0) }
        return try await promise.futureResult.get()
    }

    /// A call, as a channel of bytes; throws `HBONEError` when it is refused.
    func open(
        _ authority: String, on connection: NIOLoopBound<HBONEConnection>? = nil, forwarded: String? = nil
    ) async throws -> ByteChannel {
        let tunnel = if let connection { connection } else { try await connect() }
        let eventLoop = eventLoop
        let opened = try await eventLoop.flatSubmit {
            let promise = eventLoop.makePromise(of: ByteChannel.self)
            let request = ConnectRequest(authority: authority, baggage: "service.name=web", forwarded: forwarded)
            tunnel.value.open(request) { result in
                promise.assumeIsolated().completeWith(
                    Result {
                        let channel = try result.get().0.makeChannel { _ in }
                        return try ByteChannel(
                            wrappingChannelSynchronously: channel,
                            configuration: .init(isOutboundHalfClosureEnabled: true))
                    })
            }
            return promise.futureResult
        }.get()
        calls.withLock { $0.append(opened) }
        return opened
    }

    /// Sends text on a call of its own and returns all that comes back until its end or a reset.
    func exchange(_ authority: String, _ text: String, endsInput: Bool = false) async throws -> String {
        let channel = try await open(authority)
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: text))
            if endsInput { outbound.finish() }
            var answer = ByteBuffer()
            do {
                for try await bytes in inbound { answer.writeImmutableBuffer(bytes) }
            } catch is HBONEError {
                answer.writeString("<reset>")
            }
            return String(buffer: answer)
        }
    }

    func stop() async throws {
        try await onLoop { $0.close() }
        try await group.shutdownGracefully()
        calls.withLock { $0.removeAll() }
    }
}

/// An endpoint in plain TCP, or in TLS, that runs `body` for each connection.
struct PlainServer: Sendable {
    let port: UInt16
    private let channel: any Channel
    private let tasks = ConnectionTasks()

    init(
        host: String = "127.0.0.1", port: Int = 0, tls: NIOSSLContext? = nil,
        _ body: @escaping @Sendable (
            NIOAsyncChannelInboundStream<ByteBuffer>, NIOAsyncChannelOutboundWriter<ByteBuffer>
        ) async throws -> Void
    ) async throws {
        let tasks = tasks
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    let connection = try ByteChannel(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true))
                    let active = channel.eventLoop.makePromise(of: Void.self)
                    try channel.pipeline.syncOperations.addHandler(ActiveSignal(active))
                    // From here on somebody ends it: a connection that waited in a queue would be dropped alive when
                    // the server stops, and that ends the process. What is written too early is lost.
                    tasks.add(
                        Task {
                            try? await active.futureResult.get()
                            try? await connection.executeThenClose(body)
                        })
                }
            }
            .bind(host: host, port: port).get()
        self.port = try #require(channel.localAddress?.port.flatMap { UInt16(exactly: $0) })
    }

    /// Takes no more connections and ends those there are.
    func stop() {
        channel.close(promise: nil)
        tasks.cancel()
    }

    /// What runs for connections; what is added after the end is cancelled at once.
    private final class ConnectionTasks: Sendable {
        private let state = Mutex<(tasks: [Task<Void, Never>], isOver: Bool)>(([], false))

        func add(_ task: Task<Void, Never>) {
            let isOver = state.withLock { state in
                if !state.isOver { state.tasks.append(task) }
                return state.isOver
            }
            if isOver { task.cancel() }
        }

        func cancel() {
            let tasks = state.withLock { state in
                state.isOver = true
                return state.tasks
            }
            for task in tasks { task.cancel() }
        }
    }
}

/// Says once that a channel is active, or never will be.
private final class ActiveSignal: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var promise: EventLoopPromise<Void>?

    init(_ promise: EventLoopPromise<Void>) { self.promise = promise }

    func channelActive(context: ChannelHandlerContext) {
        say()
        context.fireChannelActive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { say() }

    private func say() {
        promise?.succeed()
        promise = nil
    }
}

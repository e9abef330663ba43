import HBONE
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// Application -> relay -> tunnel client -> tunnel server -> relay -> target, over loopback sockets. Both proxies are
/// on one loop, as two pods of a node are; applications are on another.
final class Rig: Sendable {
    /// What the tunnel server does with a request.
    enum Serving: Sendable {
        case dial(SocketAddress)
        case refuse(Int)
        /// Accepts, and joins nobody.
        case hold
    }

    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop: any EventLoop
    /// Ends of the relays on the application's and on the target's side.
    let applicationEnds = Mutex<[RelayEnd]>([])
    let targetEnds = Mutex<[RelayEnd]>([])
    let openErrors = Mutex<[HBONEError]>([])
    let heldStreams: NIOLoopBoundBox<[HBONEStream]>
    let applicationRelays: NIOLoopBoundBox<[Relay]>
    let targetRelays: NIOLoopBoundBox<[Relay]>
    let clients: NIOLoopBoundBox<[HBONEConnection]>
    let servers: NIOLoopBoundBox<[HBONEConnection]>
    let serverChannels: NIOLoopBoundBox<[any Channel]>
    let closeReasons = Mutex<[HBONECloseReason]>([])
    let relayLimits: RelayLimits
    let limits: @Sendable (HTTP2Session.Role) -> HBONELimits

    init(
        relayLimits: RelayLimits = RelayLimits(),
        limits: @escaping @Sendable (HTTP2Session.Role) -> HBONELimits = { HBONELimits(role: $0) }
    ) async throws {
        self.relayLimits = relayLimits
        self.limits = limits
        loop = group.next()
        let loop = loop
        heldStreams = try await loop.submit { NIOLoopBoundBox([], eventLoop: loop) }.get()
        applicationRelays = try await loop.submit { NIOLoopBoundBox([], eventLoop: loop) }.get()
        targetRelays = try await loop.submit { NIOLoopBoundBox([], eventLoop: loop) }.get()
        clients = try await loop.submit { NIOLoopBoundBox([], eventLoop: loop) }.get()
        serverChannels = try await loop.submit { NIOLoopBoundBox([], eventLoop: loop) }.get()
        servers = try await loop.submit { NIOLoopBoundBox([], eventLoop: loop) }.get()
    }

    /// A tunnel server.
    func serve(_ serving: Serving) async throws -> SocketAddress {
        let channel = try await ServerBootstrap(group: loop)
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(ChannelOptions.backlog, value: 1024)
            .childChannelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    let server = HBONEConnection(
                        role: .server, limits: self.limits(.server),
                        onConnect: { stream, request in self.answer(stream, request, serving) },
                        onClosed: { reason in self.closeReasons.withLock { $0.append(reason) } })
                    self.servers.value.append(server)
                    self.serverChannels.value.append(child)
                    try child.pipeline.syncOperations.addHandler(server)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return try #require(channel.localAddress)
    }

    private func answer(_ stream: HBONEStream, _ request: ConnectRequest, _ serving: Serving) {
        switch serving {
        case .refuse(let status): stream.refuse(status: status)
        case .hold:
            stream.accept(baggage: "held")
            heldStreams.value.append(stream)
        case .dial(let address):
            let relay = Relay(limits: relayLimits) { end in self.targetEnds.withLock { $0.append(end) } }
            targetRelays.value.append(relay)
            dialPlain(address, relay).assumeIsolated().whenComplete { result in
                switch result {
                case .success:
                    stream.accept(baggage: nil)
                    relay.join(stream)
                case .failure: stream.refuse(status: 503)
                }
            }
        }
    }

    func dialPlain(_ address: SocketAddress, _ relay: Relay) -> EventLoopFuture<any Channel> {
        let bound = NIOLoopBound(relay, eventLoop: loop)
        return ClientBootstrap(group: loop)
            .channelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
            .connect(to: address)
    }

    /// A ready client connection to a tunnel server; also in `clients`.
    func dialTunnel(_ address: SocketAddress) -> EventLoopFuture<HBONEConnection> {
        let promise = loop.makePromise(of: HBONEConnection.self)
        let bound = NIOLoopBoundBox<HBONEConnection?>(nil, eventLoop: loop)
        let client = HBONEConnection(
            role: .client, limits: limits(.client),
            onReady: { if let client = bound.value { promise.assumeIsolated().succeed(client) } },
            onClosed: { reason in
                self.closeReasons.withLock { $0.append(reason) }
                promise.fail(HBONEError.connectionClosed(reason))
            })
        bound.value = client
        clients.value.append(client)
        let handler = NIOLoopBound(client, eventLoop: loop)
        ClientBootstrap(group: loop)
            .channelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(handler.value)
                }
            }
            .connect(to: address).whenFailure { promise.fail($0) }
        return promise.futureResult
    }

    /// A listener whose connections are tunnelled through the pool to `server`.
    func capture(through pool: NIOLoopBound<HBONEPool>, key: HBONEPool.Key) async throws -> SocketAddress {
        try await listen { relay in
            pool.value.open(key, ConnectRequest(authority: "10.0.0.1:80")) { result in
                switch result {
                case .success(let (stream, _)): relay.join(stream)
                case .failure(let error):
                    self.openErrors.withLock { $0.append(error) }
                    relay.close(.error(.send(.counterpart, .other("\(error)"))))
                }
            }
        }
    }

    /// A listener whose connections go through one tunnel connection, made here.
    func capture(to server: SocketAddress) async throws -> SocketAddress {
        let client = try await loop.flatSubmit {
            let loop = self.loop
            return self.dialTunnel(server).assumeIsolated()
                .map { NIOLoopBound($0, eventLoop: loop) }.nonisolated()
        }.get()
        return try await listen { relay in
            client.value.open(ConnectRequest(authority: "10.0.0.1:80")) { result in
                switch result {
                case .success(let (stream, _)): relay.join(stream)
                case .failure(let error):
                    self.openErrors.withLock { $0.append(error) }
                    relay.close(.error(.send(.counterpart, .other("\(error)"))))
                }
            }
        }
    }

    /// A listener whose connections are relayed to `target` in plain text.
    func pass(to target: SocketAddress) async throws -> SocketAddress {
        try await listen { relay in
            let upstream = Relay(limits: self.relayLimits) { end in self.targetEnds.withLock { $0.append(end) } }
            self.targetRelays.value.append(upstream)
            self.dialPlain(target, upstream).assumeIsolated().whenComplete { result in
                switch result {
                case .success: relay.join(upstream)
                case .failure(let error): relay.close(.error(.send(.counterpart, .other("\(error)"))))
                }
            }
        }
    }

    private func listen(_ accepted: @escaping @Sendable (Relay) -> Void) async throws -> SocketAddress {
        let channel = try await ServerBootstrap(group: loop)
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(ChannelOptions.backlog, value: 1024)
            .childChannelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    let relay = Relay(limits: self.relayLimits) { end in
                        self.applicationEnds.withLock { $0.append(end) }
                    }
                    self.applicationRelays.value.append(relay)
                    try child.pipeline.syncOperations.addHandler(relay)
                    accepted(relay)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return try #require(channel.localAddress)
    }

    /// Runs on the proxies' loop.
    func onLoop<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await loop.submit(body).get()
    }

    func stop() async throws {
        try await group.shutdownGracefully()
    }
}

/// Waits until `condition` holds; fails the test after `seconds`.
func eventually(
    _ what: String, seconds: Int = 20, sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < deadline {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record("not within \(seconds) s: \(what)", sourceLocation: sourceLocation)
}

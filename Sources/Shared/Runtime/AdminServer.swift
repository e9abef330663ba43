package import Logging
package import MeshModel
package import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A small HTTP/1.1 server for admin, metrics and readiness pages. It runs on the group it is given, which must not be
/// a group of data loops: pages are slow and their readers untrusted.
package final class AdminServer: Sendable {
    private struct State {
        var listeners: [any Channel] = []
        var connections: [ObjectIdentifier: any Channel] = [:]
        var isStopping = false
    }

    private let group: any EventLoopGroup
    private let router: AdminRouter
    private let limits: AdminLimits
    private let logger: Logger
    private let state = Mutex(State())
    private let refused = Atomic<Int>(0)

    package init(
        routes: [AdminRoute], group: any EventLoopGroup, limits: AdminLimits = AdminLimits(), logger: Logger
    ) {
        self.router = AdminRouter(routes)
        self.group = group
        self.limits = limits
        self.logger = logger
    }

    /// Connections closed at once because too many were open.
    package var refusedConnections: Int { refused.load(ordering: .relaxed) }

    /// Listens on all these addresses; port 0 takes a free one. An IPv6 address on a machine without IPv6 is skipped
    /// when there is another address.
    /// - Returns: the addresses in use.
    package func start(on addresses: [TransportAddress]) async throws(AdminServerError) -> [TransportAddress] {
        var bound: [TransportAddress] = []
        for address in addresses {
            do {
                let channel = try await listen(on: address)
                state.withLock { $0.listeners.append(channel) }
                bound.append(channel.localAddress.flatMap(TransportAddress.init(socketAddress:)) ?? address)
            } catch {
                guard address.ip.family == .v6, addresses.count > 1, error.isAddressUnavailable else {
                    await stop()
                    throw AdminServerError(address: address, cause: "\(error)")
                }
                logger.info("not listening on \(address): this machine has no such address")
            }
        }
        return bound
    }

    /// Gives the addresses free for another process; connections that are there go on.
    package func stopListening() async {
        let listeners = state.withLock { state in
            defer { state.listeners = [] }
            return state.listeners
        }
        for listener in listeners { try? await listener.close().get() }
    }

    /// Takes no more connections, lets requests in progress end within the limit, then closes all.
    package func stop() async {
        let connections = state.withLock { state in
            state.isStopping = true
            return Array(state.connections.values)
        }
        await stopListening()
        for connection in connections {
            connection.eventLoop.scheduleTask(in: limits.shutdownTimeout) { connection.close(promise: nil) }
            connection.pipeline.fireUserInboundEventTriggered(AdminDrain())
        }
        for connection in connections { try? await connection.closeFuture.get() }
    }

    private func listen(on address: TransportAddress) async throws -> any Channel {
        try await ServerBootstrap(group: group)
            .serverChannelOption(ChannelOptions.backlog, value: 64)
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { [self] channel in initialize(channel) }
            .bind(to: SocketAddress(ipAddress: address.ip.description, port: Int(address.port)))
            .get()
    }

    private func initialize(_ channel: any Channel) -> EventLoopFuture<Void> {
        let isTaken = state.withLock { state in
            guard !state.isStopping, state.connections.count < limits.connectionsMax else { return false }
            state.connections[ObjectIdentifier(channel)] = channel
            return true
        }
        guard isTaken else {
            refused.add(1, ordering: .relaxed)
            return channel.close()
        }
        channel.closeFuture.whenComplete { [self] _ in
            state.withLock { state in _ = state.connections.removeValue(forKey: ObjectIdentifier(channel)) }
        }
        return channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            let deadline = AdminDeadline(limits: limits)
            try pipeline.addHandler(AdminByteWatch(deadline: deadline))
            // Header sizes and counts: NIO's own limits.
            try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: true, withErrorHandling: true)
            try pipeline.addHandler(AdminConnection(router: router, limits: limits, deadline: deadline))
        }
    }
}

/// An admin address that cannot be used.
package struct AdminServerError: Error, Hashable, Sendable, CustomStringConvertible {
    package let address: TransportAddress
    package let cause: String

    package var description: String { "failed to bind to address \(address): \(cause)" }
}

extension TransportAddress {
    fileprivate init?(socketAddress: SocketAddress) {
        guard let text = socketAddress.ipAddress, let ip = IPAddress(text), let port = socketAddress.port else {
            return nil
        }
        self.init(ip, port: UInt16(truncatingIfNeeded: port))
    }
}

extension Error {
    fileprivate var isAddressUnavailable: Bool {
        guard let error = self as? IOError else { return false }
        return error.errnoCode == addressNotAvailable || error.errnoCode == addressFamilyNotSupported
    }
}

/// EADDRNOTAVAIL and EAFNOSUPPORT of Linux (asm-generic/errno.h).
private let addressNotAvailable: CInt = 99
private let addressFamilyNotSupported: CInt = 97

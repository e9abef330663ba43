import NIOCore
import Synchronization

/// Bounds what strangers can make the TLS port hold: connections in all, and connections that never make a call.
/// Tokens are checked only in calls, so a connection as such proves nothing.
final class ConnectionGate: Sendable {
    private struct Connections {
        var openCount = 0
        /// Without a call so far.
        var silent: Set<ObjectIdentifier> = []
    }

    private let connections = Mutex(Connections())
    private let connectionsMax: Int
    private let firstCallSeconds: Int64
    private let metrics: ControlMetrics

    init(
        connectionsMax: Int = ServeLimits.connectionsMax, firstCallSeconds: Int64 = ServeLimits.firstCallSeconds,
        metrics: ControlMetrics
    ) {
        self.connectionsMax = connectionsMax
        self.firstCallSeconds = firstCallSeconds
        self.metrics = metrics
    }

    /// A connection was accepted; TLS has not begun.
    func accepted(_ channel: any Channel) -> EventLoopFuture<Void> {
        let identifier = ObjectIdentifier(channel)
        let isAdmitted = connections.withLock { connections in
            guard connections.openCount < connectionsMax else { return false }
            connections.openCount += 1
            connections.silent.insert(identifier)
            return true
        }
        guard isAdmitted else {
            metrics.add(.connectionsRefused)
            channel.close(promise: nil)
            return channel.eventLoop.makeSucceededVoidFuture()
        }
        let deadline = channel.eventLoop.scheduleTask(in: .seconds(firstCallSeconds)) { [self] in
            guard connections.withLock({ $0.silent.contains(identifier) }) else { return }
            metrics.add(.connectionsRefused)
            channel.close(promise: nil)
        }
        channel.closeFuture.whenComplete { [self] _ in
            deadline.cancel()
            connections.withLock { connections in
                connections.openCount -= 1
                connections.silent.remove(identifier)
            }
        }
        return channel.eventLoop.makeSucceededVoidFuture()
    }

    /// A call began on a connection.
    func called(_ stream: any Channel) -> EventLoopFuture<Void> {
        if let connection = stream.parent {
            connections.withLock { _ = $0.silent.remove(ObjectIdentifier(connection)) }
        }
        return stream.eventLoop.makeSucceededVoidFuture()
    }
}

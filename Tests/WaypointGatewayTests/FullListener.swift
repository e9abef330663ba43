import NIOCore
import NIOPosix
import Synchronization
import Testing

/// A listener that accepts nobody and whose queue is full: the kernel leaves further SYNs unanswered (listen(2)).
final class FullListener: Sendable {
    let port: UInt16
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    init() async throws {
        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1)
            .serverChannelOption(.autoRead, value: false)
            .bind(host: "127.0.0.1", port: 0).get()
        port = try #require(listener.localAddress?.port.flatMap { UInt16(exactly: $0) })
        let queued = Queued()
        // One more than the queue's length fits in.
        for _ in 0..<4 {
            ClientBootstrap(group: group).connectTimeout(.seconds(60)).connect(host: "127.0.0.1", port: Int(port))
                .whenSuccess { _ in queued.count.withLock { $0 += 1 } }
        }
        try await eventually("the queue is full") { queued.count.withLock { $0 } >= 2 }
    }

    private final class Queued: Sendable {
        let count = Mutex(0)
    }

    func stop() async throws { try await group.shutdownGracefully() }
}

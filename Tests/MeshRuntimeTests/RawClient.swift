import NIOCore
import NIOPosix
import Synchronization

/// A TCP client that sends bytes as they are and collects what comes back.
final class RawClient: Sendable {
    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer

        let received = Mutex("")

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let text = String(buffer: unwrapInboundIn(data))
            received.withLock { $0 += text }
        }
    }

    private let channel: any Channel
    private let collector: Collector

    init(port: UInt16, host: String = "127.0.0.1") async throws {
        let collector = Collector()
        self.collector = collector
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { $0.pipeline.addHandler(collector) }
            .connect(host: host, port: Int(port))
            .get()
    }

    var received: String { collector.received.withLock { $0 } }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text)).get()
    }

    /// Everything up to the server's close.
    func untilClosed(within limit: Duration = .seconds(20)) async -> String? {
        await waited(limit) { !self.channel.isActive } ? received : nil
    }

    /// Everything once it satisfies the condition; `nil` when it did not in time.
    func until(_ condition: @escaping @Sendable (String) -> Bool) async -> String? {
        await waited(.seconds(20)) { condition(self.received) } ? received : nil
    }

    func close() async { try? await channel.close().get() }
}

/// Polls until the condition holds; false when it did not within the limit.
func waited(_ limit: Duration = .seconds(20), _ condition: @escaping @Sendable () -> Bool) async -> Bool {
    let end = ContinuousClock.now.advanced(by: limit)
    while !condition() {
        guard ContinuousClock.now < end else { return false }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return true
}

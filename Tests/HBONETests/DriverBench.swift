import Foundation
import Glibc
import HBONE
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// Prints CPU time of the whole process (both proxies and both applications): run with APUS_BENCH=1, optimised.
@Suite("Bench, not run by default", .serialized, .enabled(if: ProcessInfo.processInfo.environment["APUS_BENCH"] != nil))
struct DriverBench {
    @Test("small requests: ping-pong over many connections", arguments: [1, 32])
    func pingPong(connections: Int) async throws {
        let exchanges = 100_000
        for (name, isTunnelled) in [("direct", Path.direct), ("relay pair", .relay), ("tunnel", .tunnel)] {
            try await withPath(isTunnelled) { address, group in
                let cpu = CPUTime.now
                let start = ContinuousClock.now
                try await PingPong.run(
                    group, address, connections: connections, exchanges: exchanges, bytes: 1024)
                report("\(connections) connections, 1 KiB, \(name)", cpu, start, "per 100k exchanges")
            }
        }
    }

    @Test("bulk: 4 GiB one way")
    func bulk() async throws {
        for (name, path) in [("direct", Path.direct), ("relay pair", .relay), ("tunnel", .tunnel)] {
            try await withPath(path) { address, group in
                let cpu = CPUTime.now
                let start = ContinuousClock.now
                try await Bulk.run(group, address, bytes: 4 << 30)
                report("bulk echo, \(name)", cpu, start, "per 4 GiB sent and echoed")
            }
        }
    }

    /// One path per process, as freed memory is used again: APUS_BENCH=direct, relay or tunnel.
    @Test("memory of 1,000 idle connections")
    func idleMemory() async throws {
        let name = ProcessInfo.processInfo.environment["APUS_BENCH"] ?? ""
        let paths = ["direct": Path.direct, "relay": .relay, "tunnel": .tunnel]
        guard let path = paths[name] else { return }
        try await withPath(path, echoBufferBytes: 2 << 10) { address, group in
            let before = residentKiB()
            let channels = try await PingPong.open(group, address, connections: 1_000)
            print("BENCH 1000 idle connections after one exchange, \(name): \(residentKiB() - before) KiB more")
            for channel in channels { try await channel.close() }
        }
    }

    private func residentKiB() -> Int {
        let fields = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ")
        return (fields.flatMap { Int($0[1]) } ?? 0) * 4
    }

    enum Path { case direct, relay, tunnel }

    private func withPath(
        _ path: Path, echoBufferBytes: Int = 256 << 10,
        _ body: (SocketAddress, MultiThreadedEventLoopGroup) async throws -> Void
    ) async throws {
        let rig = try await Rig(limits: { role in
            var limits = HBONELimits(role: role)
            limits.http2.openedStreamsMax = 1000
            limits.http2.concurrentStreamsMax = 1000
            return limits
        })
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let echo = try await ServerBootstrap(group: group)
            .serverChannelOption(ChannelOptions.backlog, value: 1024)
            .childChannelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.syncOptions?.setOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(
                        capacity: echoBufferBytes))
                    try channel.pipeline.syncOperations.addHandler(EchoHandler())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let target = try #require(echo.localAddress)
        let address = switch path {
        case .direct: target
        case .relay: try await rig.pass(to: target)
        case .tunnel: try await rig.capture(to: try await rig.serve(.dial(target)))
        }
        try await body(address, group)
        try await group.shutdownGracefully()
        try await rig.stop()
    }

    private func report(_ what: String, _ cpu: CPUTime, _ start: ContinuousClock.Instant, _ unit: String) {
        print("BENCH \(what): CPU \(CPUTime.now.seconds - cpu.seconds) s, wall \(ContinuousClock.now - start) \(unit)")
    }
}

/// CPU time of the whole process, user and system.
struct CPUTime {
    let seconds: Double

    static var now: CPUTime { CPUTime(seconds: Double(clock()) / Double(CLOCKS_PER_SEC)) }
}

private final class EchoHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.write(data, promise: nil) }
    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }
}

/// One connection that sends a message, waits for its echo, and sends again.
private final class PingPong: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let message: ByteBuffer
    private var left: Int
    private var missing = 0
    private let done: EventLoopPromise<Void>

    init(exchanges: Int, bytes: Int, done: EventLoopPromise<Void>) {
        message = ByteBuffer(repeating: 7, count: bytes)
        left = exchanges
        self.done = done
    }

    static func run(
        _ group: MultiThreadedEventLoopGroup, _ address: SocketAddress, connections: Int, exchanges: Int, bytes: Int
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for _ in 0..<connections {
                tasks.addTask {
                    let loop = group.next()
                    let done = loop.makePromise(of: Void.self)
                    let channel = try await ClientBootstrap(group: loop)
                        .channelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
                        .channelInitializer { channel in
                            channel.eventLoop.makeCompletedFuture {
                                try channel.pipeline.syncOperations.addHandler(
                                    PingPong(exchanges: exchanges / connections, bytes: bytes, done: done))
                            }
                        }
                        .connect(to: address).get()
                    try await done.futureResult.get()
                    try await channel.close()
                }
            }
            try await tasks.waitForAll()
        }
    }

    /// Connections which made one exchange each and stay.
    static func open(
        _ group: MultiThreadedEventLoopGroup, _ address: SocketAddress, connections: Int
    ) async throws -> [any Channel] {
        var channels: [any Channel] = []
        for _ in 0..<connections {
            let loop = group.next()
            let done = loop.makePromise(of: Void.self)
            channels.append(try await ClientBootstrap(group: loop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(PingPong(exchanges: 1, bytes: 1024, done: done))
                    }
                }
                .connect(to: address).get())
            try await done.futureResult.get()
        }
        return channels
    }

    func channelActive(context: ChannelHandlerContext) { send(context) }

    private func send(_ context: ChannelHandlerContext) {
        guard left > 0 else { return done.succeed() }
        left -= 1
        missing = message.readableBytes
        context.writeAndFlush(wrapOutboundOut(message), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        missing -= unwrapInboundIn(data).readableBytes
        if missing == 0 { send(context) }
    }
}

/// Sends, counts what comes back.
private final class Bulk: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let piece = ByteBuffer(repeating: 7, count: 256 << 10)
    private var toSend: Int
    private var toReceive: Int
    private let done: EventLoopPromise<Void>

    init(bytes: Int, done: EventLoopPromise<Void>) {
        toSend = bytes
        toReceive = bytes
        self.done = done
    }

    static func run(_ group: MultiThreadedEventLoopGroup, _ address: SocketAddress, bytes: Int) async throws {
        let loop = group.next()
        let done = loop.makePromise(of: Void.self)
        let channel = try await ClientBootstrap(group: loop)
            .channelOption(ChannelOptions.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 256 << 10))
            .channelOption(ChannelOptions.writeBufferWaterMark, value: .init(low: 128 << 10, high: 512 << 10))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Bulk(bytes: bytes, done: done))
                }
            }
            .connect(to: address).get()
        try await done.futureResult.get()
        try await channel.close()
    }

    func channelActive(context: ChannelHandlerContext) { send(context) }
    func channelWritabilityChanged(context: ChannelHandlerContext) { send(context) }

    private func send(_ context: ChannelHandlerContext) {
        while toSend > 0, context.channel.isWritable {
            toSend -= piece.readableBytes
            context.writeAndFlush(wrapOutboundOut(piece), promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        toReceive -= unwrapInboundIn(data).readableBytes
        if toReceive <= 0 { done.succeed() }
    }
}

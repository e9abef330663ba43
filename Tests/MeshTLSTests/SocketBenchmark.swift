import Foundation
import MeshModel
import MeshTLS
import MeshTesting
import NIOCore
import NIOPosix
import Testing

/// Prints the cost of bulk data over a loopback socket between two handlers; see `TLSBenchmark`.
@Suite("TLS socket benchmark", .enabled(if: ProcessInfo.processInfo.environment["APUS_BENCH"] != nil))
struct SocketBenchmark {
    @Test("bulk")
    func bulk() async throws {
        if ProcessInfo.processInfo.environment["APUS_BENCH"] == "tuned" { AllocatorTuning.apply() }
        let authority = try TestAuthority()
        let cart = try authority.workload(.cart)
        let till = try authority.workload(.till)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        for _ in 0..<3 { try await run(client: cart, server: till, group: group) }
        try await Task.sleep(for: .seconds(1))
        print("bench: resident at the end: \(try residentKiB()) KiB")
        try await group.shutdownGracefully()
    }

    private func run(
        client: WorkloadCertificate, server: WorkloadCertificate, group: MultiThreadedEventLoopGroup
    ) async throws {
        let total = 4 << 30
        let done = group.next().makePromise(of: Void.self)
        let listener = try await ServerBootstrap(group: group)
            .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 512 * 1_024))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = TLSHandler(
                        context: server.serverContext, role: .server, expecting: .trustDomains(["cluster.local"]))
                    try channel.pipeline.syncOperations.addHandlers([tls, Sink(bytes: total, done: done)])
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let start = (clock(), try minorFaults())
        let sender = try await ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = TLSHandler(context: client.clientContext, role: .client, expecting: .anyOf([.till]))
                    try channel.pipeline.syncOperations.addHandlers([tls, Source()])
                }
            }
            .connect(host: "127.0.0.1", port: listener.localAddress?.port ?? 0).get()
        try await done.futureResult.get()
        let seconds = Double(clock() - start.0) / 1e6
        print("bench: sockets: \(seconds / 4) CPU s per GiB, \(try minorFaults() - start.1) page faults for 4 GiB")
        try await sender.close()
        try await listener.close()
    }

    private func minorFaults() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/stat", encoding: .utf8)
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        return fields.count > 7 ? Int(fields[7]) ?? 0 : 0
    }

    private func residentKiB() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4
    }
}

/// Writes fresh buffers of 256 KiB as long as the channel takes them, as a relay does.
final class Source: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) { send(context) }

    private func send(_ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        let buffer = context.channel.allocator.buffer(repeating: 0x61, count: 256 * 1_024)
        let written = context.eventLoop.makePromise(of: Void.self)
        let again = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        written.futureResult.whenSuccess {
            let (source, context) = again.value
            source.send(context)
        }
        context.writeAndFlush(wrapOutboundOut(buffer), promise: written)
    }
}

final class Sink: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private var missing: Int
    private let done: EventLoopPromise<Void>

    init(bytes: Int, done: EventLoopPromise<Void>) {
        missing = bytes
        self.done = done
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        missing -= unwrapInboundIn(data).readableBytes
        if missing <= 0 { done.succeed() }
    }
}

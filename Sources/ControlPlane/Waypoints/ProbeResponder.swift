import NIOCore
package import NIOPosix

/// Answers what the control plane sends to itself through waypoints.
package struct ProbeResponder: Sendable {
    private let channel: any Channel
    package let port: UInt16

    /// Heads longer than this are not read to their end.
    private static let headBytesMax = 8 * 1024

    /// Listens on every address of the node: the waypoints' way out is one of them. Port 0 takes a free one.
    package static func start(on group: MultiThreadedEventLoopGroup) async throws -> ProbeResponder {
        let channel = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Answering())
                }
            }
            .bind(host: "0.0.0.0", port: 0).get()
        return ProbeResponder(
            channel: channel, port: channel.localAddress?.port.flatMap { UInt16(exactly: $0) } ?? 0)
    }

    /// Stops listening.
    package func stop() async { try? await channel.close() }

    /// What comes back for a word.
    static func answer(to word: String) -> String { "answered \(word)." }

    /// One connection: one request, one answer.
    private final class Answering: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private var head = ""

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            head += String(buffer: unwrapInboundIn(data))
            guard head.utf8.count <= ProbeResponder.headBytesMax else { return context.close(promise: nil) }
            guard head.contains("\r\n\r\n") else { return }
            // GET /WORD HTTP/1.1
            let words = head.prefix { $0 != "\r\n" }.split(separator: " ")
            let word = words.count > 1 ? String(words[1].dropFirst()) : ""
            head = ""
            let body = ProbeResponder.answer(to: word)
            let text =
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: \(body.utf8.count)\r\n"
                + "Connection: close\r\n\r\n\(body)"
            let channel = context.channel
            let written = context.eventLoop.makePromise(of: Void.self)
            written.futureResult.whenComplete { _ in channel.close(promise: nil) }
            context.writeAndFlush(NIOAny(ByteBuffer(string: text)), promise: written)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}

internal import HBONE
internal import NIOCore
internal import NIOHTTP1

/// The endpoint's side of one exchange: the last handler of a channel that speaks HTTP/1.1 as a client.
final class UpstreamDoor: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private var exchange: Exchange?
    private var context: ChannelHandlerContext?
    private var isReading = false
    private let encoder: HTTPRequestEncoder
    private let decoder = ByteToMessageHandler(
        HTTPResponseDecoder(leftOverBytesStrategy: .forwardBytes, informationalResponseStrategy: .forward))

    init(_ exchange: Exchange) {
        self.exchange = exchange
        var configuration = HTTPRequestEncoder.Configuration()
        // The framing of the request that came is kept.
        configuration.automaticallySetFramingHeaders = false
        self.encoder = HTTPRequestEncoder(configuration: configuration)
    }

    func install(on upstream: Upstream) throws {
        switch upstream.link {
        case .stream(let stream): _ = try stream.makeChannel { try self.install(on: $0) }
        case .socket(let channel): try install(on: channel)
        }
    }

    private func install(on channel: any Channel) throws {
        try channel.syncOptions?.setOption(.autoRead, value: false)
        try channel.pipeline.syncOperations.addHandlers([encoder, decoder, self])
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        exchange?.receive(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        exchange?.answerPaused()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { exchange?.upstreamTakesBytes() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // An answer that ends with its connection was ended by the decoder before this.
        if let event = event as? ChannelEvent, event == .inputClosed { lost("connection termination", event) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else { return lost("connection termination", error) }
        if error == .invalidEOFState { return lost("connection termination", error) }
        exchange?.upstreamFailed(.protocolError("\(error)"))
    }

    func channelInactive(context: ChannelHandlerContext) {
        lost("connection termination", ChannelError.eof)
        exchange = nil
    }

    private func lost(_ why: String, _ cause: Any) {
        exchange?.upstreamFailed(.disconnected(why, details: "\(cause)"))
    }

    // MARK: - For the exchange

    var takesBytes: Bool { context?.channel.isWritable ?? false }

    func write(_ part: HTTPClientRequestPart) {
        context?.write(wrapOutboundOut(part), promise: nil)
    }

    func flush() { context?.flush() }

    func read() {
        guard !isReading, let context else { return }
        isReading = true
        context.read()
    }

    func close() {
        exchange = nil
        context?.channel.close(promise: nil)
    }

    /// The endpoint must not take what was sent for a whole request.
    func abort() {
        exchange = nil
        guard let channel = context?.channel else { return }
        if let stream = channel as? TunnelStreamChannel { stream.abort() } else { channel.close(promise: nil) }
    }

    /// Takes the handlers of HTTP out and puts a relay in: what follows is no HTTP. Told when they are out.
    func replace(by relay: Relay) throws -> EventLoopFuture<Void> {
        guard let context else { throw ChannelError.ioOnClosedChannel }
        let operations = context.pipeline.syncOperations
        exchange = nil
        try operations.addHandler(relay)
        operations.removeHandler(self, promise: nil)
        operations.removeHandler(encoder, promise: nil)
        return operations.removeHandler(decoder)
    }
}

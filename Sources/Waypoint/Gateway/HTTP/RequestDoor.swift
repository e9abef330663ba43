internal import HBONE
internal import MeshModel
internal import NIOCore
internal import NIOHTTP1

/// The requests on one call, one after the other: a request that comes while another runs waits, and nothing more is
/// read than the running one takes. The last handler of the call's channel.
final class RequestDoor: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// What has come and was not dealt with: at most one read's worth.
    private enum Arrival {
        case part(HTTPServerRequestPart)
        case malformed(String)
        case ended
    }

    let call: Call
    private var arrivals = CircularBuffer<Arrival>()
    private var exchange: Exchange?
    private var context: ChannelHandlerContext?
    private var isReading = false
    private var isWorking = false
    private(set) var isClosing = false
    private(set) var isDraining: Bool

    private let encoder: HTTPResponseEncoder
    private let decoder = ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes))

    init(call: Call) {
        self.call = call
        self.isDraining = call.loop.isDraining
        var configuration = HTTPResponseEncoder.Configuration()
        // Framing is decided with the request at hand.
        configuration.automaticallySetFramingHeaders = false
        self.encoder = HTTPResponseEncoder(configuration: configuration)
    }

    func install(on channel: any Channel) throws {
        try channel.syncOptions?.setOption(.autoRead, value: false)
        try channel.pipeline.syncOperations.addHandlers([encoder, decoder, self])
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        requestRead()
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    // MARK: - What comes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        arrivals.append(.part(unwrapInboundIn(data)))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        work()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let event = event as? ChannelEvent, event == .inputClosed else { return }
        arrivals.append(.ended)
        work()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? HTTPParserError {
            arrivals.append(.malformed("\(error)"))
            work()
        } else {
            exchange?.callerGone()
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        isClosing = true
        exchange?.callerGone()
        exchange = nil
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { exchange?.callerTakesBytes() }
    }

    /// Deals with what has come, as far as the running request lets it.
    private func work() {
        guard !isWorking else { return }
        isWorking = true
        while !isClosing, let first = arrivals.first {
            if let exchange {
                switch first {
                case .part(let part):
                    guard exchange.wantsBody else { break }
                    arrivals.removeFirst()
                    exchange.receive(part)
                    continue
                case .malformed(let why):
                    if !exchange.isRequestComplete { exchange.requestBroke(why) }
                case .ended: break
                }
                break
            }
            arrivals.removeFirst()
            switch first {
            case .part(.head(let head)): begin(head)
            case .part: continue
            case .malformed(let why): refuse(.malformed(why))
            case .ended: close()
            }
        }
        isWorking = false
        exchange?.flushRequest()
        requestRead()
    }

    private func begin(_ head: HTTPRequestHead) {
        let exchange = Exchange(head, at: self)
        self.exchange = exchange
        exchange.start()
    }

    /// No request could be made of what came.
    private func refuse(_ reply: LocalReply) {
        let record = RequestLog(call: call, head: nil)
        record.reply(reply)
        send(reply, keepAlive: false)
        record.finish()
        closeWhenSent()
    }

    // MARK: - For the exchange

    /// The running request takes bytes again, or has changed otherwise.
    func resume() { work() }

    private func requestRead() {
        guard !isReading, !isClosing, arrivals.isEmpty, let context, exchange?.wantsBody ?? true else { return }
        isReading = true
        context.read()
    }

    var takesBytes: Bool { context?.channel.isWritable ?? false }

    func write(_ part: HTTPServerResponsePart) {
        context?.write(wrapOutboundOut(part), promise: nil)
    }

    func flush() { context?.flush() }

    /// A whole answer of our own.
    func send(_ reply: LocalReply, keepAlive: Bool) {
        var headers: HTTPHeaders = [
            "content-length": "\(reply.body.utf8.count)", "content-type": "text/plain",
        ]
        if !keepAlive { headers.add(name: "connection", value: "close") }
        let status = HTTPResponseStatus(statusCode: reply.status)
        write(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers)))
        write(.body(.byteBuffer(ByteBuffer(string: reply.body))))
        write(.end(nil))
        flush()
    }

    /// The running request is over; another may follow if `keepAlive`.
    func exchangeEnded(keepAlive: Bool) {
        exchange = nil
        guard keepAlive, !isDraining else { return closeWhenSent() }
        // Not within the call of the one that ended.
        context?.eventLoop.assumeIsolated().execute { self.work() }
    }

    /// An answer was torn: the caller must not take it for whole.
    func abort() {
        isClosing = true
        exchange = nil
        (context?.channel as? TunnelStreamChannel)?.abort()
    }

    /// Idle: ends now. Else the running request is the last.
    func drain() {
        isDraining = true
        if exchange == nil, arrivals.isEmpty { close() }
    }

    private func closeWhenSent() {
        guard !isClosing, let context else { return }
        isClosing = true
        let channel = context.channel
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.whenComplete { _ in channel.close(promise: nil) }
        // Behind all that was written, past the encoder.
        guard let below = try? context.pipeline.syncOperations.context(handler: encoder) else {
            return promise.succeed()
        }
        below.writeAndFlush(NIOAny(ByteBuffer()), promise: promise)
    }

    private func close() {
        isClosing = true
        context?.channel.close(promise: nil)
    }

    /// Takes the handlers of HTTP out and puts a relay in: what follows is no HTTP. Told when they are out.
    func replace(by relay: Relay) throws -> EventLoopFuture<Void> {
        guard let context else { throw ChannelError.ioOnClosedChannel }
        let operations = context.pipeline.syncOperations
        isClosing = true
        exchange = nil
        try operations.addHandler(relay)
        operations.removeHandler(self, promise: nil)
        operations.removeHandler(encoder, promise: nil)
        // Last: what it holds goes to the relay.
        return operations.removeHandler(decoder)
    }
}

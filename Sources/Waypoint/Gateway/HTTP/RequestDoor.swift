internal import HBONE
internal import MeshModel
internal import NIOCore
internal import NIOHTTP1
internal import WaypointRoute

/// The requests on one call, one after the other: a request that comes while another runs waits, and nothing more is
/// read than the running one takes. The last handler of the call's channel.
final class RequestDoor: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// What has come and was not dealt with: at most one read's worth.
    private enum Arrival {
        case part(HTTPServerRequestPart)
        case malformed(LocalReply)
        case ended
    }

    let call: Call
    private var arrivals = CircularBuffer<Arrival>()
    var exchange: Exchange?
    var context: ChannelHandlerContext?
    private var isReading = false
    private var isWorking = false
    var isClosing = false
    private(set) var isDraining: Bool
    /// The running request is a HEAD: its answer has no body.
    var isHead = false

    let encoder: HTTPResponseEncoder
    let decoder: ByteToMessageHandler<HTTPRequestDecoder>
    let clock: HeadClock

    init(call: Call) {
        self.call = call
        self.isDraining = call.loop.isDraining
        var configuration = HTTPResponseEncoder.Configuration()
        // Framing is decided with the request at hand.
        configuration.automaticallySetFramingHeaders = false
        self.encoder = HTTPResponseEncoder(configuration: configuration)
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = RequestRules.fieldBytesMax
        limits.maxHeaderFieldCount = RequestRules.fieldsMax
        limits.maxHeaderListSize = RequestRules.fieldBytesMax
        let parser = HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: limits)
        self.decoder = ByteToMessageHandler(parser)
        self.clock = HeadClock(within: call.loop.settings.requestHeadTimeout)
    }

    func install(on channel: any Channel) throws {
        try channel.syncOptions?.setOption(.autoRead, value: false)
        try channel.pipeline.syncOperations.addHandlers([encoder, clock, decoder, self])
        clock.onLate = { [weak self] in self?.headIsLate() }
    }

    /// A request began and its head did not end.
    private func headIsLate() {
        guard exchange == nil, arrivals.isEmpty, !isClosing else { return }
        refuse(.headTooSlow, nil)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        requestRead()
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    // MARK: - What comes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if case .end = part { clock.parsed(isEnd: true) } else { clock.parsed(isEnd: false) }
        arrivals.append(.part(part))
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
            arrivals.append(.malformed(error == .headerOverflow ? .headersTooLarge : .malformed("\(error)")))
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
                case .part(.end) where exchange.isRequestComplete:
                    // The end of a request that has no body said nothing new.
                    arrivals.removeFirst()
                    continue
                case .part(let part):
                    guard exchange.wantsBody else { break }
                    arrivals.removeFirst()
                    pass(part, to: exchange)
                    continue
                case .malformed(let reply):
                    if !exchange.isRequestComplete { exchange.requestBroke(reply) }
                case .ended: break
                }
                break
            }
            arrivals.removeFirst()
            switch first {
            case .part(.head(let head)): begin(head)
            case .part: continue
            case .malformed(let reply): refuse(reply, nil)
            case .ended: close()
            }
        }
        isWorking = false
        exchange?.flushRequest()
        requestRead()
    }

    private func begin(_ head: HTTPRequestHead) {
        isHead = head.method == .HEAD
        do throws(LocalReply) {
            let exchange = Exchange(try RequestRules.message(head), at: .http1(self))
            self.exchange = exchange
            exchange.start()
        } catch {
            refuse(error, head)
        }
    }

    private func pass(_ part: HTTPServerRequestPart, to exchange: Exchange) {
        switch part {
        case .head: break
        case .body(let bytes): exchange.receiveBody(bytes)
        case .end(let trailers): exchange.receiveEnd(trailers.map(RequestRules.list))
        }
    }

    // MARK: - For the exchange

    /// The running request takes bytes again, or has changed otherwise.
    func resume() { work() }

    private func requestRead() {
        guard !isReading, !isClosing, arrivals.isEmpty, let context, exchange?.wantsBody ?? true else { return }
        isReading = true
        context.read()
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

    private func close() {
        isClosing = true
        context?.channel.close(promise: nil)
    }
}

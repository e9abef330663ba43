internal import HBONE
internal import MeshModel
internal import NIOCore
internal import WaypointHTTP
internal import WaypointRoute

/// The requests on one call, one after the other: a request that comes while another runs waits, and nothing more is
/// read than the running one takes. The last handler of the call's channel.
final class RequestDoor: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let call: Call
    private var reader: RequestReader
    /// What has come and was not dealt with: at most one read's worth behind a part of a head.
    var input = ByteBuffer()
    /// The caller sends no more.
    private(set) var hasInputEnded = false
    var output = MessageOutput()
    var exchange: Exchange?
    var context: ChannelHandlerContext?
    private var isReading = false
    private var isWorking = false
    var isClosing = false
    var isDraining: Bool
    /// The running request is a HEAD: its answer has no body.
    var isHead = false
    /// Bounds the time between the first byte of a head and its end, so that slow callers hold nothing for long.
    private var headTimer: Scheduled<Void>?

    init(call: Call) {
        self.call = call
        self.isDraining = call.loop.isDraining
        self.reader = Self.makeReader()
    }

    /// Reads the requests of one call.
    static func makeReader() -> RequestReader {
        var limits = HTTPLimits()
        // A method and a version stand beside the longest target.
        limits.startLineBytesMax = RequestPath.targetBytesMax + 64
        return RequestReader(limits: limits)
    }

    func install(on channel: any Channel) throws {
        try channel.syncOptions?.setOption(.autoRead, value: false)
        try channel.pipeline.syncOperations.addHandler(self)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        requestRead()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        stopHeadTimer()
        self.context = nil
    }

    // MARK: - What comes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        if input.readableBytes == 0 { input = bytes } else { input.writeImmutableBuffer(bytes) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        work()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let event = event as? ChannelEvent, event == .inputClosed else { return }
        hasInputEnded = true
        work()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { exchange?.callerGone() }

    func channelInactive(context: ChannelHandlerContext) {
        isClosing = true
        stopHeadTimer()
        exchange?.callerGone()
        exchange = nil
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { exchange?.callerTakesBytes() }
    }

    /// No request runs, and none waits.
    var isIdle: Bool { exchange == nil && input.readableBytes == 0 }

    /// Deals with what has come, as far as the running request lets it.
    private func work() {
        guard !isWorking else { return }
        isWorking = true
        var goesOn = true
        while goesOn, !isClosing {
            if let exchange { goesOn = passBody(to: exchange) } else { goesOn = beginNext() }
        }
        isWorking = false
        if input.readableBytes == 0 { input = ByteBuffer() }
        exchange?.flushRequest()
        watchHead()
        requestRead()
    }

    /// Whether there may be more to do.
    private func beginNext() -> Bool {
        switch reader.next(from: &input) {
        case .head(let request): begin(request)
        case .fault(let fault): refuse(LocalReply(fault))
        case .http2Preface: refuse(LocalReply(.unknownVersion))
        case .body, .end: break
        case nil:
            guard hasInputEnded else { return false }
            if case .fault(let fault)? = reader.inputEnded(input) { refuse(LocalReply(fault)) } else { close() }
        }
        return true
    }

    private func begin(_ request: ReceivedRequest) {
        stopHeadTimer()
        isHead = request.head.method == .known(.head)
        let message = RequestMessage(
            head: request.head, framing: request.framing, upgrades: request.upgrades, isLast: !request.keepsAlive,
            version: "HTTP/1.1")
        let exchange = Exchange(message, at: .http1(self))
        // The end of a request that has no body says nothing new.
        if exchange.isRequestComplete { _ = reader.next(from: &input) }
        self.exchange = exchange
        exchange.start()
    }

    private func passBody(to exchange: Exchange) -> Bool {
        guard exchange.wantsBody else { return false }
        switch reader.next(from: &input) {
        case .body(let bytes): exchange.receiveBody(bytes)
        case .end(let trailers): exchange.receiveEnd(trailers)
        case .fault(let fault): exchange.requestBroke(LocalReply(fault))
        case .head, .http2Preface: return false
        case nil:
            guard hasInputEnded, case .fault(let fault)? = reader.inputEnded(input) else { return false }
            exchange.requestBroke(LocalReply(fault))
        }
        return true
    }

    // MARK: - Slow heads

    private func watchHead() {
        guard exchange == nil, !isClosing, input.readableBytes > 0 else { return stopHeadTimer() }
        guard headTimer == nil, let context else { return }
        let bound = call.loop.settings.requestHeadTimeout
        headTimer = context.eventLoop.assumeIsolated().scheduleTask(in: bound) { [weak self] in self?.headIsLate() }
    }

    private func stopHeadTimer() {
        headTimer?.cancel()
        headTimer = nil
    }

    /// A request began and its head did not end.
    private func headIsLate() {
        guard exchange == nil, !isClosing else { return }
        refuse(.headTooSlow)
    }

    // MARK: - For the exchange

    /// The running request takes bytes again, or has changed otherwise.
    func resume() { work() }

    private func requestRead() {
        guard !isReading, !isClosing, let context, exchange?.wantsBody ?? true else { return }
        isReading = true
        context.read()
    }

    /// The running request is over; another may follow if `keepAlive`.
    func exchangeEnded(keepAlive: Bool) {
        exchange = nil
        guard keepAlive else { return closeWhenSent() }
        if isDraining { closeIfIdleLater() }
        work()
    }

    /// An answer was torn: the caller must not take it for whole.
    func abort() {
        isClosing = true
        exchange = nil
        (context?.channel as? TunnelStreamChannel)?.abort()
    }
}

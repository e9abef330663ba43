internal import HBONE
internal import NIOCore
internal import NIOHTTP1
internal import WaypointRoute

/// The endpoint's side of exchanges, one after the other: the last handler of a channel that speaks HTTP/1.1 as a
/// client.
final class UpstreamDoor: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    let hop: EndpointHop
    /// Who called when the way was opened; the endpoint's node was told of them.
    let caller: Caller
    private(set) var isReused = false
    /// `nil` while nobody uses it.
    private var user: EndpointUser?
    private weak var idle: IdleEndpoints?
    private var context: ChannelHandlerContext?
    private var isReading = false
    /// The answer at hand ends by itself, and the endpoint takes another request behind it.
    private var mayStay = false
    private var isAnswerOver = false
    private var isGone = false
    private var tunnel: HBONEConnection?
    private let encoder: HTTPRequestEncoder
    private let decoder = ByteToMessageHandler(
        HTTPResponseDecoder(leftOverBytesStrategy: .forwardBytes, informationalResponseStrategy: .forward))

    /// - Parameter idle: where it goes between exchanges.
    init(_ hop: EndpointHop, for caller: Caller, idle: IdleEndpoints) {
        self.hop = hop
        self.caller = caller
        self.idle = idle
        var configuration = HTTPRequestEncoder.Configuration()
        // The framing of the request that came is kept.
        configuration.automaticallySetFramingHeaders = false
        self.encoder = HTTPRequestEncoder(configuration: configuration)
    }

    func install(on upstream: Upstream) throws {
        switch upstream.link {
        case .stream(let stream):
            tunnel = stream.connection
            _ = try stream.makeChannel { try self.install(on: $0) }
        case .socket(let channel): try install(on: channel)
        }
    }

    private func install(on channel: any Channel) throws {
        try channel.syncOptions?.setOption(.autoRead, value: false)
        try channel.pipeline.syncOperations.addHandlers([encoder, decoder, self])
    }

    /// Another exchange begins.
    func take(_ user: EndpointUser) {
        self.user = user
        mayStay = false
        isAnswerOver = false
    }

    /// It can carry another exchange. No tunnel outlives its certificates by being used.
    var isUsable: Bool { !isGone && context?.channel.isActive == true && tunnel?.canOpenStream ?? true }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let user else {
            // An answer that nobody asked for.
            return isAnswerOver ? leave() : ()
        }
        switch unwrapInboundIn(data) {
        case .head(let head): user.answered(answer(head))
        case .body(let bytes): user.receive(bytes)
        case .end(let trailers):
            isAnswerOver = true
            user.ended(trailers.map(RequestRules.list))
        }
    }

    private func answer(_ head: HTTPResponseHead) -> ResponseHead {
        let lengths = head.headers["content-length"]
        let isChunked = head.headers.contains(name: "transfer-encoding")
        let status = head.status.code
        var answer = ResponseHead(status: UInt16(clamping: status), headers: RequestRules.list(head.headers))
        answer.headers.removeAll { $0.elementsEqual("content-length".utf8) }
        if !isChunked, let length = lengths.first.flatMap({ Int($0) }) { answer.framing = .length(length) }
        if status == 101 { answer.upgrade = RequestRules.upgrade(in: head.headers) }
        if status >= 200 {
            let isDelimited = isChunked || !lengths.isEmpty || status == 204 || status == 304
            mayStay = isDelimited && head.isKeepAlive && head.version == .http1_1
        }
        return answer
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        // Nobody uses it: what comes next is the end, or what must not come.
        if let user { user.paused() } else { read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { user?.takesBytes() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // An answer that ends with its connection was ended by the decoder before this.
        if let event = event as? ChannelEvent, event == .inputClosed { lost(event) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError, error != .invalidEOFState else { return lost(error) }
        user?.failed(.malformed("\(error)"))
        if user == nil { leave() }
    }

    func channelInactive(context: ChannelHandlerContext) { lost(ChannelError.eof) }

    private func lost(_ cause: Any) {
        isGone = true
        user?.failed(.lost("\(cause)"))
        if user == nil { leave() }
    }

    // MARK: - For the exchange

    var takesBytes: Bool { context?.channel.isWritable ?? false }

    func write(_ head: RequestHead, framing: BodyFraming, upgrade: String?) {
        var headers = HTTPHeaders()
        headers.reserveCapacity(head.headers.count + 2)
        headers.add(name: "host", value: String(decoding: head.authority.bytes, as: UTF8.self))
        headers.add(head.headers)
        headers.add(framing)
        if let upgrade {
            headers.add(name: "connection", value: "upgrade")
            headers.add(name: "upgrade", value: upgrade)
        }
        write(
            .head(
                HTTPRequestHead(
                    version: .http1_1, method: HTTPMethod(rawValue: head.method.text),
                    uri: String(decoding: head.path.target, as: UTF8.self), headers: headers)))
    }

    func write(_ body: ByteBuffer) { write(.body(.byteBuffer(body))) }

    func end(_ trailers: HeaderList?) { write(.end(HeaderRules.trailers(trailers).map(HTTPHeaders.init))) }

    private func write(_ part: HTTPClientRequestPart) { context?.write(wrapOutboundOut(part), promise: nil) }

    func flush() { context?.flush() }

    func read() {
        guard !isReading, let context else { return }
        isReading = true
        context.read()
    }

    /// The exchange is over: kept for another, or closed.
    func release() {
        user = nil
        guard mayStay, isAnswerOver, isUsable, let idle else { return leave() }
        isReused = true
        idle.keep(self)
        read()
    }

    /// Nobody needs it any more.
    func leave() {
        user = nil
        isGone = true
        idle?.forget(self)
        context?.channel.close(promise: nil)
    }

    func abort() {
        user = nil
        isGone = true
        guard let channel = context?.channel else { return }
        if let stream = channel as? TunnelStreamChannel { stream.abort() } else { channel.close(promise: nil) }
    }

    /// Takes the handlers of HTTP out and puts a relay in: what follows is no HTTP. Told when they are out.
    func replace(by relay: Relay) throws -> EventLoopFuture<Void> {
        guard let context else { throw ChannelError.ioOnClosedChannel }
        let operations = context.pipeline.syncOperations
        user = nil
        try operations.addHandler(relay)
        operations.removeHandler(self, promise: nil)
        operations.removeHandler(encoder, promise: nil)
        return operations.removeHandler(decoder)
    }
}

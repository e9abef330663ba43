internal import HBONE
internal import MeshModel
internal import NIOCore
internal import WaypointHTTP
internal import WaypointRoute

/// The endpoint's side of exchanges, one after the other: the last handler of a channel that speaks HTTP/1.1 as a
/// client.
final class UpstreamDoor: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let hop: EndpointHop
    /// Who called when the way was opened; the endpoint's node was told of them.
    let caller: Caller
    private(set) var isReused = false
    /// Counts the connection, where rules of traffic do.
    let lease: EndpointLease?
    private(set) var life: ConnectionLife
    /// `nil` while nobody uses it.
    var user: EndpointUser?
    private weak var idle: IdleEndpoints?
    private var context: ChannelHandlerContext?
    private var reader = ResponseReader()
    /// A part of an answer that is not whole yet.
    private var input = ByteBuffer()
    private var output = MessageOutput()
    private var isReading = false
    /// The answer at hand ends by itself, and the endpoint takes another request behind it.
    private var mayStay = false
    private var isGone = false
    private var tunnel: HBONEConnection?

    /// - Parameter idle: where it goes between exchanges.
    init(_ upstream: Upstream, for caller: Caller, idle: IdleEndpoints) {
        hop = upstream.hop
        lease = upstream.lease
        life = ConnectionLife(lease?.cluster.policy.connections)
        self.caller = caller
        self.idle = idle
    }

    func install(on upstream: Upstream) throws {
        switch upstream.link {
        case .stream(let stream):
            tunnel = stream.connection
            _ = try stream.makeChannel { try self.install(on: $0) }
        case .socket(let channel): try install(on: channel)
        case .secured(let channel, _, let below):
            tunnel = below
            try install(on: channel)
        }
    }

    /// Nobody uses it yet: kept for whoever comes.
    func rest() {
        guard isUsable, let idle else { return leave() }
        idle.keep(self)
        read()
    }

    private func install(on channel: any Channel) throws {
        try channel.syncOptions?.setOption(.autoRead, value: false)
        try channel.pipeline.syncOperations.addHandler(self)
        // After a change of protocols we are not there any more, and the connection is.
        lease?.end(with: channel.closeFuture)
    }

    /// Another exchange begins.
    func take(_ user: EndpointUser) {
        self.user = user
        mayStay = false
        life.took()
    }

    /// It can carry another exchange. No tunnel outlives its certificates by being used.
    var isUsable: Bool { !isGone && !life.isOver && context?.channel.isActive == true && tunnel?.canOpenStream ?? true }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    // MARK: - What comes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        if input.readableBytes == 0 { input = bytes } else { input.writeImmutableBuffer(bytes) }
        while !isGone, let event = reader.next(from: &input) { tell(event) }
        if input.readableBytes == 0 { input = ByteBuffer() }
    }

    private func tell(_ event: ResponseEvent) {
        switch event {
        case .interim(let head): user?.answered(head, framing: .none)
        case .head(let answer):
            mayStay = answer.keepsAlive
            user?.answered(answer.head, framing: answer.framing)
        case .body(let bytes): user?.receive(bytes)
        case .end(let trailers):
            // What lies behind it answers nothing that was asked.
            if input.readableBytes > 0 { mayStay = false }
            user?.ended(trailers)
        case .upgraded(let head): user?.upgraded(head)
        case .fault(let fault):
            let failure = fault == .truncated ? EndpointFailure.lost(fault.reason) : .malformed(fault.reason)
            mayStay = false
            if let user { user.failed(failure) } else { leave() }
        }
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
        if let event = event as? ChannelEvent, event == .inputClosed { inputEnded("\(event)") }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { lost("\(error)") }

    func channelInactive(context: ChannelHandlerContext) { inputEnded("\(ChannelError.eof)") }

    /// Some answers end so; all others are torn.
    private func inputEnded(_ cause: String) {
        if !isGone, case .end(let trailers)? = reader.inputEnded() { user?.ended(trailers) }
        lost(cause)
    }

    private func lost(_ cause: String) {
        isGone = true
        if let user { user.failed(.lost(cause)) } else { leave() }
    }

    // MARK: - For the exchange

    var takesBytes: Bool { context?.channel.isWritable ?? false }

    func write(_ head: RequestHead, framing: BodyFraming, upgrades: Bool) {
        reader.expectAnswer(to: head.method, upgrades: upgrades)
        do {
            try output.write(head, framing: framing)
        } catch {
            user?.failed(.malformed("\(error)"))
        }
    }

    func write(_ body: ByteBuffer) {
        guard let context else { return }
        output.write(body) { context.write(wrapOutboundOut($0), promise: nil) }
    }

    func end(_ trailers: HeaderList?) {
        do { try output.end(trailers) } catch { user?.failed(.malformed("\(error)")) }
    }

    func flush() {
        guard let context else { return }
        if let bytes = output.take() {
            context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        } else {
            context.flush()
        }
    }

    func read() {
        guard !isReading, let context else { return }
        isReading = true
        context.read()
    }

    /// The exchange is over: kept for another, or closed.
    func release() {
        user = nil
        guard mayStay, reader.isIdle, isUsable, let idle else { return leave() }
        isReused = true
        idle.keep(self)
        read()
        lease?.cluster.wakeNext()
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

    /// As ``RequestDoor/replace(by:)``.
    func replace(by relay: Relay) throws -> EventLoopFuture<Void> {
        guard let context else { throw ChannelError.ioOnClosedChannel }
        user = nil
        try context.pipeline.syncOperations.addHandler(relay)
        if input.readableBytes > 0 {
            context.fireChannelRead(wrapInboundOut(input))
            context.fireChannelReadComplete()
            input = ByteBuffer()
        }
        return context.pipeline.syncOperations.removeHandler(self)
    }
}

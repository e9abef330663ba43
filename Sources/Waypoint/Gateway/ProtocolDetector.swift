internal import NIOCore

/// Holds the first bytes of a stream until they say what they are, tells that once, passes them on and steps aside.
/// After the time given the server may be one that speaks first, so the bytes are carried as they are. Of TLS the
/// server name is told, too.
final class ProtocolDetector: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let bound: TimeAmount
    private let mayBeHTTP: Bool
    private var completion: ((_ treatment: Treatment, _ serverName: String?) -> Void)?
    private var held = ByteBuffer()
    private var timer: Scheduled<Void>?
    private var hasEnded = false

    /// - Parameters:
    ///   - mayBeHTTP: otherwise only a server name is looked for.
    ///   - completion: puts the handlers for what it is behind this one; not called when the stream ends first.
    init(
        within bound: TimeAmount, mayBeHTTP: Bool,
        _ completion: @escaping (_ treatment: Treatment, _ serverName: String?) -> Void
    ) {
        self.bound = bound
        self.mayBeHTTP = mayBeHTTP
        self.completion = completion
    }

    func handlerAdded(context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: bound) { self.decide(.opaque, context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        completion = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard completion != nil else { return context.fireChannelRead(data) }
        held.writeImmutableBuffer(unwrapInboundIn(data))
        if held.readableBytesView.first == ClientHello.firstByte {
            switch ClientHello.read(held.readableBytesView) {
            case .incomplete: break
            case .none: decide(.opaque, context)
            case .found(let serverName): decide(.opaque, context, serverName: serverName)
            }
        } else if !mayBeHTTP {
            decide(.opaque, context)
        } else if let treatment = ProtocolSniffer.treatment(of: held.readableBytesView) {
            decide(treatment, context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if completion != nil, let event = event as? ChannelEvent, event == .inputClosed {
            hasEnded = true
            return decide(.opaque, context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func decide(_ treatment: Treatment, _ context: ChannelHandlerContext, serverName: String? = nil) {
        guard let completion else { return }
        self.completion = nil
        timer?.cancel()
        completion(treatment, serverName)
        if held.readableBytes > 0 {
            context.fireChannelRead(wrapInboundOut(held))
            context.fireChannelReadComplete()
        }
        if hasEnded { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}

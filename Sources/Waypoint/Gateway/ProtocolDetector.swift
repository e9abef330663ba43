internal import NIOCore

/// Holds the first bytes of a stream until they say what they are, tells that once, passes them on and steps aside.
/// After the time given the server may be one that speaks first, so the bytes are carried as they are.
final class ProtocolDetector: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let bound: TimeAmount
    private var completion: ((Treatment) -> Void)?
    private var held = ByteBuffer()
    private var timer: Scheduled<Void>?
    private var hasEnded = false

    /// - Parameter completion: puts the handlers for what it is behind this one; not called when the stream ends first.
    init(within bound: TimeAmount, _ completion: @escaping (Treatment) -> Void) {
        self.bound = bound
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
        guard let treatment = ProtocolSniffer.treatment(of: held.readableBytesView) else { return }
        decide(treatment, context)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if completion != nil, let event = event as? ChannelEvent, event == .inputClosed {
            hasEnded = true
            return decide(.opaque, context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func decide(_ treatment: Treatment, _ context: ChannelHandlerContext) {
        guard let completion else { return }
        self.completion = nil
        timer?.cancel()
        completion(treatment)
        if held.readableBytes > 0 {
            context.fireChannelRead(wrapInboundOut(held))
            context.fireChannelReadComplete()
        }
        if hasEnded { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}

internal import NIOCore

/// Holds the first bytes of a stream until they say what they are, tells that once, passes them on and steps aside.
/// After the time given the server may be one that speaks first: that is told, so that its bytes are carried, and the
/// caller's first bytes are still looked at, whenever they come. A caller that was slow is judged as any other. Of TLS
/// the server name is told, too.
final class ProtocolDetector: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let bound: TimeAmount
    private let mayBeHTTP: Bool
    private var completion: ((_ treatment: Treatment, _ serverName: String?) -> Void)?
    private var onSilence: (() -> Void)?
    private var held = ByteBuffer()
    /// What of a possible request was passed on, since it was not told from other bytes in time.
    private var passed = ByteBuffer()
    private var timer: Scheduled<Void>?
    private var isLate = false
    private var hasEnded = false

    /// - Parameters:
    ///   - mayBeHTTP: otherwise only a server name is looked for.
    ///   - onSilence: the time is over and nothing is known; who carries bytes stands behind this one when it returns.
    ///     Told once at most, and before the completion.
    ///   - completion: puts the handlers for what it is behind this one; not called when the stream ends first.
    init(
        within bound: TimeAmount, mayBeHTTP: Bool, onSilence: @escaping () -> Void,
        _ completion: @escaping (_ treatment: Treatment, _ serverName: String?) -> Void
    ) {
        self.bound = bound
        self.mayBeHTTP = mayBeHTTP
        self.onSilence = onSilence
        self.completion = completion
    }

    func handlerAdded(context: ChannelHandlerContext) { startTimer(context) }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        completion = nil
        onSilence = nil
    }

    private func startTimer(_ context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: bound) {
            self.timer = nil
            self.ranOut(context)
        }
    }

    private func ranOut(_ context: ChannelHandlerContext) {
        guard completion != nil else { return }
        guard mayBeHTTP, held.readableBytesView.first != ClientHello.firstByte else {
            return decide(.opaque, context)
        }
        guard isLate else {
            isLate = true
            onSilence?()
            onSilence = nil
            // Who carries bytes asks for some only when there is an endpoint.
            context.read()
            // A part of a method may be all that another protocol says: it waits as long once more.
            if held.readableBytes > 0 { startTimer(context) }
            return
        }
        // From here on it can only be ended, not answered: an endpoint has a part of it.
        passed.writeImmutableBuffer(held)
        release(context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard completion != nil else { return context.fireChannelRead(data) }
        held.writeImmutableBuffer(unwrapInboundIn(data))
        if passed.readableBytes == 0, held.readableBytesView.first == ClientHello.firstByte {
            switch ClientHello.read(held.readableBytesView) {
            case .incomplete: break
            case .none: decide(.opaque, context)
            case .found(let serverName): decide(.opaque, context, serverName: serverName)
            }
        } else if !mayBeHTTP {
            decide(.opaque, context)
        } else {
            let first = passed.readableBytes == 0 ? held : together()
            if let treatment = ProtocolSniffer.treatment(of: first.readableBytesView) {
                decide(treatment, context)
            } else if passed.readableBytes > 0 {
                passed = first
                context.fireChannelRead(wrapInboundOut(held))
                held = ByteBuffer()
            }
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Who carries bytes has asked for some, and waits for them.
        if isLate, held.readableBytes > 0 {
            if timer == nil, completion != nil { startTimer(context) }
            return context.read()
        }
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if completion != nil, let event = event as? ChannelEvent, event == .inputClosed {
            hasEnded = true
            return decide(.opaque, context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func together() -> ByteBuffer {
        var all = passed
        all.writeImmutableBuffer(held)
        return all
    }

    private func decide(_ treatment: Treatment, _ context: ChannelHandlerContext, serverName: String? = nil) {
        guard let completion else { return }
        self.completion = nil
        timer?.cancel()
        completion(treatment, serverName)
        release(context)
        if hasEnded { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    private func release(_ context: ChannelHandlerContext) {
        guard held.readableBytes > 0 else { return }
        let bytes = held
        held = ByteBuffer()
        context.fireChannelRead(wrapInboundOut(bytes))
        context.fireChannelReadComplete()
    }
}

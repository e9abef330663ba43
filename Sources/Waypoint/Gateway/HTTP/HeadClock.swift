internal import NIOCore

/// Bounds the time between the first byte of a request's head and its end, so that slow callers hold nothing for long.
/// Stands in front of the parser, which tells nothing of half a head.
final class HeadClock: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let bound: TimeAmount
    private var timer: Scheduled<Void>?
    private var isInBody = false
    private var hasParsed = false
    /// Told once the time is over.
    var onLate: (() -> Void)?

    init(within bound: TimeAmount) { self.bound = bound }

    /// The parser has told of a part of a request.
    /// - Parameter isEnd: its last.
    func parsed(isEnd: Bool) {
        isInBody = !isEnd
        hasParsed = true
        timer?.cancel()
        timer = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        hasParsed = false
        context.fireChannelRead(data)
        guard !hasParsed, !isInBody, timer == nil else { return }
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: bound) { [weak self] in self?.onLate?() }
    }

    func handlerRemoved(context: ChannelHandlerContext) { stop() }

    func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    private func stop() {
        timer?.cancel()
        timer = nil
        onLate = nil
    }
}

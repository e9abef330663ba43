internal import HBONE
internal import NIOCore
internal import WaypointHTTP
internal import WaypointRoute

extension RequestDoor {
    var takesBytes: Bool { context?.channel.isWritable ?? false }

    func write(_ head: ResponseHead, framing: BodyFraming, keepAlive: Bool) {
        var head = head
        var framing = head.status == 204 ? .none : framing
        if head.status == 101 {
            HeaderRules.upgrade(&head)
        } else {
            framing = HeaderRules.answer(&head, framing: framing, keepsAlive: keepAlive)
        }
        do { try output.write(head, framing: framing) } catch { fail() }
    }

    func write(_ body: ByteBuffer) {
        guard !isHead, let context else { return }
        output.write(body) { context.write(wrapOutboundOut($0), promise: nil) }
    }

    func end(_ trailers: HeaderList?) {
        guard !isHead else { return }
        do { try output.end(trailers) } catch { fail() }
    }

    /// What was to be written would be read as something else.
    private func fail() {
        let failed = exchange
        abort()
        failed?.callerGone()
    }

    func flush() {
        guard let context else { return }
        if let bytes = output.take() {
            context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        } else {
            context.flush()
        }
    }

    /// No request could be made of what came.
    func refuse(_ reply: LocalReply) {
        isHead = false
        let record = RequestLog(refused: call)
        record.reply(reply)
        CallerSide.http1(self).send(reply, keepAlive: false)
        record.finish()
        closeWhenSent()
    }

    func closeWhenSent() {
        guard !isClosing, let context else { return }
        isClosing = true
        let channel = context.channel
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.whenComplete { _ in channel.close(promise: nil) }
        // Behind all that was written.
        context.writeAndFlush(wrapOutboundOut(output.take() ?? ByteBuffer()), promise: promise)
    }

    /// Steps aside for a relay, which gets what was not dealt with: what follows is no HTTP. Told when that is done.
    func replace(by relay: Relay) throws -> EventLoopFuture<Void> {
        guard let context else { throw ChannelError.ioOnClosedChannel }
        let operations = context.pipeline.syncOperations
        isClosing = true
        exchange = nil
        try operations.addHandler(relay)
        if input.readableBytes > 0 {
            context.fireChannelRead(wrapInboundOut(input))
            context.fireChannelReadComplete()
            input = ByteBuffer()
        }
        if hasInputEnded { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        return operations.removeHandler(self)
    }
}

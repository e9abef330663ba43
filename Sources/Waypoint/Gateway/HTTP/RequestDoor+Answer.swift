internal import HBONE
internal import NIOCore
internal import NIOHTTP1
internal import WaypointRoute

extension RequestDoor {
    var takesBytes: Bool { context?.channel.isWritable ?? false }

    func write(_ head: ResponseHead, keepAlive: Bool) {
        var headers = HTTPHeaders(head.headers)
        switch head.status {
        case 100..<200, 204: break
        case 304: if head.framing != .untilEnd { headers.add(head.framing) }
        default: if !isHead || head.framing != .untilEnd { headers.add(head.framing) }
        }
        if let upgrade = head.upgrade {
            headers.add(name: "connection", value: "upgrade")
            headers.add(name: "upgrade", value: upgrade)
        } else if !keepAlive, head.status >= 200 {
            headers.add(name: "connection", value: "close")
        }
        let status = HTTPResponseStatus(statusCode: Int(head.status))
        write(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers)))
    }

    func write(_ body: ByteBuffer) {
        if !isHead { write(.body(.byteBuffer(body))) }
    }

    func end(_ trailers: HeaderList?) { write(.end(HeaderRules.trailers(trailers).map(HTTPHeaders.init))) }

    private func write(_ part: HTTPServerResponsePart) { context?.write(wrapOutboundOut(part), promise: nil) }

    func flush() { context?.flush() }

    /// No request could be made of what came.
    func refuse(_ reply: LocalReply, _ head: HTTPRequestHead?) {
        let record = RequestLog(call: call, refused: head.map { ($0.method.rawValue, $0.uri, "\($0.version)") })
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
        // Behind all that was written, past the encoder.
        guard let below = try? context.pipeline.syncOperations.context(handler: encoder) else {
            return promise.succeed()
        }
        below.writeAndFlush(NIOAny(ByteBuffer()), promise: promise)
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
        operations.removeHandler(clock, promise: nil)
        // Last: what it holds goes to the relay.
        return operations.removeHandler(decoder)
    }
}

import Glibc
package import NIOCore

/// The relay as a channel handler: what the channel reports.
extension Relay {
    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        configure(context.channel)
        isActive = context.channel.isActive
        isWritable = context.channel.isWritable
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        if !hasEnded, input == .open || output != .ended { channelGone() }
    }

    package func channelActive(context: ChannelHandlerContext) {
        isActive = true
        // A read asked for before the channel is registered is lost; so it was not asked for.
        requestRead()
        context.fireChannelActive()
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        isReading = false
        hasReadBytes = true
        guard input == .open else { return }
        bytesFromChannel += buffer.readableBytes
        switch counterpart {
        case .ended: return
        case .waiting: held.append(buffer)
        case .tunnel(let connection, let id):
            if held.isEmpty { connection.send(.relay(self), id, &buffer, endStream: false, limit: .max) }
            if buffer.readableBytes > 0 { held.append(buffer) }
        case .peer(let other):
            other.write(buffer)
        }
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        sawEndOfInput = !hasReadBytes
        hasReadBytes = false
        if case .peer(let other) = counterpart { other.flushIfNeeded() }
        requestRead()
        context.fireChannelReadComplete()
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        if isWritable {
            returnCredit()
            if case .peer(let other) = counterpart { other.requestRead() }
        }
        context.fireChannelWritabilityChanged()
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            inputEnded()
        }
        context.fireUserInboundEventTriggered(event)
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish(.error(.receive(.channel, RelayFault(error))), channel: .abort, counterpart: .abort)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        isActive = false
        channelGone()
        context.fireChannelInactive()
    }

    /// The channel closed. After our own end of output NIO reports the peer's end only like this, behind a read that
    /// brought nothing; what came before the end may still be held and is delivered. Any other loss may have cut bytes
    /// off: the counterpart must not take what came for the whole.
    private func channelGone() {
        guard !hasEnded else { return }
        guard output == .ended else {
            return finish(.error(.send(.channel, .disconnected)), channel: .leave, counterpart: .abort)
        }
        guard input != .open || sawEndOfInput else {
            return finish(.error(.receive(.channel, .disconnected)), channel: .leave, counterpart: .abort)
        }
        inputEnded()
    }

    private func inputEnded() {
        guard input == .open else { return }
        input = .ended
        settleInputEnd()
    }

    /// Passes the end of input on once everything before it is.
    func settleInputEnd() {
        guard input == .ended, held.isEmpty else { return }
        switch counterpart {
        case .waiting, .ended: return
        case .tunnel(let connection, let id):
            connection.sendEnd(id)
            input = .delivered
            finishIfDone()
        case .peer(let other):
            other.endOutput()
        }
    }

    /// Puts bytes of the counterpart into the channel's queue; they go with the next flush.
    func write(_ buffer: ByteBuffer) {
        guard output == .open, let context else { return }
        bytesToChannel += buffer.readableBytes
        needsFlush = true
        context.write(wrapOutboundOut(buffer), promise: nil)
    }

    func flushIfNeeded() {
        guard needsFlush else { return }
        needsFlush = false
        context?.flush()
        if isWritable { returnCredit() }
    }

    /// The counterpart ended: shut the channel's output down once its queue is written. Shutting down earlier drops
    /// what is queued if the peer has ended too.
    func endOutput() {
        guard output == .open else { return }
        output = .ending
        guard let context else { return }
        let flushed = context.eventLoop.makePromise(of: Void.self)
        flushed.futureResult.assumeIsolated().whenSuccess { self.outputFlushed() }
        needsFlush = false
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: flushed)
    }

    private func outputFlushed() {
        guard output == .ending, !hasEnded else { return }
        output = .ended
        returnCredit()
        // A second shutdown would be a full close anyway; said openly here.
        context?.close(mode: input == .open ? .output : .all, promise: nil)
        if case .peer(let other) = counterpart, other.input == .ended, other.held.isEmpty {
            other.input = .delivered
            other.finishIfDone()
        }
        finishIfDone()
    }

    /// Closes so that the peer sees a reset: it must not take a torn stream for a complete one.
    func abortChannel() {
        guard let context else { return }
        if let stream = context.channel as? TunnelStreamChannel { return stream.abort() }
        // On the loop this is done before it returns; a channel already closed needs no reset.
        if let options = context.channel as? any SocketOptionProvider {
            _ = options.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        }
        context.close(mode: .all, promise: nil)
    }
}

extension RelayFault {
    /// What a channel reports as error.
    init(_ error: any Error) {
        switch error {
        case let error as IOError:
            switch error.errnoCode {
            case ECONNRESET: self = .reset
            case EPIPE: self = .brokenPipe
            case ENOTCONN: self = .notConnected
            case let code: self = .system(errno: code)
            }
        case ChannelError.eof, ChannelError.inputClosed, ChannelError.outputClosed, ChannelError.ioOnClosedChannel:
            self = .disconnected
        default: self = .other("\(error)")
        }
    }
}

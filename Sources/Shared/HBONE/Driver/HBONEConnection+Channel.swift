package import NIOCore

/// The connection as a channel handler.
extension HBONEConnection {
    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if let options = context.channel.syncOptions {
            // A channel need not know all of them.
            try? options.setOption(ChannelOptions.writeBufferWaterMark, value: .init(
                low: limits.channelLowWaterBytes, high: limits.channelHighWaterBytes))
            try? options.setOption(ChannelOptions.recvAllocator, value: RelayReceiveBuffers(
                minimum: limits.receiveBufferBytesMinimum, maximum: limits.receiveBufferBytesMaximum))
            try? options.setOption(ChannelOptions.maxMessagesPerRead, value: 1)
        }
        isWritable = context.channel.isWritable
        if context.channel.isActive { start(context) }
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        ended(.peerClosed)
        self.context = nil
    }

    package func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    private func start(_ context: ChannelHandlerContext) {
        guard case .idle = phase else { return }
        phase = .starting
        session.start(into: &output.frames)
        writeOut()
        keepAlive.started(now: NIODeadline.now(), limits: limits)
        keepAlive.schedule(self, on: context.eventLoop)
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosed else { return }
        var bytes = unwrapInboundIn(data)
        if input.readableBytes > 0 {
            input.writeBuffer(&bytes)
        } else {
            input = bytes
        }
        let now = NIODeadline.now()
        do {
            while let event = try session.nextEvent(from: &input, now: now, output: &output.frames) {
                handle(event)
                if isClosed { return }
            }
        } catch {
            violated(error)
            return
        }
        // A slice of nothing would keep the whole read alive.
        if input.readableBytes == 0 { input = ByteBuffer() }
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        flushUsers()
        if output.frames.readableBytes > 0 { scheduleFlush() }
        closeIfDrained()
        context.fireChannelReadComplete()
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        if isWritable {
            session.outputFlushed(bytes: output.takeConfirmed())
            resumeBlocked()
        }
        context.fireChannelWritabilityChanged()
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A tunnel has no half-closed state: without the peer's frames our streams cannot go on.
        if let event = event as? ChannelEvent, event == .inputClosed { close(.peerClosed) }
        context.fireUserInboundEventTriggered(event)
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        ended(.transport("\(error)"))
        context.fireErrorCaught(error)
        context.close(mode: .all, promise: nil)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        ended(.peerClosed)
        context.fireChannelInactive()
    }

    private func violated(_ error: HTTP2ConnectionError) {
        // The machine has put its GOAWAY into the output.
        writeOut()
        ended(.protocolViolation("\(error)"))
        context?.close(mode: .all, promise: nil)
    }

    /// One flush for all that a loop turn wrote.
    func scheduleFlush() {
        guard let context else { return }
        output.schedule(on: context.eventLoop) { self.endTurn() }
    }

    private func endTurn() {
        guard !isClosed else { return }
        flushUsers()
        if needsResume {
            needsResume = false
            resumeBlocked()
        }
        writeOut()
        closeIfDrained()
    }

    /// Gives the channel all frames and flushes.
    func writeOut() {
        guard let context else { return }
        output.flush(to: context)
        if isWritable { session.outputFlushed(bytes: output.takeConfirmed()) }
    }

    func flushUsers() {
        guard !unflushed.isEmpty else { return }
        // A flush may bring a user to its end, and so new entries: by index.
        var index = 0
        while index < unflushed.count {
            unflushed[index].flushIfNeeded()
            index += 1
        }
        unflushed.removeAll(keepingCapacity: true)
    }
}

package import NIOCore
import HBONE

/// The connection as a channel handler.
extension MessageConnection {
    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        isWritable = context.channel.isWritable
        if context.channel.isActive { start() }
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        ended(.peerClosed)
        self.context = nil
    }

    package func channelActive(context: ChannelHandlerContext) {
        start()
        context.fireChannelActive()
    }

    private func start() {
        guard case .idle = phase else { return }
        phase = .open
        session.start(into: &output)
        timer = context?.eventLoop.assumeIsolated().scheduleTask(in: limits.settingsTimeout) {
            self.close(.violation("no SETTINGS came"))
        }
        scheduleFlush()
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
            while let event = try session.nextMessageEvent(from: &input, now: now, output: &output) {
                handle(event)
                if isClosed { return }
            }
        } catch {
            // The machine has put its GOAWAY into the output.
            writeOut()
            ended(.violation("\(error)"))
            return closeChannel()
        }
        // A slice of nothing would keep the whole read alive.
        if input.readableBytes == 0 { input = ByteBuffer() }
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        pauseStreams()
        if output.readableBytes > 0 { scheduleFlush() }
        closeIfDrained()
        context.fireChannelReadComplete()
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        if isWritable {
            noteFlushed()
            resumeBlocked()
            // Those that are not in the queue have been told to stop writing.
            for stream in streams.values where stream.takesBytes && !stream.isEndSent { stream.user?.takesBytesAgain() }
        }
        context.fireChannelWritabilityChanged()
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // Without the peer's frames no stream can go on.
        if let event = event as? ChannelEvent, event == .inputClosed { close(.peerClosed) }
        context.fireUserInboundEventTriggered(event)
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        ended(.transport("\(error)"))
        context.close(mode: .all, promise: nil)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        ended(.peerClosed)
        context.fireChannelInactive()
    }

    // MARK: - Out

    /// One flush for all that a turn wrote: tasks run after the turn's events.
    func scheduleFlush() {
        guard !isFlushScheduled, let context else { return }
        isFlushScheduled = true
        context.eventLoop.assumeIsolated().execute { self.endTurn() }
    }

    private func endTurn() {
        isFlushScheduled = false
        guard !isClosed else { return }
        pauseStreams()
        if needsResume {
            needsResume = false
            resumeBlocked()
        }
        writeOut()
        closeIfDrained()
    }

    /// Gives the channel all frames and flushes.
    func writeOut() {
        guard let context, output.readableBytes + unflushedBytes > 0 else { return }
        passOutputOn(context)
        unconfirmedBytes += unflushedBytes
        unflushedBytes = 0
        context.flush()
        if isWritable { noteFlushed() }
    }

    /// Below the channel's water mark: near enough to "taken" for the machine's bound on unread control frames.
    private func noteFlushed() {
        guard unconfirmedBytes > 0 else { return }
        session.outputFlushed(bytes: unconfirmedBytes)
        unconfirmedBytes = 0
    }

    /// Moves the collected frames into the channel's queue.
    func passOutputOn(_ context: ChannelHandlerContext) {
        guard output.readableBytes > 0 else { return }
        // Taken out first: what a write sets off may add frames.
        let frames = output
        output = ByteBuffer()
        unflushedBytes += frames.readableBytes
        context.write(wrapOutboundOut(frames), promise: nil)
    }

    func pauseStreams() {
        guard !unpaused.isEmpty else { return }
        // A pause may bring new entries: by index.
        var index = 0
        while index < unpaused.count {
            unpaused[index].pause()
            index += 1
        }
        unpaused.removeAll(keepingCapacity: true)
    }

    private func closeIfDrained() {
        guard case .draining = phase, streams.isEmpty, isDrainConfirmed else { return }
        close(.closed)
    }
}

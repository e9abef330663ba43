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
        session.start(into: &output.frames)
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
            while let event = try session.nextMessageEvent(from: &input, now: now, output: &output.frames) {
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
        if output.frames.readableBytes > 0 { scheduleFlush() }
        closeIfDrained()
        context.fireChannelReadComplete()
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        if isWritable {
            session.outputFlushed(bytes: output.takeConfirmed())
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

    /// One flush for all that a turn wrote.
    func scheduleFlush() {
        guard let context else { return }
        output.schedule(on: context.eventLoop) { self.endTurn() }
    }

    private func endTurn() {
        guard !isClosed else { return }
        pauseStreams()
        sendWaiting()
        writeOut()
        closeIfDrained()
    }

    /// What waits for the end of the turn.
    func sendWaiting() {
        guard needsResume else { return }
        needsResume = false
        resumeBlocked()
    }

    /// Gives the channel all frames and flushes.
    func writeOut() {
        guard let context else { return }
        output.flush(to: context)
        if isWritable { session.outputFlushed(bytes: output.takeConfirmed()) }
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

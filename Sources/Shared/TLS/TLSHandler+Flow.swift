import NIOCore

// From handshake to plain text and back.
extension TLSHandler {
    func start(_ context: ChannelHandlerContext) {
        guard state == .idle else { return }
        allocator = context.channel.allocator
        do {
            let session = try TLSSession(party, recordsPerKeyMax: recordsPerKeyMax)
            self.session = session
            state = .handshaking
            startDeadline(context, after: handshakeTimeout)
            continueHandshake(context, session)
            context.read()
        } catch {
            refuse(context, error)
        }
    }

    func continueHandshake(_ context: ChannelHandlerContext, _ session: TLSSession) {
        let step = session.handshake()
        sendOutput(context, session, promise: nil)
        // Sending may have found the channel closed.
        guard state == .handshaking else { return }
        switch step {
        case .needsMore: return
        case .failed(let error): refuse(context, error)
        case .finished(let verified):
            state = .open
            deadline?.cancel()
            deadline = nil
            switch verified {
            case .member(let peer): context.fireUserInboundEventTriggered(TLSHandshakeFinished(peer: peer))
            case .origin(let origin): context.fireUserInboundEventTriggered(OriginHandshakeFinished(origin: origin))
            }
            if flushAfterHandshake, state == .open { sendPending(context, session) }
        }
    }

    func readPlaintext(_ context: ChannelHandlerContext, _ session: TLSSession) {
        while state == .open, !hasInputEnded {
            let (plaintext, then) = session.read(allocator: allocator)
            // A change of keys by the peer wants an answer.
            if session.wire.hasOutput { sendOutput(context, session, promise: nil) }
            if let plaintext {
                wantsPlaintext = false
                context.fireChannelRead(wrapInboundOut(plaintext))
            }
            switch then {
            case .more: continue
            case .waitForWire: return
            case .ended:
                guard state == .open else { return }
                guard !session.endsByHalves else {
                    hasInputEnded = true
                    return context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
                }
                close(context: context, mode: .all, promise: nil)
            case .failed(let error):
                guard state == .open else { return }
                refuse(context, error)
            }
        }
    }

    func failPending(_ error: TLSError) {
        pendingBuffers.removeAll()
        let promises = pendingPromises
        pendingPromises.removeAll()
        for promise in promises { promise.fail(error) }
    }

    func sendPending(_ context: ChannelHandlerContext, _ session: TLSSession) {
        guard !pendingBuffers.isEmpty else { return }
        let promise = joinPromises(context)
        do {
            try session.encrypt(pendingBuffers, allocator: allocator)
            pendingBuffers.removeAll(keepingCapacity: pendingBuffers.count <= TLSLimits.pendingWritesKept)
            sendOutput(context, session, promise: promise)
        } catch {
            pendingBuffers.removeAll()
            promise?.fail(error)
            refuse(context, error)
        }
    }

    /// One promise for one write of cipher text.
    private func joinPromises(_ context: ChannelHandlerContext) -> EventLoopPromise<Void>? {
        guard let first = pendingPromises.first else { return nil }
        defer { pendingPromises.removeAll(keepingCapacity: pendingPromises.count <= TLSLimits.pendingWritesKept) }
        guard pendingPromises.count > 1 else { return first }
        let joined = context.eventLoop.makePromise(of: Void.self)
        for promise in pendingPromises { joined.futureResult.cascade(to: promise) }
        return joined
    }

    func sendOutput(_ context: ChannelHandlerContext, _ session: TLSSession, promise: EventLoopPromise<Void>?) {
        guard session.wire.hasOutput else {
            promise?.succeed()
            return
        }
        context.writeAndFlush(wrapOutboundOut(session.wire.takeOutput()), promise: promise)
        session.wire.outputHandedOver()
    }
}

import NIOCore

// The ends of a connection.
extension TLSHandler {
    /// Says close_notify. We never wait for the peer's.
    func sendEnd(_ context: ChannelHandlerContext) {
        guard let session else { return }
        session.end()
        sendOutput(context, session, promise: nil)
    }

    /// Fires the error once; gives a peer that still reads the time to see our alert.
    func refuse(_ context: ChannelHandlerContext, _ error: TLSError) {
        end(failing: error)
        guard error.isOurRefusal, context.channel.isActive else {
            context.fireErrorCaught(error)
            context.close(mode: .all, promise: nil)
            return
        }
        state = .refusing
        startDeadline(context, after: .milliseconds(TLSLimits.refusalLingerMilliseconds))
        context.fireErrorCaught(error)
        context.close(mode: .output, promise: nil)
        context.read()
    }

    func startDeadline(_ context: ChannelHandlerContext, after amount: TimeAmount) {
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: amount) {
            self.deadline = nil
            if self.state == .handshaking {
                let milliseconds = amount.nanoseconds / 1_000_000
                self.refuse(context, .handshakeTimeout(milliseconds: milliseconds))
            } else if self.state == .refusing {
                self.end(failing: .closed)
                context.close(mode: .all, promise: nil)
            }
        }
    }

    /// A close asked for while the peer reads our alert completes with it.
    func joinClose(_ promise: EventLoopPromise<Void>?) {
        guard let promise else { return }
        if let closePromise { closePromise.futureResult.cascade(to: promise) } else { closePromise = promise }
    }

    /// Nothing is sent or passed up from here on.
    func end(failing error: TLSError) {
        state = .closed
        deadline?.cancel()
        deadline = nil
        failPending(error)
        closePromise?.succeed()
        closePromise = nil
    }
}

extension TLSError {
    /// We sent an alert, which the peer should get to read.
    var isOurRefusal: Bool {
        switch self {
        case .peerCertificate, .noPeerCertificate, .peerIdentity, .peerName, .peerTrustDomain, .noCommonProtocol,
            .protocolViolation:
            true
        case .library, .file, .ownCertificate, .alertReceived, .handshakeTimeout, .closedDuringHandshake, .closed:
            false
        }
    }
}

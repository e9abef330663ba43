package import NIOCore

/// Keep-alive and drain.
extension HBONEConnection {
    /// Ends gracefully: no new streams, those there are run to their end, then the connection closes. Server: GOAWAY
    /// that takes everything, PING, and the real last stream once the PING is answered, so that requests under way are
    /// not lost. With a deadline, what is left then is cut.
    package func drain(within deadline: TimeAmount? = nil) {
        switch phase {
        case .closed, .draining: return
        case .idle, .starting:
            guard role == .server else { return close(.drained) }
            // The peer has made a connection to use it: its first requests are served.
            drainsWhenReady = true
            if let deadline, let loop = context?.eventLoop { keepAlive.cutAfter(deadline, self, on: loop) }
            return
        case .ready: break
        }
        phase = .draining
        switch role {
        case .server:
            session.goAway(code: .noError, lastStream: .graceful, output: &output.frames)
            session.ping(opaque: KeepAlive.drainMark, output: &output.frames)
            keepAlive.awaitsDrainMark = true
        case .client:
            session.goAway(code: .noError, lastStream: .exact, output: &output.frames)
        }
        scheduleFlush()
        onAvailabilityChange?()
        if let deadline, let loop = context?.eventLoop {
            keepAlive.cutAfter(deadline, self, on: loop)
        }
    }

    func closeIfDrained() {
        guard case .draining = phase, owners.isEmpty, !keepAlive.awaitsDrainMark else { return }
        writeOut()
        ended(.drained)
        context?.close(mode: .all, promise: nil)
    }

    /// Streams of ours that the peer did not take are reset by the machine, with REFUSED_STREAM.
    func peerGoesAway() {
        guard case .ready = phase else { return }
        phase = .draining
        onAvailabilityChange?()
    }

    func pingAcknowledged(_ opaque: UInt64) {
        guard opaque == KeepAlive.drainMark else {
            keepAlive.acknowledged(opaque, now: NIODeadline.now(), limits: limits)
            return
        }
        guard keepAlive.awaitsDrainMark else { return }
        keepAlive.awaitsDrainMark = false
        session.goAway(code: .noError, lastStream: .exact, output: &output.frames)
        scheduleFlush()
    }

    /// The connection's one timer fired.
    func timerFired() {
        guard !isClosed, let context else { return }
        switch keepAlive.due(now: NIODeadline.now(), limits: limits) {
        case .nothing: break
        case .sendPing(let opaque):
            session.ping(opaque: opaque, output: &output.frames)
            scheduleFlush()
        case .settingsMissing:
            close(.settingsTimeout)
            return
        case .peerSilent:
            close(.keepAliveTimeout)
            return
        }
        keepAlive.schedule(self, on: context.eventLoop)
    }
}

import NIOCore

/// What the peer's frames do to streams.
extension HBONEConnection {
    func handle(_ event: HTTP2Event) {
        switch event {
        case .data(let id, let bytes, let creditBytes, let endStream):
            arrived(id, bytes, creditBytes: creditBytes, endStream: endStream)
        case .sendWindowOpened(let id): windowOpened(id)
        case .connectRequest(let id, let request, let endStream): requested(id, request, endStream: endStream)
        case .badRequest(let id, let reason): refuse(id, status: reason.status)
        case .response(let id, let response, let endStream): answered(id, response, endStream: endStream)
        case .reset(let id, let code): wasReset(id, code)
        case .streamFailed(let id, let error): wasReset(id, error.code)
        case .settingsReceived:
            becameReady()
            // New sizes may open any stream's window.
            resumeBlocked()
        case .pingAcknowledged(let opaque): pingAcknowledged(opaque)
        case .goAway: peerGoesAway()
        case .settingsAcknowledged: break
        }
    }

    private func arrived(_ id: HTTP2StreamID, _ bytes: ByteBuffer, creditBytes: Int, endStream: Bool) {
        switch owners[id] {
        case .joined(let user):
            if !user.needsFlush { unflushed.append(user) }
            user.receive(bytes, creditBytes: creditBytes)
            if endStream { user.tunnelEnded() }
        case .nobody(var early):
            // Out of the table while it changes, so that the array is not copied.
            owners[id] = .nobody(EarlyArrivals())
            if bytes.readableBytes > 0 { early.data.append(bytes) }
            early.creditBytes += creditBytes
            early.hasEnded = early.hasEnded || endStream
            owners[id] = .nobody(early)
        case .opening, nil:
            // Nobody will ever take these.
            credit(id, creditBytes)
        }
    }

    private func requested(_ id: HTTP2StreamID, _ request: ConnectRequest, endStream: Bool) {
        guard let onConnect else {
            refuse(id, status: 503)
            return
        }
        var early = EarlyArrivals()
        early.hasEnded = endStream
        owners[id] = .nobody(early)
        onConnect(HBONEStream(connection: self, id: id), request)
    }

    private func answered(_ id: HTTP2StreamID, _ response: ConnectResponse, endStream: Bool) {
        guard case .opening(let completion) = owners[id] else { return }
        guard response.status == 200 else {
            remove(id)
            session.reset(id, code: .cancel, output: &output.frames)
            completion(.failure(.status(response.status)))
            return
        }
        var early = EarlyArrivals()
        early.hasEnded = endStream
        owners[id] = .nobody(early)
        completion(.success((HBONEStream(connection: self, id: id), response)))
    }

    private func wasReset(_ id: HTTP2StreamID, _ code: HTTP2ErrorCode) {
        switch owners[id] {
        case .opening(let completion):
            remove(id)
            completion(.failure(.streamReset(code)))
        case .nobody(var early):
            early.resetCode = code
            owners[id] = .nobody(early)
        case .joined(let user): user.tunnelReset(code)
        case nil: break
        }
    }

    private func becameReady() {
        guard case .starting = phase else { return }
        phase = .ready
        keepAlive.peerIsReady(now: NIODeadline.now(), limits: limits)
        let report = onReady
        onReady = nil
        report?()
        if drainsWhenReady { drain() }
    }

    /// Refuses a request that has no owner.
    private func refuse(_ id: HTTP2StreamID, status: Int) {
        session.respond(id, status: status, baggage: nil, endStream: true, output: &output.frames)
        session.reset(id, code: .noError, output: &output.frames)
        scheduleFlush()
    }

    // MARK: for HBONEStream and users

    func isOpen(_ id: HTTP2StreamID) -> Bool {
        switch owners[id] {
        case .nobody(let early): early.resetCode == nil
        case .opening, .joined: true
        case nil: false
        }
    }

    func respond(_ id: HTTP2StreamID, status: Int, baggage: String?) {
        guard case .nobody(let early) = owners[id] else { return }
        if status == 200 {
            guard early.resetCode == nil else { return }
            session.respond(id, status: status, baggage: baggage, endStream: false, output: &output.frames)
            scheduleFlush()
        } else {
            if early.resetCode == nil { refuse(id, status: status) }
            session.discard(id, output: &output.frames)
            remove(id)
        }
    }

    func abandon(_ id: HTTP2StreamID, code: HTTP2ErrorCode) {
        guard case .nobody(let early) = owners[id] else { return }
        if early.resetCode == nil { session.reset(id, code: code, output: &output.frames) }
        session.discard(id, output: &output.frames)
        remove(id)
        scheduleFlush()
    }

    /// From now on the user takes what comes; what came earlier is given to it here.
    func attach(_ user: StreamUser, to id: HTTP2StreamID) {
        guard case .nobody(let early) = owners[id] else {
            user.tunnelClosed(closeReason ?? .peerClosed)
            return
        }
        owners[id] = .joined(user)
        if early.data.isEmpty {
            user.receive(ByteBuffer(), creditBytes: early.creditBytes)
        }
        for (index, bytes) in early.data.enumerated() {
            user.receive(bytes, creditBytes: index == 0 ? early.creditBytes : 0)
        }
        user.flushIfNeeded()
        if early.hasEnded { user.tunnelEnded() }
        if let code = early.resetCode { user.tunnelReset(code) }
    }

    /// The user is done with the stream; with a code, the peer is told that it is over.
    func detach(_ id: HTTP2StreamID, reset code: HTTP2ErrorCode?) {
        guard !isClosed else { return }
        if let code { session.reset(id, code: code, output: &output.frames) }
        session.discard(id, output: &output.frames)
        remove(id)
        if output.frames.readableBytes > 0 { scheduleFlush() }
    }

    private func remove(_ id: HTTP2StreamID) {
        owners[id] = nil
        onAvailabilityChange?()
    }
}

internal import HBONE
internal import MeshIdentity
internal import MeshModel
internal import NIOCore
internal import WaypointAuthorizer
internal import WaypointHTTP
internal import WaypointResilience
internal import WaypointRoute

extension Exchange {
    // MARK: - The request

    /// The endpoint takes bytes of the request.
    var wantsBody: Bool {
        !isRequestComplete && phase < .finished && (asking?.wantsBody ?? endpoint?.takesBytes ?? false)
    }

    func receiveBody(_ bytes: ByteBuffer) {
        log.received(bytes)
        if phase < .answered || isMirrored { body.append(bytes) }
        endpoint?.write(bytes)
        needsFlush = true
        asking?.bodyCame(body.byteCount, isWhole: false)
    }

    func receiveEnd(_ trailers: HeaderList?) {
        isRequestComplete = true
        body.end(trailers)
        if isMirrored { mirror() }
        needsFlush = true
        // What the last part of a body lets go on writes the end itself.
        let endpoint = endpoint
        asking?.bodyCame(body.byteCount, isWhole: true)
        guard let endpoint else { return }
        endpoint.end(trailers)
        requestSent()
    }

    func flushRequest() {
        guard needsFlush else { return }
        needsFlush = false
        endpoint?.flush()
    }

    /// The rest of the request is no HTTP.
    func requestBroke(_ reply: LocalReply) {
        self.reply(reply, keepAlive: false)
    }

    func endpointTakesBytes() { caller.resume() }

    /// The request is whole: its copies go out.
    func mirror() {
        isMirrored = false
        guard let forwarding, let plan = forwarding.plan, body.isWhole, !message.upgrades else { return }
        for service in plan.mirrors {
            guard let target = call.target(of: service) else { continue }
            Mirror.start(
                forwarding.head, framing: message.framing, body: body, to: target, of: call,
                isHTTP2: target.takesHTTP2(fromHTTP2Caller: caller.isHTTP2))
        }
        if phase >= .answered { body.drop() }
    }

    // MARK: - The answer

    func callerTakesBytes() {
        if phase != .finished { endpoint?.read() }
    }

    func answered(_ answer: ResponseHead, framing: BodyFraming) {
        guard phase != .finished else { return }
        isHeard = true
        if answer.isInterim {
            caller.write(answer, framing: .none, keepAlive: true)
            return caller.flush()
        }
        let outcome = AttemptOutcome.answered(status: answer.status, grpcStatus: answer.grpcStatus)
        if waitsForHedges(after: outcome) || triesAgain(after: outcome) { return }
        endHedges()
        timer?.cancel()
        timer = nil
        phase = .answered
        if !isMirrored { body.drop() }
        var answer = answer
        finishAnswer(&answer)
        for changes in changes { changes.applyToAnswer(&answer.headers) }
        caller.write(answer, framing: framing, keepAlive: keepsAlive)
        log.answered(answer.status, isExhausted: isExhausted(outcome))
        if answer.isHeadOnly { log.ended(answer.headers) }
    }

    private func isExhausted(_ outcome: AttemptOutcome) -> Bool {
        guard let schedule = tries?.schedule, schedule.retries > 0 else { return false }
        return schedule.retries == schedule.policy.attempts && schedule.policy.covers(outcome)
    }

    /// What the route adds: fields, and the name of the endpoint that the client stays with.
    private func finishAnswer(_ answer: inout ResponseHead) {
        rateStanding?.write(to: &answer.headers)
        if let cookie = tries?.cookie { answer.headers.append(name: "set-cookie".utf8, value: cookie.utf8) }
        guard let forwarding, !forwarding.leavesAnswer, let plan = forwarding.plan else { return }
        plan.finishResponse(&answer.headers)
        guard let session = forwarding.session, let hop = endpoint?.hop else { return }
        if let pinned = plan.pinned, pinned.isFor(endpoint: hop.workload.uid) { return }
        let token = SessionToken(
            target: plan.target, endpoint: hop.workload.uid, nowSeconds: UnixClock.milliseconds() / 1_000)
        let field = session.field(token)
        answer.headers.append(name: field.name.utf8, value: field.value.utf8)
    }

    func receiveAnswer(_ bytes: ByteBuffer) {
        guard phase == .answered else { return }
        log.sent(bytes)
        caller.write(bytes)
    }

    func answerPaused() {
        guard phase != .finished else { return }
        caller.flush()
        if caller.takesBytes { endpoint?.read() }
    }

    func answerEnded(_ trailers: HeaderList?) {
        guard phase != .finished else { return }
        guard phase == .answered else { return }
        log.ended(trailers)
        caller.end(trailers)
        caller.flush()
        let keepAlive = keepsAlive
        // What is left of the request, the endpoint does not want.
        let isWhole = isRequestComplete
        let endpoint = finish()
        if isWhole { endpoint?.release() } else { endpoint?.abort() }
        caller.exchangeEnded(keepAlive: keepAlive)
    }

    // MARK: - Another protocol

    func upgraded(_ answer: ResponseHead) {
        guard phase < .answered else { return }
        guard isRequestComplete, message.upgrades, let endpoint else {
            return reply(.protocolError("protocol change that nobody asked for"))
        }
        caller.write(answer, framing: .none, keepAlive: true)
        caller.flush()
        log.answered(answer.status, isExhausted: false)
        call.upgraded(by: message.head, claims: claims)
        // What is under way goes on: it ends with the bytes.
        let lease = tries?.lease
        tries?.lease = nil
        lease?.outcome = .success
        _ = finish()
        let (near, far) = (Relay(onEnd: { _ in lease?.end() }), Relay(onEnd: { _ in }))
        do {
            guard let ours = try caller.replace(by: near), let theirs = try endpoint.replace(by: far) else {
                throw ChannelError.operationUnsupported
            }
            // What doors held is with the relays then, and goes first.
            ours.and(theirs).assumeIsolated().whenComplete { _ in near.join(far) }
        } catch {
            lease?.end()
            caller.abort()
            endpoint.abort()
        }
    }
}

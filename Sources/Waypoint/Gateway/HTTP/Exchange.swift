internal import HBONE
internal import MeshModel
internal import MeshProxy
internal import NIOCore
internal import NIOHTTP1

/// One request and its answer.
///
/// ```
/// headReceived -> decided -> upstreamFound -> sent -> answered -> finished
///        \____________\_____________\___________\____ a reply of ours, or a torn end ____^
/// ```
/// Bodies are passed on piece by piece: each side is read only while the other takes bytes.
final class Exchange {
    enum Phase: Int, Comparable {
        case headReceived, decided, upstreamFound, sent, answered, finished

        static func < (left: Phase, right: Phase) -> Bool { left.rawValue < right.rawValue }
    }

    private(set) var phase = Phase.headReceived
    let head: HTTPRequestHead
    private let door: RequestDoor
    private let call: Call
    private let log: RequestLog
    private var upstream: UpstreamDoor?
    private var outgoing: HTTPRequestHead?
    /// The last part of the request has come.
    private(set) var isRequestComplete = false
    private var needsFlush = false
    /// The answer that changes the protocol; it is acted on at its end.
    private var change: HTTPResponseHead?
    /// The head of the final answer is out.
    private var isAnswering = false
    private var timer: Scheduled<Void>?

    init(_ head: HTTPRequestHead, at door: RequestDoor) {
        self.head = head
        self.door = door
        self.call = door.call
        self.log = RequestLog(call: door.call, head: head)
    }

    func start() {
        if let fault = RequestRules.fault(in: head) { return reply(fault, keepAlive: false) }
        let question = RequestQuestion(head: head, facts: call.facts, target: call.target)
        if case .refused(let refusal) = call.loop.decider.judge(question) { return reply(refusal) }
        switch call.loop.decider.route(question) {
        case .answer(let answer): reply(answer)
        case .forward(let changed, to: let target):
            phase = .decided
            outgoing = HeaderRules.forwarded(
                changed, caller: call.caller.identity, by: call.loop.settings.identity,
                requestID: { RequestID.make(using: &call.loop.generator) })
            log.forwarded(outgoing?.headers.first(name: "x-request-id"))
            find(target)
        }
    }

    private func find(_ target: CallTarget) {
        UpstreamSearch(for: call, to: target).start { result in
            guard self.phase == .decided else {
                if case .success(let upstream) = result { upstream.drop() }
                return
            }
            switch result {
            case .failure(let failure): self.reply(.unreachable(failure))
            case .success(let upstream): self.found(upstream)
            }
        }
    }

    private func found(_ found: Upstream) {
        log.reached(found.hop)
        do {
            let upstream = UpstreamDoor(self)
            try upstream.install(on: found)
            self.upstream = upstream
        } catch {
            found.drop()
            return reply(.disconnected("connection termination", details: "\(error)"))
        }
        phase = .upstreamFound
        if let outgoing { upstream?.write(.head(outgoing)) }
        outgoing = nil
        upstream?.flush()
        upstream?.read()
        door.resume()
    }

    // MARK: - The request

    /// The endpoint takes bytes of the request.
    var wantsBody: Bool { phase == .upstreamFound && !isRequestComplete && (upstream?.takesBytes ?? false) }

    func receive(_ part: HTTPServerRequestPart) {
        switch part {
        case .head: break
        case .body(let bytes):
            log.bytesReceived += bytes.readableBytes
            upstream?.write(.body(.byteBuffer(bytes)))
        case .end(let trailers):
            isRequestComplete = true
            upstream?.write(.end(trailers))
            phase = max(phase, .sent)
            startTimer()
        }
        needsFlush = true
    }

    func flushRequest() {
        guard needsFlush else { return }
        needsFlush = false
        upstream?.flush()
    }

    private func startTimer() {
        guard !isAnswering, let bound = call.loop.settings.responseTimeout else { return }
        timer = call.loop.eventLoop.assumeIsolated().scheduleTask(in: bound) { self.reply(.timedOut) }
    }

    /// The rest of the request is no HTTP.
    func requestBroke(_ why: String) {
        reply(.malformed(why), keepAlive: false)
    }

    /// The caller has gone: nobody waits for an answer.
    func callerGone() {
        guard phase != .finished else { return }
        log.torn(flag: "DC", details: "downstream_remote_disconnect")
        finish()
        upstream?.abort()
    }

    // MARK: - The answer

    func upstreamTakesBytes() { door.resume() }

    func callerTakesBytes() {
        if phase != .finished { upstream?.read() }
    }

    func receive(_ part: HTTPClientResponsePart) {
        guard phase != .finished else { return }
        switch part {
        case .head(let answer): answered(answer)
        case .body(let bytes):
            log.bytesSent += bytes.readableBytes
            door.write(.body(.byteBuffer(bytes)))
        case .end(let trailers): ended(trailers)
        }
    }

    func answerPaused() {
        guard phase != .finished else { return }
        door.flush()
        if door.takesBytes { upstream?.read() }
    }

    private func answered(_ answer: HTTPResponseHead) {
        if answer.status == .switchingProtocols {
            // The parser says its end next; until then it must find us behind it.
            change = answer
            return
        }
        let returned = HeaderRules.returned(answer, to: head.method, closing: !keepsAlive)
        door.write(.head(returned))
        guard answer.status.code >= 200 else { return door.flush() }
        timer?.cancel()
        isAnswering = true
        phase = .answered
        log.answered(Int(answer.status.code))
    }

    private func ended(_ trailers: HTTPHeaders?) {
        if let change { return upgraded(change) }
        guard isAnswering else { return }
        door.write(.end(trailers))
        door.flush()
        let keepAlive = keepsAlive
        finish()
        // What is left of the request, the endpoint does not want.
        if isRequestComplete { upstream?.close() } else { upstream?.abort() }
        door.exchangeEnded(keepAlive: keepAlive)
    }

    /// Whether another request may follow. A parser that saw an upgrade asked for reads no further.
    private var keepsAlive: Bool {
        isRequestComplete && !door.isDraining && !HeaderRules.closes(head.headers)
            && HeaderRules.upgrade(in: head.headers) == nil
    }

    private func upgraded(_ answer: HTTPResponseHead) {
        guard isRequestComplete, HeaderRules.upgrade(in: head.headers) != nil, let upstream else {
            return reply(.protocolError("protocol change that nobody asked for"))
        }
        timer?.cancel()
        door.write(.head(HeaderRules.returned(answer, to: head.method, closing: false)))
        door.flush()
        log.answered(Int(answer.status.code))
        finish()
        let (near, far) = (Relay(onEnd: { _ in }), Relay(onEnd: { _ in }))
        do {
            let parsersAreGone = try door.replace(by: near).and(try upstream.replace(by: far))
            // What parsers held is with the relays then, and goes first.
            parsersAreGone.assumeIsolated().whenComplete { _ in near.join(far) }
        } catch {
            door.abort()
            upstream.abort()
        }
    }

    /// The endpoint went away, or spoke no HTTP.
    func upstreamFailed(_ reply: LocalReply) {
        guard phase != .finished else { return }
        self.reply(reply)
    }

    /// Our own answer, or a torn end when the endpoint's is under way already.
    private func reply(_ reply: LocalReply, keepAlive: Bool = true) {
        guard phase != .finished else { return }
        guard !isAnswering else {
            log.torn(flag: reply.flag, details: reply.details)
            finish()
            upstream?.abort()
            return door.abort()
        }
        // The head of the request may be all that has come: an end with it needs no wait.
        let keepAlive = keepAlive && keepsAlive
        log.reply(reply)
        door.send(reply, keepAlive: keepAlive)
        finish()
        upstream?.abort()
        door.exchangeEnded(keepAlive: keepAlive)
    }

    private func finish() {
        phase = .finished
        timer?.cancel()
        log.finish()
    }
}

internal import HBONE
internal import MeshModel
internal import MeshPolicy
internal import NIOCore
internal import WaypointAuthorizer
internal import WaypointHTTP
internal import WaypointResilience
internal import WaypointRoute

/// One request and its answer.
///
/// ```
/// headReceived -> judged -> decided -> upstreamFound -> sent -> answered -> finished
///                              ^___ another try ___/______/         |
///        \___________\___________\_____ a reply of ours, or a torn end ____^
/// ```
/// Policy judges, then routes decide, then an endpoint is found. Bodies are passed on piece by piece: each side is read
/// only while the other takes bytes.
final class Exchange {
    enum Phase: Int, Comparable {
        case headReceived, judged, decided, upstreamFound, sent, answered, finished

        static func < (left: Phase, right: Phase) -> Bool { left.rawValue < right.rawValue }
    }

    var phase = Phase.headReceived
    /// As policy and routes see it.
    var message: RequestMessage
    /// Of the request's token; `nil` without a valid one, and until it was checked.
    var claims: TokenClaims?
    let caller: CallerSide
    let call: Call
    let log: RequestLog

    /// The authorizer or rate limit service that is asked at the moment.
    var asking: ServiceQuestioning?
    /// What authorizers and rate limit services change in the answer.
    var changes: [RequestChanges] = []

    // What was decided.
    var forwarding: Forwarding?
    var tries: Tries?

    // Where it goes.
    var endpoint: EndpointSide?
    var body: KeptBody
    /// Copies of the request go elsewhere once it is whole.
    var isMirrored = false
    /// The last part of the request has come; without a body, with its head.
    var isRequestComplete: Bool
    var needsFlush = false
    /// The endpoint of this try has answered something.
    var isHeard = false

    /// The place it has among the requests under way to the service that it calls.
    var shielded: ShieldPlace?
    /// Of the rate limits before the service; `nil`: there are none, or none was asked.
    var rateStanding: RateStanding?

    /// Of the service that it calls; `nil`: it goes to one endpoint at a time.
    var hedgingPolicy: HedgingPolicy?
    /// Tries beside its own; `nil`: there are none, and will be none.
    var hedging: Hedging?

    /// For the whole request, and for what is waited for at the moment.
    var deadline: Scheduled<Void>?
    var timer: Scheduled<Void>?

    private static let attemptCount = Array("x-envoy-attempt-count".utf8)[...]
    private static let firstAttempt = Array("1".utf8)[...]

    var loop: GatewayLoop { call.loop }

    init(_ message: RequestMessage, at caller: CallerSide) {
        let call = caller.call
        var message = message
        HeaderRules.forward(
            &message.head, upgrades: message.upgrades, keepsAlive: true, clientCertificate: call.clientCertificate,
            newID: { call.loop.telemetry.requestID(using: &call.loop.generator) })
        // Here, where the list has one owner: a later change would copy it.
        message.head.headers.append(name: Self.attemptCount, value: Self.firstAttempt)
        self.caller = caller
        self.call = call
        self.log = RequestLog(call: call, message: message)
        self.isRequestComplete = message.framing == .none || message.framing == .length(0)
        self.body = KeptBody(bytesMax: call.loop.settings.keptBodyBytesMax)
        self.message = message
    }

    func start() { judge() }

    /// Whether another request may follow. After an upgrade that was asked for, nothing is
    /// known for certain of what the caller sends next.
    var keepsAlive: Bool { isRequestComplete && !caller.isDraining && !message.isLast && !message.upgrades }

    /// Our own answer, or a torn end when the endpoint's is under way already.
    func reply(_ reply: LocalReply, keepAlive: Bool = true) {
        guard phase != .finished else { return }
        guard phase < .answered else {
            log.torn(flag: reply.flag, details: reply.details)
            let endpoint = finish()
            endpoint?.abort()
            return caller.abort()
        }
        // The head of the request may be all that has come: an end with it needs no wait.
        let keepAlive = keepAlive && keepsAlive
        var reply = message.head.isGRPC ? reply.asGRPC() : reply
        rateStanding?.write(to: &reply.headers)
        log.reply(reply)
        caller.send(reply, keepAlive: keepAlive)
        let endpoint = finish()
        endpoint?.abort()
        caller.exchangeEnded(keepAlive: keepAlive)
    }

    /// The caller has gone: nobody waits for an answer.
    func callerGone() {
        guard phase != .finished else { return }
        log.torn(flag: "DC", details: "downstream_remote_disconnect")
        leaveLimits(isSample: false)
        let endpoint = finish()
        endpoint?.abort()
    }

    /// Gives the endpoint back, to be kept or left by whoever ends the exchange.
    func finish() -> EndpointSide? {
        phase = .finished
        asking?.end()
        asking = nil
        timer?.cancel()
        deadline?.cancel()
        (timer, deadline) = (nil, nil)
        endHedges()
        if let tries { endTries(tries) }
        // One that did not come to an endpoint says nothing of its latency.
        leaveLimits(isSample: endpoint != nil)
        tries = nil
        body.drop()
        log.finish()
        defer { endpoint = nil }
        return endpoint
    }

    func schedule(in time: Duration, _ body: @escaping () -> Void) -> Scheduled<Void> {
        loop.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time), body)
    }
}

/// What is to be done with a request that is forwarded. A class: it is looked at often and holds much.
final class Forwarding {
    let head: RequestHead
    let target: CallTarget
    let deadlines: RequestDeadlines
    /// `nil` when no route decided.
    let plan: ForwardPlan?
    /// Names the endpoint that the client was at before.
    let pinned: SessionToken?
    /// The answer goes on as the endpoint gave it.
    let leavesAnswer: Bool
    let session: SessionPersistence?
    let retry: RetryPolicy

    init(
        head: RequestHead, target: CallTarget, deadlines: RequestDeadlines, plan: ForwardPlan? = nil,
        session: SessionPersistence? = nil, retry: RetryPolicy
    ) {
        self.head = head
        self.target = target
        self.deadlines = deadlines
        self.plan = plan
        pinned = plan?.pinned
        leavesAnswer = session == nil && plan?.leavesAnswer ?? true
        self.session = session
        self.retry = retry
    }
}

extension TimeAmount {
    /// At most the time that fits, nearly three hundred years.
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (product, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflows) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        self = .nanoseconds(isTooLong || overflows ? .max : sum)
    }
}

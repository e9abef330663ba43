internal import HBONE
internal import MeshModel
internal import MeshPolicy
internal import MeshTelemetry
internal import NIOCore
internal import WaypointRoute

/// Follows one request to its one line in the log, its counters and its spans: the one place where an exchange tells
/// what happened. Texts are made at the end, and only for a line or spans that are written.
final class RequestLog {
    let call: Call
    /// As it came, with the fields that are ours; `nil`: none could be read.
    let message: RequestMessage?
    let isGRPC: Bool
    private let startedAt = NIODeadline.now()
    private var reachedAt: NIODeadline?
    private var isDelayed = false
    private(set) var bytesReceived = 0
    private(set) var bytesSent = 0
    private(set) var requestMessages = GRPCMessageCounter()
    private(set) var responseMessages = GRPCMessageCounter()

    private(set) var status = 0
    private(set) var flag = "-"
    private(set) var details = "-"
    private(set) var upstreamMilliseconds: Int?
    private(set) var hop: EndpointHop?
    private(set) var origin: RouteOrigin?
    private(set) var target: CallTarget?
    private(set) var isOwnTarget = false
    private(set) var attempts = 0
    private(set) var grpcStatus: String?
    private(set) var denial: String?
    private(set) var shortenedPath: RequestPath?
    private(set) var findings: [String] = []
    /// `nil`: no collector is known, or there is no request.
    private(set) var trace: RequestTrace?

    init(call: Call, message: RequestMessage) {
        self.call = call
        isGRPC = message.head.isGRPC
        if let tracing = call.loop.telemetry.tracing {
            trace = RequestTrace(message.head, tracing.settings, using: &call.loop.generator)
        }
        self.message = message
    }

    /// What came was no request that we serve.
    init(refused call: Call) {
        self.call = call
        message = nil
        isGRPC = false
    }

    /// Some of the request's body.
    func received(_ bytes: ByteBuffer) {
        bytesReceived += bytes.readableBytes
        if isGRPC { requestMessages.pass(bytes.readableBytesView) }
    }

    /// Some of the answer's body.
    func sent(_ bytes: ByteBuffer) {
        bytesSent += bytes.readableBytes
        if isGRPC { responseMessages.pass(bytes.readableBytesView) }
    }

    /// What policies that only watch have seen.
    func observed(audits: [RuleReference], dryRun: [DryRunFinding]) {
        guard !audits.isEmpty || !dryRun.isEmpty else { return }
        findings += audits.map { "audit: \($0)" } + dryRun.map(\.description)
    }

    /// The policy that refused it with its rule, or the authorizer.
    func denied(_ why: String) { denial = why }

    /// Something that should be looked at, though the request went on.
    func noted(_ finding: String) { findings.append(finding) }

    /// Its query has lost what must not be told.
    func shortened(_ path: RequestPath) { shortenedPath = path }

    func matched(_ origin: RouteOrigin) { self.origin = origin }

    /// - Parameter isOwn: the endpoints are those of what was called.
    func forwarded(to target: CallTarget, isOwn: Bool) {
        self.target = target
        isOwnTarget = isOwn
    }

    // MARK: - Tries

    /// A try at an endpoint begins.
    func tried() {
        attempts += 1
        guard trace != nil else { return }
        trace?.beginTry(at: wallMicroseconds, using: &call.loop.generator)
    }

    /// Endpoints are told of spans.
    var isTraced: Bool { trace != nil }

    /// A try begins beside another; it has no span of its own.
    func hedged() { attempts += 1 }

    /// Tells the endpoint of the try's span.
    func tell(_ headers: inout HeaderList) {
        if let tracing = call.loop.telemetry.tracing { trace?.tell(&headers, in: tracing.settings.propagators) }
    }

    func reached(_ hop: EndpointHop) {
        self.hop = hop
        reachedAt = .now()
        trace?.upstream = hop.target
    }

    /// The present try came to nothing that the caller sees.
    func endTry(_ outcome: AttemptOutcome) {
        guard trace != nil else { return }
        trace?.endTry(outcome, at: wallMicroseconds)
    }

    /// - Parameter isExhausted: it would have been tried again, had there been tries left.
    func answered(_ status: UInt16, isExhausted: Bool) {
        self.status = Int(status)
        details = "via_upstream"
        if isExhausted { flag = "URX" }
        if let reachedAt { upstreamMilliseconds = Self.milliseconds(.now() - reachedAt) }
    }

    /// The answer is whole.
    func ended(_ trailers: HeaderList?) {
        if let status = trailers?["grpc-status"] { grpcStatus = status }
    }

    func reply(_ reply: LocalReply) {
        status = Int(reply.status)
        flag = reply.flag
        details = reply.details
        grpcStatus = reply.headers["grpc-status"]
        bytesSent = reply.body.utf8.count
    }

    /// It was held up on purpose.
    func delayed() { isDelayed = true }

    func torn(flag: String, details: String) {
        self.flag = flag
        self.details = details
    }

    // MARK: - The end

    func finish() {
        if isDelayed { flag = flag == "-" ? "DI" : "DI,\(flag)" }
        let duration = NIODeadline.now() - startedAt
        let loop = call.loop
        count(duration)
        let isWritten = loop.accessLog.writesRequest(flag: flag)
        let isTraced = trace?.context.isSampled ?? false
        guard isWritten || isTraced else { return }
        let record = record(duration)
        if isWritten { loop.accessLog.request(record, scratch: &loop.lineScratch) }
        if isTraced { leaveSpans(of: record) }
    }

    private func count(_ duration: TimeAmount) {
        let telemetry = call.loop.telemetry
        let key = RequestKey(
            source: call.source.number, destination: telemetry.destination(hop),
            service: telemetry.service(of: target ?? call.target), status: status,
            grpcStatus: isGRPC ? grpcStatus.flatMap { Int($0) } : nil, flags: EnvoyFlags(flag),
            spoken: isGRPC ? .grpc : .http, isMutualTLS: hop?.isTunnel ?? true)
        var amounts = RequestAmounts()
        amounts.durationMilliseconds = Double(duration.nanoseconds) / 1_000_000
        amounts.requestBytes = bytesReceived
        amounts.responseBytes = bytesSent
        amounts.requestMessages = requestMessages.messages
        amounts.responseMessages = responseMessages.messages
        telemetry.shard.count(key, amounts, trace: trace?.context)
    }

    private func leaveSpans(of record: RequestRecord) {
        guard let tracing = call.loop.telemetry.tracing, var trace else { return }
        let now = wallMicroseconds
        trace.endTry(status: status, flags: EnvoyFlags(flag), at: now)
        var record = record
        record.tracedAttempts = trace.attempts
        let destination = hop.map { ConnectionParty($0.workload, identity: nil) }
        let spans = RequestSpans(record, source: call.source.party, destination: destination, origin: tracing.origin)
        for span in spans.spans(endMicroseconds: now) { tracing.queue.append(span) }
    }

    var wallMicroseconds: Int64 { call.loop.accessLog.wallMicroseconds }

    static func milliseconds(_ time: TimeAmount) -> Int { Int(time.nanoseconds / 1_000_000) }
}

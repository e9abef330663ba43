internal import HBONE
internal import MeshModel
internal import MeshPolicy
internal import MeshTelemetry
internal import NIOCore
internal import WaypointRoute

/// Follows one request to its one line in the log: the one place where an exchange tells what happened. Texts are made
/// at the end, and only for a line that is written.
final class RequestLog {
    private let call: Call
    /// As it came, with the fields that are ours; `nil`: none could be read.
    private let message: RequestMessage?
    private let startedAt = NIODeadline.now()
    private var reachedAt: NIODeadline?
    var bytesReceived = 0
    var bytesSent = 0

    private var status = 0
    private var flag = "-"
    private var details = "-"
    private var upstreamMilliseconds: Int?
    private var hop: EndpointHop?
    private var origin: RouteOrigin?
    private var target: CallTarget?
    private var isOwnTarget = false
    private var attempts = 0
    private var grpcStatus: String?
    private var denial: RequestDenial?
    private var shortenedPath: RequestPath?
    private var findings: [String] = []

    init(call: Call, message: RequestMessage) {
        self.call = call
        self.message = message
    }

    /// What came was no request that we serve.
    init(refused call: Call) {
        self.call = call
        self.message = nil
    }

    /// What policies that only watch have seen.
    func observed(audits: [RuleReference], dryRun: [DryRunFinding]) {
        guard !audits.isEmpty || !dryRun.isEmpty else { return }
        findings = audits.map { "audit: \($0)" } + dryRun.map(\.description)
    }

    /// The policy that refused it, with its rule.
    func denied(_ denial: RequestDenial) { self.denial = denial }

    /// Its query has lost what must not be told.
    func shortened(_ path: RequestPath) { shortenedPath = path }

    func matched(_ origin: RouteOrigin) { self.origin = origin }

    /// - Parameter isOwn: the endpoints are those of what was called.
    func forwarded(to target: CallTarget, isOwn: Bool) {
        self.target = target
        isOwnTarget = isOwn
    }

    /// A try begins.
    func tried() { attempts += 1 }

    func reached(_ hop: EndpointHop) {
        self.hop = hop
        reachedAt = .now()
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

    func torn(flag: String, details: String) {
        self.flag = flag
        self.details = details
    }

    func finish() {
        call.loop.requests.count(status: status)
        guard call.loop.accessLog.writesRequest(flag: flag) else { return }
        call.loop.accessLog.request(record)
    }

    private var record: RequestRecord {
        var record = RequestRecord(client: call.caller.client, identity: call.caller.identity)
        record.hostname = call.target.service?.hostname
        record.called = call.caller.request.authority
        if let message { Self.describe(message, in: &record) }
        (record.status, record.flag, record.details) = (status, flag, details)
        (record.bytesReceived, record.bytesSent) = (bytesReceived, bytesSent)
        record.durationMilliseconds = Self.milliseconds(.now() - startedAt)
        if let shortenedPath { record.path = String(decoding: shortenedPath.target, as: UTF8.self) }
        record.upstreamMilliseconds = upstreamMilliseconds
        record.upstream = hop?.target
        record.upstreamIdentity = hop.flatMap { $0.isTunnel ? $0.workload.identity : nil }
        record.routeName = origin.map { "\($0.key).\($0.ruleIndex)" }
        record.cluster = cluster
        record.attempts = attempts
        record.grpcStatus = grpcStatus
        record.denial = denial?.description
        record.findings = findings
        return record
    }

    private static func describe(_ message: RequestMessage, in record: inout RequestRecord) {
        let head = message.head
        record.method = head.method.text
        record.path = String(decoding: head.path.target, as: UTF8.self)
        record.protocolName = "\(message.version)"
        record.authority = String(decoding: head.authority.bytes, as: UTF8.self)
        record.userAgent = head.headers["user-agent"]
        record.forwardedFor = head.headers["x-forwarded-for"]
        record.requestID = head.headers["x-request-id"]
    }

    private var cluster: String? {
        guard let target else { return nil }
        let hostname = target.service?.hostname ?? "\(call.facts.destination.ip)"
        return isOwnTarget ? "inbound-vip|\(target.port)|http|\(hostname)" : "outbound|\(target.port)||\(hostname)"
    }

    private static func milliseconds(_ time: TimeAmount) -> Int { Int(time.nanoseconds / 1_000_000) }
}

/// Names for requests that have none: 128 random bits in the form of a UUID, version 4 (RFC 9562).
enum RequestID {
    static func make(using generator: inout some RandomNumberGenerator) -> [UInt8] {
        let high = (generator.next() & 0xffff_ffff_ffff_0fff) | 0x4000
        let low = (generator.next() & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for place in 0..<32 {
            if place == 8 || place == 12 || place == 16 || place == 20 { text.append(UInt8(ascii: "-")) }
            let digit = UInt8(truncatingIfNeeded: (place < 16 ? high : low) >> UInt64(60 - place % 16 * 4)) & 15
            text.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
        return text
    }
}

internal import HBONE
internal import MeshModel
internal import MeshPolicy
internal import MeshTelemetry
internal import NIOCore
internal import WaypointRoute

/// Follows one request to its one line in the log: the one place where an exchange tells what happened.
final class RequestLog {
    private var record: RequestRecord
    private let call: Call
    private let startedAt = NIODeadline.now()
    private var reachedAt: NIODeadline?
    var bytesReceived = 0
    var bytesSent = 0

    /// - Parameter message: as it came, with the fields that are ours.
    init(call: Call, message: RequestMessage) {
        self.call = call
        let head = message.head
        var record = Self.record(call)
        record.method = head.method.text
        record.path = String(decoding: head.path.target, as: UTF8.self)
        record.protocolName = "\(message.version)"
        record.authority = String(decoding: head.authority.bytes, as: UTF8.self)
        record.userAgent = head.headers["user-agent"]
        record.forwardedFor = head.headers["x-forwarded-for"]
        record.requestID = head.headers["x-request-id"]
        self.record = record
    }

    /// What came was no request that we serve.
    init(refused call: Call) {
        self.call = call
        self.record = Self.record(call)
    }

    private static func record(_ call: Call) -> RequestRecord {
        var record = RequestRecord(client: call.caller.client, identity: call.caller.identity)
        record.hostname = call.target.service?.hostname
        record.called = call.caller.request.authority
        return record
    }

    /// What policies that only watch have seen.
    func observed(audits: [RuleReference], dryRun: [DryRunFinding]) {
        guard !audits.isEmpty || !dryRun.isEmpty else { return }
        record.findings = audits.map { "audit: \($0)" } + dryRun.map(\.description)
    }

    /// The policy that refused it, with its rule.
    func denied(_ denial: RequestDenial) { record.denial = denial.description }

    func matched(_ origin: RouteOrigin) {
        record.routeName = "\(origin.key).\(origin.ruleIndex)"
    }

    /// - Parameter isOwn: the endpoints are those of what was called.
    func forwarded(to target: CallTarget, isOwn: Bool) {
        let hostname = target.service?.hostname ?? "\(call.facts.destination.ip)"
        record.cluster = isOwn ? "inbound-vip|\(target.port)|http|\(hostname)" : "outbound|\(target.port)||\(hostname)"
    }

    /// A try begins.
    func tried() { record.attempts += 1 }

    func reached(_ hop: EndpointHop) {
        record.upstream = hop.target
        record.upstreamIdentity = hop.isTunnel ? hop.workload.identity : nil
        reachedAt = .now()
    }

    /// - Parameter isExhausted: it would have been tried again, had there been tries left.
    func answered(_ status: UInt16, isExhausted: Bool) {
        record.status = Int(status)
        record.details = "via_upstream"
        if isExhausted { record.flag = "URX" }
        if let reachedAt { record.upstreamMilliseconds = Self.milliseconds(.now() - reachedAt) }
    }

    /// The answer is whole.
    func ended(_ trailers: HeaderList?) {
        if let status = trailers?["grpc-status"] { record.grpcStatus = status }
    }

    func reply(_ reply: LocalReply) {
        record.status = Int(reply.status)
        record.flag = reply.flag
        record.details = reply.details
        record.grpcStatus = reply.headers["grpc-status"]
        bytesSent = reply.body.utf8.count
    }

    func torn(flag: String, details: String) {
        record.flag = flag
        record.details = details
    }

    func finish() {
        record.bytesReceived = bytesReceived
        record.bytesSent = bytesSent
        record.durationMilliseconds = Self.milliseconds(.now() - startedAt)
        call.loop.requests.count(status: record.status)
        call.loop.accessLog.request(record)
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

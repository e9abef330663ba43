internal import HBONE
internal import MeshModel
internal import MeshTelemetry
internal import NIOCore
internal import NIOHTTP1

/// Follows one request to its one line in the log.
final class RequestLog {
    private var record: RequestRecord
    private let call: Call
    private let startedAt = NIODeadline.now()
    private var reachedAt: NIODeadline?
    var bytesReceived = 0
    var bytesSent = 0

    /// - Parameter head: `nil` when none could be read.
    init(call: Call, head: HTTPRequestHead?) {
        self.call = call
        var record = RequestRecord(client: call.caller.client, identity: call.caller.identity)
        record.hostname = call.target.service?.hostname
        record.called = call.caller.request.authority
        if let head {
            record.method = head.method.rawValue
            record.path = head.uri
            record.protocolName = "\(head.version)"
            record.authority = head.headers.first(name: "host")
            record.userAgent = head.headers.first(name: "user-agent")
            record.forwardedFor = head.headers.first(name: "x-forwarded-for")
        }
        self.record = record
    }

    func forwarded(_ requestID: String?) { record.requestID = requestID }

    func reached(_ hop: EndpointHop) {
        record.upstream = hop.target
        record.upstreamIdentity = hop.isTunnel ? hop.workload.identity : nil
        reachedAt = .now()
    }

    func answered(_ status: Int) {
        record.status = status
        record.details = "via_upstream"
        if let reachedAt { record.upstreamMilliseconds = Self.milliseconds(.now() - reachedAt) }
    }

    func reply(_ reply: LocalReply) {
        record.status = reply.status
        record.flag = reply.flag
        record.details = reply.details
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
    static func make(using generator: inout some RandomNumberGenerator) -> String {
        let high = (generator.next() & 0xffff_ffff_ffff_0fff) | 0x4000
        let low = (generator.next() & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000
        let text = Array(hex(high) + hex(low))
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(text[$0]) }.joined(separator: "-")
    }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}

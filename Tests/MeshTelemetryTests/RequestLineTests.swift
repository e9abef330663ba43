import Foundation
import MeshModel
import Testing

@testable import MeshTelemetry

@Suite("The line of a request")
struct RequestLineTests {
    private func record() -> RequestRecord {
        var record = RequestRecord(
            client: address("10.0.0.1:41000"), identity: workload("web", namespace: "shop").identity)
        record.startMicroseconds = 1_769_903_999_012_345
        record.method = "GET"
        record.path = "/a?b=1"
        record.protocolName = "HTTP/1.1"
        record.status = 200
        record.details = "via_upstream"
        record.bytesReceived = 1
        record.bytesSent = 20
        record.durationMilliseconds = 300
        record.upstreamMilliseconds = 299
        record.userAgent = "curl/8"
        record.requestID = "id-1"
        record.authority = "api"
        record.upstream = address("10.0.0.2:8080")
        record.cluster = RequestCluster(isOwn: true, port: 80, host: "api.shop.svc.cluster.local")
        record.dialled = address("10.96.0.1:80")
        record.route = RouteOrigin(kind: .http, namespace: "shop", name: "split", ruleIndex: 2)
        return record
    }

    private func lines(
        _ record: RequestRecord, _ format: RequestLineFormat, filter: LogFilter = LogFilter()
    ) async -> [String] {
        let log = TestLog(filter: filter)
        var scratch: [UInt8] = Array("left over".utf8)
        AccessLog(log.output, requests: format).request(record, scratch: &scratch)
        return await log.finished()
    }

    @Test("in Envoy's default format, as Istio has it, and then who called, as TLS has proven it")
    func text() async {
        let expected =
            #"[2026-01-31T23:59:59.012Z] "GET /a?b=1 HTTP/1.1" 200 - via_upstream - "-" 1 20 300 299 "-" "curl/8" "#
            + #""id-1" "api" "10.0.0.2:8080" inbound-vip|80|http|api.shop.svc.cluster.local - 10.96.0.1:80 "#
            + #"10.0.0.1:41000 - shop/split.2 src.identity=spiffe://cluster.local/ns/shop/sa/web"#
        #expect(await lines(record(), .text) == [expected])
    }

    @Test("with what only we say behind it, when there is anything to say")
    func ownFields() async throws {
        var record = record()
        record.denial = "shop/deny, rule 0"
        record.attempts = 2
        let trace = try #require(TraceID(high: 0, low: 10))
        record.trace = TraceContext(traceID: trace, spanID: try #require(SpanID(1)), isSampled: true)
        let line = await lines(record, .text).first ?? ""
        #expect(
            line.hasSuffix(
                #"/sa/web denial="shop/deny, rule 0" attempts=2 trace_id=0000000000000000000000000000000a"#
            ), "\(line)")
        let json = try object(await lines(record, .json))
        #expect(json["denial"] as? String == "shop/deny, rule 0" && json["attempts"] as? Int == 2)
    }

    /// Istio's JSON encoding of access logs.
    private static let jsonNames: Set<String> = [
        "start_time", "method", "path", "protocol", "response_code", "response_flags", "response_code_details",
        "connection_termination_details", "upstream_transport_failure_reason", "bytes_received", "bytes_sent",
        "duration", "upstream_service_time", "x_forwarded_for", "user_agent", "request_id", "authority",
        "upstream_host", "upstream_cluster", "upstream_local_address", "downstream_local_address",
        "downstream_remote_address", "requested_server_name", "route_name",
    ]

    /// What we always add.
    private static let ownNames: Set<String> = ["src.identity"]

    private func object(_ lines: [String]) throws -> [String: Any] {
        #expect(lines.count == 1)
        let value = try JSONSerialization.jsonObject(with: Data((lines.first ?? "").utf8))
        return try #require(value as? [String: Any])
    }

    @Test("in JSON, with the names of Istio's encoding; what is not known is null")
    func json() async throws {
        let json = try object(await lines(record(), .json))
        #expect(Set(json.keys) == Self.jsonNames.union(Self.ownNames))
        #expect(json["start_time"] as? String == "2026-01-31T23:59:59.012Z")
        #expect(json["response_code"] as? Int == 200 && json["duration"] as? Int == 300)
        #expect(json["x_forwarded_for"] is NSNull && json["upstream_host"] as? String == "10.0.0.2:8080")
    }

    private static let hostile = "a\" 500 UH\r\n[2026-01-31] \"GET / HTTP/1.1\" \\ \u{7f}\u{1b}[2J é\u{2028}"

    @Test("a peer's words end no field and no line")
    func injection() async throws {
        var record = record()
        record.method = Self.hostile
        record.path = Self.hostile
        record.userAgent = Self.hostile
        record.authority = Self.hostile
        record.requestID = Self.hostile
        record.forwardedFor = Self.hostile
        record.route = RouteOrigin(kind: .http, namespace: Self.hostile, name: Self.hostile)
        record.cluster = RequestCluster(isOwn: false, port: 1, host: Self.hostile)
        record.details = Self.hostile
        let text = await lines(record, .text)
        #expect(text.count == 1)
        let line = text.first ?? ""
        #expect(!line.utf8.contains { $0 < 0x20 || $0 == 0x7f })
        // Fields of Envoy's line: quoted ones count as one.
        var fields = 0
        var isQuoted = false
        for byte in line.utf8 {
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if byte == 0x20, !isQuoted { fields += 1 }
        }
        #expect(!isQuoted && fields == 22, "\(line)")
        let json = try object(await lines(record, .json))
        #expect(json["user_agent"] as? String == Self.hostile && json["method"] as? String == Self.hostile)
        #expect(await lines(record, .fields).count == 1)
    }

    @Test("nothing when it is off, or when the level says so")
    func off() async {
        #expect(await lines(record(), .off).isEmpty)
        #expect(await lines(record(), .text, filter: LogFilter(.warn)).isEmpty)
    }
}

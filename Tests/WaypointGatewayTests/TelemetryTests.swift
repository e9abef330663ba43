import MeshModel
import MeshTelemetry
import NIOCore
import Synchronization
import Testing
import WaypointRoute

@testable import WaypointGateway

@Suite("What a waypoint counts and traces")
struct TelemetryTests {
    /// Keeps what an endpoint gets, and answers each request the same.
    private final class Endpoint: Sendable {
        private let bytes = Mutex("")
        var text: String { bytes.withLock { $0 } }

        func start(_ answer: String) async throws -> PlainServer {
            try await PlainServer { inbound, outbound in
                for try await piece in inbound {
                    let isWhole = self.bytes.withLock { text in
                        text += String(buffer: piece)
                        return text.hasSuffix("\r\n\r\n")
                    }
                    if isWhole { try await outbound.write(ByteBuffer(string: answer)) }
                }
            }
        }

        /// The values of a field of the requests that came.
        func values(_ name: String) -> [String] {
            text.lowercased().split(separator: "\r\n").filter { $0.hasPrefix("\(name): ") }
                .map { String($0.dropFirst(name.utf8.count + 2)) }
        }
    }

    private static let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    private static let parent = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"

    private func rig(_ port: UInt16, _ name: ApplicationProtocol = .http11) async throws -> GatewayRig {
        let ports = [ServicePort(servicePort: 80, targetPort: port, applicationProtocol: name)]
        let service = try Make.service("api", at: "10.1.0.1", ports: ports)
        let endpoint = try Make.workload("api-0", at: "127.0.0.1") {
            $0.services[service.key] = ports
            ($0.workloadName, $0.canonicalName, $0.canonicalRevision) = ("api", "api", "v2")
        }
        let web = try Make.workload("web-0", at: "10.0.0.1") { ($0.workloadName, $0.canonicalName) = ("web", "web") }
        return try await GatewayRig(Make.world([service], [endpoint, web]))
    }

    private func trace(_ rig: GatewayRig, hundredths: Int) async throws -> SpanQueue {
        let queue = SpanQueue()
        let origin = SpanOrigin(
            nodeID: "n", canonicalService: "waypoint", canonicalRevision: "latest", namespace: Make.namespace,
            clusterID: "c", meshID: "m")
        let settings = TraceSettings(samplingHundredths: hundredths)
        try await rig.onLoop {
            $0.telemetry = RequestTelemetry(GatewayTracing(settings: settings, queue: queue, origin: origin))
        }
        return queue
    }

    private func page(_ rig: GatewayRig) async throws -> String {
        let registry = MetricsRegistry()
        let (requests, connections) = try await rig.onLoop { loop in
            loop.countLiveBytes()
            return (loop.telemetry.shard.snapshot(), loop.metrics.snapshot())
        }
        registry.attachRequests { requests }
        registry.attach { connections }
        return await registry.expose()
    }

    private func get(_ fields: String = "") -> String {
        "GET /a HTTP/1.1\r\nHost: api\r\n\(fields)Connection: close\r\n\r\n"
    }

    @Test("a request is counted with caller, endpoint and service; without an endpoint too")
    func counts() async throws {
        let endpoint = Endpoint()
        let server = try await endpoint.start(Self.answer)
        let rig = try await rig(server.port)
        _ = try await rig.exchange("10.1.0.1:80", get())
        var line = ""
        try await eventually("the request is counted") {
            line = try await page(rig).split(separator: "\n").first { $0.hasPrefix("istio_requests_total{") }
                .map(String.init) ?? ""
            return !line.isEmpty
        }
        for label in [
            #"reporter="waypoint""#, #"source_workload="web""#, #"source_workload_namespace="shop""#,
            #"source_principal="\#(rig.caller)""#, #"destination_workload="api""#, #"destination_version="v2""#,
            #"destination_service="api.shop.svc.cluster.local""#, #"destination_service_name="api""#,
            #"response_code="200""#, #"response_flags="-""#, #"request_protocol="http""#,
        ] {
            #expect(line.contains(label), "\(line)")
        }
        #expect(line.hasSuffix(" 1"))
        #expect(try await page(rig).contains("istio_response_bytes_sum{"))
        // Labels follow the world.
        try await rig.learn(Make.world([try Make.service("api", at: "10.1.0.1", ports: [
            ServicePort(servicePort: 80, targetPort: server.port, applicationProtocol: .http11)
        ])], []))
        _ = try await rig.exchange("10.1.0.1:80", get())
        try await eventually("the failure is counted") {
            try await page(rig).split(separator: "\n").contains {
                $0.hasPrefix("istio_requests_total{") && $0.contains(#"response_code="503""#)
                    && $0.contains(#"response_flags="UH""#) && $0.contains(#"destination_workload="unknown""#)
            }
        }
        server.stop()
        try await rig.stop()
    }

    @Test("bytes of a live connection are counted while it lives, as the waypoint's")
    func liveBytes() async throws {
        let server = try await PlainServer { inbound, outbound in
            for try await piece in inbound { try await outbound.write(piece) }
        }
        let rig = try await rig(server.port, .tcp)
        let channel = try await rig.open("10.1.0.1:80")
        try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: "12345"))
            try await eventually("five bytes are counted") {
                try await page(rig).split(separator: "\n").contains {
                    $0.hasPrefix("istio_tcp_sent_bytes_total{reporter=\"waypoint\"") && $0.hasSuffix(" 5")
                }
            }
            outbound.finish()
            // What is left unread would be let go of only after the loop has ended.
            for try await _ in inbound {}
        }
        server.stop()
        try await rig.stop()
    }

    @Test("a sampled caller's trace goes on in our spans, and the endpoint gets our span")
    func continues() async throws {
        let endpoint = Endpoint()
        let server = try await endpoint.start(Self.answer)
        let rig = try await rig(server.port)
        let queue = try await trace(rig, hundredths: 0)
        let fields = "traceparent: 00-\(Self.parent)-01\r\ntracestate: a=1\r\nb3: \(Self.parent)-1\r\n"
        _ = try await rig.exchange("10.1.0.1:80", get(fields))
        var spans: [Span] = []
        try await eventually("two spans") {
            spans += queue.take()
            return spans.count == 2
        }
        let (request, attempt) = (spans[0], spans[1])
        #expect(request.kind == .server && request.parent?.description == "00f067aa0ba902b7")
        #expect(attempt.kind == .client && attempt.parent == request.context.spanID)
        #expect(request.context.traceID == attempt.context.traceID)
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        #expect(endpoint.values("traceparent") == ["00-\(trace)-\(attempt.context.spanID)-01"])
        #expect(endpoint.values("tracestate") == ["a=1"])
        #expect(endpoint.values("b3") == ["\(trace)-\(attempt.context.spanID)-1-\(request.context.spanID)"])
        #expect(attempt.attributes.contains(SpanAttribute("http.status_code", 200)))
        #expect(request.attributes.contains(SpanAttribute("istio.source_workload", "web")))
        #expect(request.attributes.contains(SpanAttribute("istio.destination_workload", "api")))
        try await eventually("the log names the trace") { rig.log.text.contains("trace_id=\(trace)") }
        server.stop()
        try await rig.stop()
    }

    @Test("what the caller decided against stays so, and its fields go on as they are")
    func unsampled() async throws {
        let endpoint = Endpoint()
        let server = try await endpoint.start(Self.answer)
        let rig = try await rig(server.port)
        let queue = try await trace(rig, hundredths: 10_000)
        _ = try await rig.exchange("10.1.0.1:80", get("traceparent: 00-\(Self.parent)-00\r\n"))
        #expect(endpoint.values("traceparent") == ["00-\(Self.parent)-00"])
        #expect(queue.take().isEmpty)
        server.stop()
        try await rig.stop()
    }

    @Test("a trace begins here when chance says so; those behind us are told either way", arguments: [0, 10_000])
    func begins(hundredths: Int) async throws {
        let endpoint = Endpoint()
        let server = try await endpoint.start(Self.answer)
        let rig = try await rig(server.port)
        let queue = try await trace(rig, hundredths: hundredths)
        _ = try await rig.exchange("10.1.0.1:80", get())
        let told = try #require(endpoint.values("traceparent").first)
        #expect(told.hasSuffix(hundredths == 0 ? "-00" : "-01"))
        let id = try #require(endpoint.values("x-request-id").first)
        #expect(Array(id)[14] == (hundredths == 0 ? "4" : "9"))
        var count = 0
        try await eventually("spans, or none") {
            count += queue.take().count
            return count == (hundredths == 0 ? 0 : 2)
        }
        server.stop()
        try await rig.stop()
    }

    @Test("without a collector the fields of traces and the caller's id pass untouched")
    func untraced() async throws {
        let endpoint = Endpoint()
        let server = try await endpoint.start(Self.answer)
        let rig = try await rig(server.port)
        _ = try await rig.exchange(
            "10.1.0.1:80", get("traceparent: 00-\(Self.parent)-01\r\nb3: 0\r\nx-request-id: mine\r\n"))
        #expect(endpoint.values("traceparent") == ["00-\(Self.parent)-01"] && endpoint.values("b3") == ["0"])
        #expect(endpoint.values("x-request-id") == ["mine"])
        server.stop()
        try await rig.stop()
    }

    @Test("each try has a span of its own, and says what became of it")
    func tries() async throws {
        let server = try await WebServer { _ in WebServer.text("no", status: "503 Busy") }
        let behaviour = try RouteBehaviour(.forward(to: [try Make.forward("api")]), retry: .gateway(statuses: [503]))
        let rig = try await GatewayRig(
            try Make.pair(api: [("127.0.0.1", server.port)], other: [], routes: [try Make.rule("/", behaviour)]))
        let queue = try await trace(rig, hundredths: 10_000)
        #expect(try await rig.get("/").hasPrefix("HTTP/1.1 503 "))
        var spans: [Span] = []
        try await eventually("a span for the request and one for each try") {
            spans += queue.take()
            return spans.count == 4
        }
        let told = server.requests.compactMap { $0.field("traceparent") }
        #expect(told == spans.dropFirst().map { "00-\($0.context.traceID)-\($0.context.spanID)-01" })
        #expect(Set(told).count == 3)
        for span in spans.dropFirst() {
            #expect(span.parent == spans[0].context.spanID && span.isError)
            #expect(span.attributes.contains(SpanAttribute("http.status_code", 503)))
            #expect(span.attributes.contains(SpanAttribute("upstream_address", "127.0.0.1:\(server.port)")))
        }
        server.stop()
        try await rig.stop()
    }
}

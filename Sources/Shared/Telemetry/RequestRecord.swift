package import MeshModel

/// What the log says of one request that a waypoint served. Names as in Istio's access log.
package struct RequestRecord: Hashable, Sendable {
    /// `nil`: no request could be read.
    package var method: String?
    package var path: String?
    package var protocolName: String?
    /// 0: the caller got no answer.
    package var status = 0
    /// Envoy's response flag; `-`: nothing to report.
    package var flag = "-"
    package var details = "-"
    /// Of the request's and of the answer's body.
    package var bytesReceived = 0
    package var bytesSent = 0
    package var durationMilliseconds = 0
    /// From the endpoint's being reached to the head of its answer.
    package var upstreamMilliseconds: Int?
    package var forwardedFor: String?
    package var userAgent: String?
    package var requestID: String?
    /// Host of the request; it chooses nothing.
    package var authority: String?
    /// Where the endpoint's application listens.
    package var upstream: TransportAddress?
    package var upstreamIdentity: Identity?
    /// The authority of the CONNECT that carried the request.
    package var called = ""
    /// The service that was called.
    package var hostname: String?
    /// `NAMESPACE/NAME.RULE` of the route that decided; `nil`: none did.
    package var routeName: String?
    /// Where it was sent, in Istio's names of clusters.
    package var cluster: String?
    /// Tries at endpoints, the first included.
    package var attempts = 0
    /// `grpc-status` of the answer.
    package var grpcStatus: String?
    /// Policy and rule that refused it, in words.
    package var denial: String?
    /// What AUDIT and dry-run policies saw, in words.
    package var findings: [String] = []
    package let client: TransportAddress
    /// Proven by mutual TLS.
    package let identity: Identity

    package init(client: TransportAddress, identity: Identity) {
        self.client = client
        self.identity = identity
    }
}

extension AccessLog {
    /// Whether a request with this flag gets a line; others need no record.
    package func writesRequest(flag: String) -> Bool { isEnabled(Self.level(flag: flag)) }

    private static func level(flag: String) -> LogLevel { flag == "-" ? .info : .warn }

    /// The one line of a request.
    package func request(_ record: RequestRecord) {
        let level = Self.level(flag: record.flag)
        guard isEnabled(level) else { return }
        var line = LogLine(
            format: output.format, timeMicroseconds: output.clock.wallMicroseconds(), level: level,
            target: Self.target, message: "request complete")
        line.field("method", string: record.method ?? "-")
        line.field("path", string: record.path ?? "-")
        line.field("protocol", string: record.protocolName ?? "-")
        line.field("response_code", number: record.status)
        line.field("response_flags", word: record.flag)
        line.field("response_code_details", string: record.details)
        line.field("bytes_received", number: record.bytesReceived)
        line.field("bytes_sent", number: record.bytesSent)
        line.field("duration", number: record.durationMilliseconds)
        if let time = record.upstreamMilliseconds { line.field("upstream_service_time", number: time) }
        if let text = record.forwardedFor { line.field("x_forwarded_for", string: text) }
        if let text = record.userAgent { line.field("user_agent", string: text) }
        if let text = record.requestID { line.field("request_id", string: text) }
        if let text = record.authority { line.field("authority", string: text) }
        if let address = record.upstream { line.field("upstream_host", word: address.description) }
        if let identity = record.upstreamIdentity { line.field("upstream_identity", string: identity.description) }
        line.field("downstream_remote_address", word: record.client.description)
        line.field("src.identity", string: record.identity.description)
        line.field("dst.hbone_addr", word: record.called)
        if let hostname = record.hostname { line.field("dst.service", string: hostname) }
        if let text = record.cluster { line.field("upstream_cluster", string: text) }
        if let text = record.routeName { line.field("route_name", string: text) }
        if record.attempts > 1 { line.field("attempts", number: record.attempts) }
        if let text = record.grpcStatus { line.field("grpc_status", string: text) }
        if let text = record.denial { line.field("error", string: text) }
        for text in record.findings { line.field("policy_finding", string: text) }
        output.sink.append(line.finished())
    }
}

/// Requests by class of their answer, for metrics; any thread may read.
package final class RequestCounters: Sendable {
    /// Index 0: no answer; 1 to 5: 1xx to 5xx.
    private let counters = (0...5).map { _ in MetricCounter() }

    package init() {}

    /// One more request; 0 is one without an answer.
    package func count(status: Int) {
        counters[min(max(status / 100, 0), 5)].add()
    }

    /// Shows them on the metrics page.
    package func register(in registry: MetricsRegistry) {
        for (index, counter) in counters.enumerated() {
            registry.counter(
                "apus_waypoint_requests", help: "HTTP requests by class of their answer.",
                labels: [("response_class", index == 0 ? "none" : "\(index)xx")], read: { counter.value })
        }
    }
}

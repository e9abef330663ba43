package import MeshModel

/// One try to have a request answered by an endpoint.
package struct RequestAttempt: Hashable, Sendable {
    /// Of the client's span; what its endpoint was told.
    package var spanID: SpanID?
    /// Microseconds since 1970-01-01T00:00:00Z.
    package var startMicroseconds: Int64
    package var endMicroseconds: Int64?
    package var upstream: TransportAddress?
    /// 0: no answer.
    package var status = 0
    package var flags: EnvoyFlags = []

    package init(spanID: SpanID?, startMicroseconds: Int64) {
        self.spanID = spanID
        self.startMicroseconds = startMicroseconds
    }
}

/// Whose endpoints a request went to, named as Istio's clusters in Envoy: `inbound-vip|PORT|http|HOST` for a service of
/// ours, `outbound|PORT||HOST` for another.
package struct RequestCluster: Hashable, Sendable, CustomStringConvertible {
    /// It is what was called.
    let isOwn: Bool
    let port: UInt16
    let host: String

    package init(isOwn: Bool, port: UInt16, host: String) {
        self.isOwn = isOwn
        self.port = port
        self.host = host
    }

    package var description: String { "\(prefix)\(port)\(suffix)\(host)" }
    var prefix: String { isOwn ? "inbound-vip|" : "outbound|" }
    /// Behind the port.
    var suffix: String { isOwn ? "|http|" : "||" }
}

extension RouteOrigin {
    /// `NAMESPACE/NAME.RULE`.
    var routeName: String { "\(namespace)/\(name).\(ruleIndex)" }
}

/// What is known of one request that a waypoint served. Names as in Istio's access log.
package struct RequestRecord: Hashable, Sendable {
    /// Microseconds since 1970-01-01T00:00:00Z.
    package var startMicroseconds: Int64 = 0
    /// `nil`: no request could be read.
    package var method: String?
    /// As the caller wrote it.
    package var path: String?
    package var protocolName: String?
    /// 0: the caller got no answer.
    package var status = 0
    /// Envoy's response flags; `-`: nothing to report.
    package var flag = "-"
    package var details = "-"
    /// Why the connection of the caller was ended.
    package var terminationDetails: String?
    /// Why the transport to an endpoint failed.
    package var transportFailure: String?
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
    package var cluster: RequestCluster?
    /// What decided.
    package var route: RouteOrigin?
    /// The authority of the CONNECT that carried the request.
    package var called = ""
    /// The service that was called.
    package var hostname: String?
    /// What the caller dialled.
    package var dialled: TransportAddress?
    package let client: TransportAddress
    /// Proven by mutual TLS.
    package let identity: Identity
    /// Policy and rule that refused it, in words.
    package var denial: String?
    /// What AUDIT and dry-run policies saw, in words.
    package var findings: [String] = []
    /// `grpc-status` of the answer.
    package var grpcStatus: String?
    package var isGRPC = false
    /// gRPC messages in the bodies.
    package var requestMessages = 0
    package var responseMessages = 0
    /// The span of the request itself; `nil`: no trace.
    package var trace: TraceContext?
    /// The caller's span.
    package var traceParent: SpanID?
    /// Tries at endpoints, the first included.
    package var attempts = 0
    /// Those of them that have a span.
    package var tracedAttempts: [RequestAttempt] = []

    package init(client: TransportAddress, identity: Identity) {
        self.client = client
        self.identity = identity
    }
}

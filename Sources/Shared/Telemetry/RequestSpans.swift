import MeshModel

/// Who a waypoint is in the spans that it makes.
package struct SpanOrigin: Hashable, Sendable {
    /// `waypoint~IP~POD.NAMESPACE~NAMESPACE.svc.cluster.local`, as Istio names its proxies.
    package var nodeID: String
    package var canonicalService: String
    package var canonicalRevision: String
    package var namespace: String
    package var clusterID: String
    /// Istio's name of the mesh: the trust domain.
    package var meshID: String

    package init(
        nodeID: String, canonicalService: String, canonicalRevision: String, namespace: String, clusterID: String,
        meshID: String
    ) {
        self.nodeID = nodeID
        self.canonicalService = canonicalService
        self.canonicalRevision = canonicalRevision
        self.namespace = namespace
        self.clusterID = clusterID
        self.meshID = meshID
    }
}

/// The spans of one request: its own, and one for each attempt. Names of attributes as Envoy and Istio set them.
package struct RequestSpans {
    let record: RequestRecord
    let source: ConnectionParty?
    let destination: ConnectionParty?
    let origin: SpanOrigin

    /// - Parameters:
    ///   - source: the caller's workload.
    ///   - destination: the endpoint that was reached last.
    package init(
        _ record: RequestRecord, source: ConnectionParty?, destination: ConnectionParty?, origin: SpanOrigin
    ) {
        self.record = record
        self.source = source
        self.destination = destination
        self.origin = origin
    }

    /// None when the trace is not sampled.
    package func spans(endMicroseconds: Int64) -> [Span] {
        guard let trace = record.trace, trace.isSampled else { return [] }
        var server = Span(
            context: trace, parent: record.traceParent, name: "\(record.authority ?? record.hostname ?? "-")/*",
            kind: .server, startMicroseconds: record.startMicroseconds, endMicroseconds: endMicroseconds)
        server.attributes = requestAttributes + outcome(record.status, record.flag) + istioAttributes
        server.isError = Self.isError(record.status)
        return [server]
            + record.tracedAttempts.compactMap { attempt in
                attempt.spanID.map { client(attempt, $0, of: trace, endMicroseconds) }
            }
    }

    private func client(
        _ attempt: RequestAttempt, _ span: SpanID, of trace: TraceContext, _ endMicroseconds: Int64
    ) -> Span {
        let cluster = record.cluster?.description ?? "-"
        var client = Span(
            context: trace.with(span), parent: trace.spanID, name: "router \(cluster) egress", kind: .client,
            startMicroseconds: attempt.startMicroseconds,
            endMicroseconds: attempt.endMicroseconds ?? endMicroseconds)
        client.attributes = [
            SpanAttribute("component", "proxy"), SpanAttribute("upstream_cluster", cluster),
            SpanAttribute("upstream_cluster.name", cluster),
            SpanAttribute("http.protocol", record.protocolName ?? "-"),
        ]
        if let upstream = attempt.upstream {
            client.attributes += [
                SpanAttribute("upstream_address", upstream.description),
                SpanAttribute("peer.address", upstream.description),
            ]
        }
        client.attributes += outcome(attempt.status, attempt.flags.text)
        client.isError = Self.isError(attempt.status)
        return client
    }

    private static func isError(_ status: Int) -> Bool { status == 0 || status >= 500 }

    private func outcome(_ status: Int, _ flags: String) -> [SpanAttribute] {
        var attributes = [SpanAttribute("http.status_code", status), SpanAttribute("response_flags", flags)]
        if let grpcStatus = record.grpcStatus.flatMap({ Int($0) }) {
            attributes.append(SpanAttribute("grpc.status_code", grpcStatus))
        }
        if Self.isError(status) { attributes.append(SpanAttribute("error", true)) }
        return attributes
    }

    private var requestAttributes: [SpanAttribute] {
        var attributes = [
            SpanAttribute("component", "proxy"), SpanAttribute("node_id", origin.nodeID),
            SpanAttribute("guid:x-request-id", record.requestID ?? "-"),
            SpanAttribute("http.url", "http://\(record.authority ?? "-")\(record.path ?? "")"),
            SpanAttribute("http.method", record.method ?? "-"),
            SpanAttribute("http.protocol", record.protocolName ?? "-"),
            SpanAttribute("downstream_cluster", "-"), SpanAttribute("user_agent", record.userAgent ?? "-"),
            SpanAttribute("peer.address", record.client.ip.description),
            SpanAttribute("request_size", record.bytesReceived), SpanAttribute("response_size", record.bytesSent),
            SpanAttribute("upstream_cluster", record.cluster?.description ?? "-"),
            SpanAttribute("upstream_cluster.name", record.cluster?.description ?? "-"),
        ]
        if let route = record.route { attributes.append(SpanAttribute("apus.route_name", route.routeName)) }
        if let denial = record.denial { attributes.append(SpanAttribute("apus.denial", denial)) }
        return attributes
    }

    private var istioAttributes: [SpanAttribute] {
        [
            SpanAttribute("istio.canonical_service", origin.canonicalService),
            SpanAttribute("istio.canonical_revision", origin.canonicalRevision),
            SpanAttribute("istio.namespace", origin.namespace), SpanAttribute("istio.cluster_id", origin.clusterID),
            SpanAttribute("istio.mesh_id", origin.meshID),
        ] + party("source", source) + party("destination", destination)
    }

    private func party(_ side: String, _ party: ConnectionParty?) -> [SpanAttribute] {
        guard let party, party.isKnown else { return [] }
        return [
            ("workload", party.workloadName), ("namespace", party.namespace), ("cluster_id", party.clusterID),
            ("canonical_service", party.canonicalName), ("canonical_revision", party.canonicalRevision),
            ("app", party.appName), ("app_version", party.canonicalRevision),
            ("workload_type", party.workloadType), ("instance_name", party.podName),
        ].filter { !$0.1.isEmpty }.map { SpanAttribute("istio.\(side)_\($0.0)", $0.1) }
    }
}

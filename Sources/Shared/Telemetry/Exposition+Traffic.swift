import MeshModel

extension Exposition {
    /// The traffic families of Istio's ztunnel, then our own about counting itself.
    mutating func append(_ traffic: ShardSnapshot) {
        let rows = traffic.connections.map { TrafficRow($0.key, $0.value) }.sorted { $0.sortKey < $1.sortKey }
        append(
            "istio_tcp_connections_opened", "The total number of TCP connections opened", rows, { $0.values.opened })
        appendByFlag(
            "istio_tcp_connections_closed", "The total number of TCP connections closed", rows, includesNone: true)
        append(
            "istio_tcp_received_bytes", "The size of total bytes received during request in case of a TCP connection",
            rows, { $0.values.receivedBytes })
        append(
            "istio_tcp_sent_bytes", "The total size of bytes sent during response in case of a TCP connection", rows,
            { $0.values.sentBytes })
        appendByFlag(
            "istio_tcp_connections_failed", "The total number of TCP connections that failed (unstable)", rows,
            includesNone: false)
        begin("istio_tcp_sockets_open", .gauge, "The current number of open TCP sockets (unstable)")
        for (reporter, count) in zip(Reporter.allCases, traffic.openSockets) where reporter != .waypoint || count > 0 {
            append("istio_tcp_sockets_open", .gauge, labels: "reporter=\"\(reporter.rawValue)\"", value: String(count))
        }
        append(traffic.refusedHandshakes)
        append(
            "apus_metrics_label_overflows", "Connections counted under \"other\": too many label sets",
            traffic.overflowedLookups)
        append(
            "apus_connection_records_finished_twice", "Connection records finished more than once (a defect)",
            traffic.recordsFinishedTwice)
        append(
            "apus_connection_records_unfinished", "Connection records dropped unfinished (a defect)",
            traffic.recordsUnfinished)
    }

    private mutating func append(_ refused: RefusedHandshakes) {
        let name = "apus_tls_handshakes_refused"
        begin(name, .counter, "TLS handshakes not begun: too many were under way")
        for reporter in Reporter.allCases where reporter != .waypoint {
            for limit in HandshakeLimit.allCases {
                let labels = "reporter=\"\(reporter.rawValue)\",limit=\"\(limit.rawValue)\""
                append(name, .counter, labels: labels, value: String(refused[reporter, limit]))
            }
        }
    }

    private mutating func append(_ name: String, _ help: String, _ value: Int) {
        begin(name, .counter, help)
        append(name, .counter, labels: "", value: String(value))
    }

    private mutating func append(
        _ name: String, _ help: String, _ rows: [TrafficRow], _ value: (TrafficRow) -> Int
    ) {
        guard !rows.isEmpty else { return }
        begin(name, .counter, help)
        for row in rows { append(name, .counter, labels: row.labels(.none), value: String(value(row))) }
    }

    private mutating func appendByFlag(_ name: String, _ help: String, _ rows: [TrafficRow], includesNone: Bool) {
        let samples = rows.flatMap { row in
            ResponseFlag.allCases.compactMap { flag -> (String, Int)? in
                let count = row.values.closedByFlag[flag.index]
                guard count > 0, includesNone || flag != .none else { return nil }
                return (row.labels(flag), count)
            }
        }
        guard !samples.isEmpty else { return }
        begin(name, .counter, help)
        for (labels, count) in samples { append(name, .counter, labels: labels, value: String(count)) }
    }
}

/// A label set as text, rendered once for all families.
private struct TrafficRow {
    let values: ConnectionCounterValues
    private let beforeFlag: String
    private let afterFlag: String

    init(_ labels: TrafficLabels, _ values: ConnectionCounterValues) {
        self.values = values
        beforeFlag = Self.beforeFlag(labels)
        afterFlag = Self.afterFlag(labels)
    }

    var sortKey: String { beforeFlag + afterFlag }

    func labels(_ flag: ResponseFlag) -> String { "\(beforeFlag),response_flags=\"\(flag.rawValue)\",\(afterFlag)" }

    private static func beforeFlag(_ labels: TrafficLabels) -> String {
        let unknown = labels.isOverflow ? "other" : "unknown"
        let source = labels.source
        let destination = labels.destination
        let pairs: [(String, String?)] = [
            ("reporter", labels.reporter.rawValue),
            ("source_workload", source.workload),
            ("source_canonical_service", source.canonicalService),
            ("source_canonical_revision", source.canonicalRevision),
            ("source_workload_namespace", source.namespace),
            ("source_principal", source.principal?.description),
            ("source_app", source.app),
            ("source_version", source.canonicalRevision),
            ("source_cluster", source.cluster),
            ("destination_service", labels.service?.hostname),
            ("destination_service_namespace", labels.service?.namespace),
            ("destination_service_name", labels.service?.name),
            ("destination_workload", destination.workload),
            ("destination_canonical_service", destination.canonicalService),
            ("destination_canonical_revision", destination.canonicalRevision),
            ("destination_workload_namespace", destination.namespace),
            ("destination_principal", destination.principal?.description),
            ("destination_app", destination.app),
            ("destination_version", destination.canonicalRevision),
            ("destination_cluster", destination.cluster),
            ("request_protocol", "tcp"),
        ]
        return render(pairs, unknown: unknown)
    }

    private static func afterFlag(_ labels: TrafficLabels) -> String {
        let security = "connection_security_policy=\"\(labels.isMutualTLS ? "mutual_tls" : "unknown")\""
        // All four localities, or none when neither side is known.
        guard labels.source.isKnown || labels.destination.isKnown else { return security }
        let pairs: [(String, String?)] = [
            ("source_region", labels.source.region),
            ("source_zone", labels.source.zone),
            ("destination_region", labels.destination.region),
            ("destination_zone", labels.destination.zone),
        ]
        return "\(security),\(render(pairs, unknown: "unknown"))"
    }

    private static func render(_ pairs: [(String, String?)], unknown: String) -> String {
        pairs.map { name, value in
            let text = value.flatMap { $0.isEmpty ? nil : Exposition.escaped($0) } ?? unknown
            return "\(name)=\"\(text)\""
        }.joined(separator: ",")
    }
}

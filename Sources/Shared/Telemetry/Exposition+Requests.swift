/// Istio's standard metrics of requests. Source: Istio, Reference, Standard Metrics.
extension Exposition {
    mutating func append(_ requests: RequestSnapshot) {
        let rows = requests.series().map { labels, values in
            let text = "reporter=\"waypoint\",\(Exposition.render(labels.pairs))"
            return RequestRow(labels: text, values: values, spoken: labels.spoken)
        }.sorted { $0.labels < $1.labels }
        counter("istio_requests", "Requests that were answered or ended otherwise", rows) { $0.requests }
        histogram(
            "istio_request_duration_milliseconds", "Time from the head of a request to the end of its answer", rows,
            { $0.duration }, exemplars: { $0.exemplars })
        histogram("istio_request_bytes", "Bytes of request bodies", rows, { $0.requestBytes })
        histogram("istio_response_bytes", "Bytes of response bodies", rows, { $0.responseBytes })
        let calls = rows.filter { $0.spoken == .grpc }
        counter("istio_request_messages", "gRPC messages sent by clients", calls) { $0.requestMessages }
        counter("istio_response_messages", "gRPC messages sent by servers", calls) { $0.responseMessages }
        begin("apus_request_series_overflows", .counter, "Requests counted under \"other\": too many series")
        append("apus_request_series_overflows", .counter, labels: "", value: String(requests.overflows))
    }

    private mutating func counter(
        _ name: String, _ help: String, _ rows: [RequestRow], _ value: (RequestValues) -> Int
    ) {
        guard !rows.isEmpty else { return }
        begin(name, .counter, help)
        for row in rows { append(name, .counter, labels: row.labels, value: String(value(row.values))) }
    }

    private mutating func histogram(
        _ name: String, _ help: String, _ rows: [RequestRow], _ value: (RequestValues) -> Histogram,
        exemplars: (RequestValues) -> [Exemplar?] = { _ in [] }
    ) {
        guard !rows.isEmpty else { return }
        begin(name, .histogram, help)
        for row in rows {
            append(value(row.values), exemplars: exemplars(row.values), of: name, labels: row.labels)
        }
    }
}

private struct RequestRow {
    let labels: String
    let values: RequestValues
    let spoken: RequestProtocol
}

import MeshModel
import Testing

@testable import MeshTelemetry

/// One line of a metrics page.
struct ParsedSample {
    var name: String
    var labels: [String: String] = [:]
    var value: Double
    /// What follows ` # `.
    var exemplar: String?

    /// `nil` for comments; throws nothing, so that a bad line is simply missed and the test that wants it fails.
    init?(_ line: some StringProtocol) {
        guard !line.hasPrefix("#"), let open = line.firstIndex(of: "{"), let close = line.lastClosingBrace() else {
            return nil
        }
        name = String(line[..<open])
        var rest = line[line.index(after: open)..<close]
        while let equals = rest.firstIndex(of: "=") {
            let name = String(rest[..<equals])
            var place = rest.index(equals, offsetBy: 2)
            var text = ""
            while rest[place] != "\"" {
                if rest[place] == "\\" { place = rest.index(after: place) }
                text.append(rest[place])
                place = rest.index(after: place)
            }
            labels[name] = text
            rest = rest[rest.index(after: place)...]
            if rest.hasPrefix(",") { rest = rest.dropFirst() }
        }
        let parts = line[line.index(close, offsetBy: 2)...].split(separator: "#", maxSplits: 1)
        guard let first = parts.first, let value = Double(String(first).filter { $0 != " " }) else { return nil }
        self.value = value
        exemplar = parts.count > 1 ? String(parts[1]) : nil
    }
}

extension StringProtocol {
    /// The end of the labels: outside quotes.
    fileprivate func lastClosingBrace() -> Index? {
        var isQuoted = false
        var isEscaped = false
        for index in indices {
            if isEscaped { isEscaped = false; continue }
            switch self[index] {
            case "\\": isEscaped = true
            case "\"": isQuoted.toggle()
            case "}" where !isQuoted: return index
            default: break
            }
        }
        return nil
    }
}

@Suite("Metrics of requests")
struct RequestMetricsTests {
    /// Istio, Reference, Standard Metrics; Kiali leaves out series that lack one.
    static let names: Set<String> = [
        "reporter", "source_workload", "source_workload_namespace", "source_principal", "source_app", "source_version",
        "source_cluster", "source_canonical_service", "source_canonical_revision", "destination_workload",
        "destination_workload_namespace", "destination_principal", "destination_app", "destination_version",
        "destination_service", "destination_service_name", "destination_service_namespace", "destination_cluster",
        "destination_canonical_service", "destination_canonical_revision", "request_protocol", "response_code",
        "grpc_response_status", "response_flags", "connection_security_policy",
    ]

    private func key(_ shard: RequestShard, source: String = "web", _ change: (inout RequestKey) -> Void = { _ in })
        -> RequestKey
    {
        let (web, api) = (workload(source, namespace: "shop"), workload("api", namespace: "shop"))
        let service = ConnectionService(Service(name: "api", namespace: "shop", hostname: "api.shop.svc.cluster.local"))
        var key = RequestKey(
            source: shard.party(ConnectionParty(web, identity: web.identity), principal: web.identity),
            destination: shard.party(ConnectionParty(api, identity: nil), principal: api.identity),
            service: shard.service(service), status: 200)
        change(&key)
        return key
    }

    private func amounts(_ milliseconds: Double) -> RequestAmounts {
        var amounts = RequestAmounts()
        amounts.durationMilliseconds = milliseconds
        amounts.requestBytes = 10
        amounts.responseBytes = 2000
        amounts.requestMessages = 1
        amounts.responseMessages = 3
        return amounts
    }

    private func page(_ shards: [RequestShard], _ format: ExpositionFormat = .openMetrics) async -> String {
        let registry = MetricsRegistry()
        for shard in shards {
            let snapshot = shard.snapshot()
            registry.attachRequests { snapshot }
        }
        return await registry.expose(format)
    }

    private func samples(_ page: String, _ name: String) -> [ParsedSample] {
        page.split(separator: "\n").compactMap { ParsedSample($0) }.filter { $0.name == name }
    }

    @Test("two loops are added up, with every label of Istio's")
    func labels() async throws {
        let shards = [RequestShard(), RequestShard()]
        // Numbers of one shard mean nothing on the other.
        _ = shards[1].party(ConnectionParty(workload("other", namespace: "x"), identity: nil), principal: nil)
        for shard in shards { shard.count(key(shard), amounts(7)) }
        let page = await page(shards, .prometheusText)
        let found = samples(page, "istio_requests_total")
        let sample = try #require(found.first)
        #expect(found.count == 1 && sample.value == 2)
        #expect(Set(sample.labels.keys) == Self.names)
        let expected = [
            "reporter": "waypoint", "source_workload": "web", "source_workload_namespace": "shop",
            "source_principal": "spiffe://cluster.local/ns/shop/sa/web", "source_app": "web-app",
            "source_version": "v1", "source_cluster": "east", "destination_workload": "api",
            "destination_principal": "spiffe://cluster.local/ns/shop/sa/api", "destination_service_name": "api",
            "destination_service": "api.shop.svc.cluster.local", "destination_service_namespace": "shop",
            "destination_canonical_revision": "v1", "request_protocol": "http", "response_code": "200",
            "grpc_response_status": "", "response_flags": "-", "connection_security_policy": "mutual_tls",
        ]
        for (name, value) in expected { #expect(sample.labels[name] == value, "\(name)") }
        #expect(page.contains("# TYPE istio_requests_total counter\n"))
        #expect(page.contains("# TYPE istio_request_duration_milliseconds histogram\n"))
        #expect(!page.contains("istio_request_messages"))
    }

    @Test("buckets add up to the count; bounds are included")
    func histogram() async throws {
        let shard = RequestShard()
        for value in [0.5, 0.6, 1, 99, 4_000_000] { shard.count(key(shard), amounts(value)) }
        let page = await page([shard])
        let buckets = samples(page, "istio_request_duration_milliseconds_bucket")
        let byBound = Dictionary(uniqueKeysWithValues: buckets.map { ($0.labels["le"] ?? "", Int($0.value)) })
        #expect(byBound.count == 20)
        #expect(byBound["0.5"] == 1 && byBound["1"] == 3 && byBound["50"] == 3 && byBound["100"] == 4)
        #expect(byBound["3600000"] == 4 && byBound["+Inf"] == 5)
        #expect(buckets.map(\.value) == buckets.map(\.value).sorted())
        #expect(samples(page, "istio_request_duration_milliseconds_count").first?.value == 5)
        #expect(samples(page, "istio_request_duration_milliseconds_sum").first?.value == 4_000_101.1)
        #expect(samples(page, "istio_request_bytes_sum").first?.value == 50)
        #expect(samples(page, "istio_response_bytes_count").first?.value == 5)
    }

    @Test("gRPC has its own protocol, status and messages")
    func grpc() async throws {
        let shard = RequestShard()
        let key = key(shard) {
            $0.spoken = .grpc
            $0.grpcStatus = 14
        }
        shard.count(key, amounts(1))
        let page = await page([shard])
        let sample = try #require(samples(page, "istio_response_messages_total").first)
        #expect(sample.value == 3 && sample.labels["request_protocol"] == "grpc")
        #expect(sample.labels["grpc_response_status"] == "14")
        #expect(samples(page, "istio_request_messages_total").first?.value == 1)
    }

    @Test("exemplars name sampled traces, in OpenMetrics only, in the bucket of the value")
    func exemplars() async throws {
        let clock = StillClock()
        let shard = RequestShard(clock: clock.clock)
        let trace = try #require(TraceID(high: 1, low: 2))
        var context = TraceContext(traceID: trace, spanID: try #require(SpanID(3)), isSampled: false)
        shard.count(key(shard), amounts(300), trace: context)
        #expect(await !page([shard]).contains("trace_id"))
        context.isSampled = true
        shard.count(key(shard), amounts(7), trace: context)
        let found = samples(await page([shard]), "istio_request_duration_milliseconds_bucket")
        let with = found.filter { $0.exemplar != nil }
        #expect(with.count == 1 && with.first?.labels["le"] == "10")
        #expect(
            with.first?.exemplar
                == " {trace_id=\"00000000000000010000000000000002\",span_id=\"0000000000000003\"} 7 1769903999.000")
        #expect(await !page([shard], .prometheusText).contains("trace_id"))
    }

    @Test("series beyond the limit share one for each class of answer, and are counted")
    func overflow() async throws {
        let shard = RequestShard(seriesMax: 2)
        for number in 0..<6 { shard.count(key(shard, source: "w\(number)") { $0.status = 200 + 1 }, amounts(1)) }
        let page = await page([shard])
        let found = samples(page, "istio_requests_total")
        #expect(found.count == 3 && found.reduce(0) { $0 + $1.value } == 6)
        let other = try #require(found.first { $0.labels["source_workload"] == "other" })
        #expect(other.value == 4 && other.labels["response_code"] == "200")
        #expect(other.labels["destination_service"] == "other" && Set(other.labels.keys) == Self.names)
        #expect(page.contains("apus_request_series_overflows_total 4"))
    }

    @Test("parties beyond their limit are others; what is unknown says so")
    func parties() async throws {
        let shard = RequestShard(partiesMax: 1)
        let known = key(shard)
        shard.count(known, amounts(1))
        let empty = RequestShard()
        let nobody = empty.party(ConnectionParty(), principal: nil)
        empty.count(
            RequestKey(source: nobody, destination: nobody, service: .none, status: 0, flags: [EnvoyFlags("DC")]),
            amounts(1))
        let first = try #require(samples(await page([shard]), "istio_requests_total").first)
        #expect(first.labels["source_workload"] == "web" && first.labels["destination_workload"] == "other")
        let second = try #require(samples(await page([empty]), "istio_requests_total").first)
        #expect(second.labels["source_workload"] == "unknown" && second.labels["destination_service"] == "unknown")
        #expect(second.labels["response_code"] == "0" && second.labels["response_flags"] == "DC")
    }

    @Test("a label value cannot end its quotes")
    func escaping() async throws {
        let shard = RequestShard()
        shard.count(key(shard, source: "a\"},b\\\n"), amounts(1))
        let sample = try #require(samples(await page([shard]), "istio_requests_total").first)
        #expect(sample.value == 1 && Set(sample.labels.keys) == Self.names)
    }

    @Test("flags are read and written as Envoy writes them", arguments: ["-", "UH", "UF,URX", "DC", "UAEX"])
    func flags(text: String) {
        #expect(EnvoyFlags(text).text == text)
    }

    @Test("gRPC messages are counted however the body is cut")
    func messages() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let lengths = (0..<Int.random(in: 0...6, using: &generator)).map { _ in Int.random(in: 0...300) }
            let body: [UInt8] = lengths.flatMap { length -> [UInt8] in
                [0, 0, 0, UInt8(length >> 8), UInt8(length & 255)] + [UInt8](repeating: 1, count: length)
            }
            var counter = GRPCMessageCounter()
            var place = 0
            while place < body.count {
                let end = min(body.count, place + Int.random(in: 1...64, using: &generator))
                counter.pass(body[place..<end])
                place = end
            }
            #expect(counter.messages == lengths.count, "\(lengths)")
        }
    }
}

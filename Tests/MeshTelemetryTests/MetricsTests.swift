import MeshModel
import MeshTelemetry
import Testing

@Suite("The metrics page")
struct MetricsTests {
    /// Labels of `outboundFields()`, with the flag left open.
    private func labels(flag: String) -> String {
        #"reporter="source",source_workload="web",source_canonical_service="web-app",source_canonical_revision="v1","#
            + #"source_workload_namespace="shop",source_principal="spiffe://cluster.local/ns/shop/sa/web","#
            + #"source_app="web-app",source_version="v1",source_cluster="east","#
            + #"destination_service="api.shop.svc.cluster.local",destination_service_namespace="shop","#
            + #"destination_service_name="api",destination_workload="api",destination_canonical_service="api-app","#
            + #"destination_canonical_revision="v1",destination_workload_namespace="shop","#
            + #"destination_principal="spiffe://cluster.local/ns/shop/sa/api",destination_app="api-app","#
            + #"destination_version="v1",destination_cluster="east",request_protocol="tcp",response_flags="\#(flag)","#
            + #"connection_security_policy="mutual_tls",source_region="r1",source_zone="z1",destination_region="r1","#
            + #"destination_zone="z1""#
    }

    private func page(_ shards: [MetricsShard], _ format: ExpositionFormat = .openMetrics) async -> [String] {
        let registry = MetricsRegistry()
        for shard in shards {
            let snapshot = shard.snapshot()
            registry.attach { snapshot }
        }
        return await registry.expose(format).split(separator: "\n").map(String.init)
    }

    private func quietLog() -> AccessLog {
        AccessLog(LogOutput(filter: LogFilter(.off), sink: LineSink { _ in }))
    }

    @Test("traffic of two loops is added up, with labels in the order dashboards know")
    func traffic() async {
        let shards = [MetricsShard(), MetricsShard()]
        let log = quietLog()
        for (index, shard) in shards.enumerated() {
            let record = ConnectionRecord(outboundFields(), shard: shard, log: log)
            record.add(fromClient: 10, fromServer: 1000)
            record.finish(index == 0 ? .completed : .failed(.dial(cause: "refused")))
        }
        let open = ConnectionRecord(outboundFields(), shard: shards[0], log: log)
        open.add(fromClient: 1, fromServer: 0)
        let lines = await page(shards)
        open.finish(.completed)
        for expected in [
            "# TYPE istio_tcp_connections_opened counter",
            "istio_tcp_connections_opened_total{\(labels(flag: "-"))} 3",
            "istio_tcp_connections_closed_total{\(labels(flag: "-"))} 1",
            "istio_tcp_connections_closed_total{\(labels(flag: "CONNECT"))} 1",
            "istio_tcp_connections_failed_total{\(labels(flag: "CONNECT"))} 1",
            "istio_tcp_received_bytes_total{\(labels(flag: "-"))} 21",
            "istio_tcp_sent_bytes_total{\(labels(flag: "-"))} 2000",
        ] {
            #expect(lines.contains(expected), "\(expected)")
        }
        #expect(!lines.contains { $0.hasPrefix("istio_tcp_connections_failed_total") && $0.contains(#"flags="-""#) })
        #expect(lines.last == "# EOF")
    }

    @Test("what is unknown says unknown, and localities are absent when neither side is known")
    func unknown() async {
        let shard = MetricsShard()
        let fields = ConnectionFields(
            reporter: .destination, sourceAddress: address("10.0.0.1:1"), destinationAddress: address("10.0.0.2:2"))
        ConnectionRecord(fields, shard: shard, log: quietLog()).finish(.completed)
        let line = await page([shard]).first { $0.hasPrefix("istio_tcp_connections_opened_total") } ?? ""
        #expect(line.contains(#"reporter="destination",source_workload="unknown","#))
        #expect(line.contains(#"source_principal="unknown""#))
        #expect(line.hasSuffix(#"response_flags="-",connection_security_policy="unknown"} 1"#))
    }

    @Test("the principal of a plain-text source is unknown; the destination's is what discovery assigned")
    func principals() async {
        let shard = MetricsShard()
        var fields = outboundFields()
        fields.source.identity = nil
        fields.destination.identity = nil
        fields.isMutualTLS = false
        ConnectionRecord(fields, shard: shard, log: quietLog()).finish(.completed)
        let line = await page([shard]).first { $0.hasPrefix("istio_tcp_connections_opened_total") } ?? ""
        #expect(line.contains(#"source_principal="unknown""#))
        #expect(line.contains(#"destination_principal="spiffe://cluster.local/ns/shop/sa/api""#))
        #expect(line.contains(#"connection_security_policy="unknown""#))
    }

    @Test("label sets beyond the limit share one, and are counted")
    func overflow() async {
        let shard = MetricsShard(labelSetsMax: 2)
        let log = quietLog()
        for number in 0..<5 {
            var fields = outboundFields()
            fields.source.workloadName = "w\(number)"
            ConnectionRecord(fields, shard: shard, log: log).finish(.completed)
        }
        let opened = await page([shard]).filter { $0.hasPrefix("istio_tcp_connections_opened_total{") }
        #expect(opened.count == 3)
        #expect(opened.contains { $0.contains(#"source_workload="other""#) && $0.hasSuffix(" 3") })
        #expect(await page([shard]).contains("apus_metrics_label_overflows_total 3"))
    }

    @Test("open sockets are counted by direction")
    func sockets() async {
        let shard = MetricsShard()
        shard.socketOpened(.source)
        shard.socketOpened(.source)
        shard.socketOpened(.destination)
        shard.socketClosed(.source)
        let lines = await page([shard])
        #expect(lines.contains(#"istio_tcp_sockets_open{reporter="source"} 1"#))
        #expect(lines.contains(#"istio_tcp_sockets_open{reporter="destination"} 1"#))
    }

    @Test("families of other rooms are read when the page is made")
    func families() async {
        let registry = MetricsRegistry()
        let messages = registry.counter(
            "istio_xds_message", help: "Messages (unstable)", labels: [("url", "a\"b\\c\nd")])
        registry.counter("istio_xds_message", help: "Messages (unstable)", labels: [("url", "z")]) { 7 }
        registry.gauge("apus_pods", help: "Pods by \"phase\"") { 2.5 }
        registry.family("apus_none", type: .gauge, help: "Never") { [] }
        messages.add()
        messages.add(2)
        let text = await registry.expose()
        #expect(
            text.contains(
                """
                # HELP istio_xds_message Messages (unstable)
                # TYPE istio_xds_message counter
                istio_xds_message_total{url="a\\"b\\\\c\\nd"} 3
                istio_xds_message_total{url="z"} 7
                # HELP apus_pods Pods by \\"phase\\"
                # TYPE apus_pods gauge
                apus_pods 2.5
                """))
        #expect(!text.contains("apus_none"))
        #expect(text.hasSuffix("\n# EOF\n"))
    }

    @Test("the older text format names counters in full and has no end mark")
    func prometheusText() async {
        let registry = MetricsRegistry()
        registry.counter("a", help: "h \"q\"") { 1 }
        let text = await registry.expose(.prometheusText)
        #expect(text.contains("# HELP a_total h \"q\"\n# TYPE a_total counter\na_total 1\n"))
        #expect(!text.contains("# EOF"))
    }

    @Test("the Accept header chooses the format")
    func accept() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
        #expect(ExpositionFormat(accept: prometheus) == .openMetrics)
        #expect(ExpositionFormat(accept: "text/plain") == .prometheusText)
        #expect(ExpositionFormat(accept: "*/*") == .prometheusText)
        #expect(ExpositionFormat(accept: nil) == .prometheusText)
    }

    @Test("the process, the build and the log have their metrics")
    func process() async {
        let registry = MetricsRegistry()
        let output = LogOutput(sink: LineSink { _ in })
        registry.registerProcess()
        registry.registerBuild(component: "ztunnel", version: "1.0")
        registry.registerLog(output)
        await output.sink.close()
        output.sink.append([1])
        let lines = await registry.expose().split(separator: "\n").map(String.init)
        #expect(lines.contains(#"istio_build{component="ztunnel",tag="1.0"} 1"#))
        #expect(lines.contains("apus_access_log_dropped_total 1"))
        for name in ["process_open_fds", "process_max_fds", "process_resident_memory_bytes", "process_threads"] {
            let value = lines.first { $0.hasPrefix("\(name) ") }.flatMap { Double($0.dropFirst(name.count + 1)) }
            #expect((value ?? 0) >= 1, "\(name)")
        }
        #expect(lines.contains { $0.hasPrefix("process_cpu_seconds_total ") })
    }
}

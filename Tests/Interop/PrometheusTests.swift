import Foundation
import Logging
import MeshModel
import MeshRuntime
import MeshTelemetry
import MeshTesting
import NIOCore
import NIOPosix
import Testing

/// Prometheus and its own checker, of Debian.
@Suite("Metrics and Prometheus", .serialized)
struct PrometheusTests {
    private func registry() throws -> MetricsRegistry {
        let metrics = MetricsRegistry()
        let shard = RequestShard()
        var web = Workload(uid: "w", name: "web-1", namespace: "shop", serviceAccount: "web")
        (web.workloadName, web.canonicalName) = ("web", "web")
        let party = shard.party(ConnectionParty(web, identity: web.identity), principal: web.identity)
        let service = ConnectionService(Service(name: "api", namespace: "shop", hostname: "api.shop.svc.cluster.local"))
        let trace = TraceContext(
            traceID: try #require(TraceID(high: 0, low: 0xabc)), spanID: try #require(SpanID(1)), isSampled: true)
        for spoken in [RequestProtocol.http, .grpc] {
            var amounts = RequestAmounts()
            amounts.durationMilliseconds = 7
            amounts.requestMessages = 2
            let key = RequestKey(
                source: party, destination: party, service: shard.service(service), status: 200,
                grpcStatus: spoken == .grpc ? 0 : nil, spoken: spoken)
            shard.count(key, amounts, trace: trace)
        }
        let snapshot = shard.snapshot()
        metrics.attachRequests { snapshot }
        metrics.registerProcess()
        metrics.registerBuild(component: "waypoint", version: "1.0")
        return metrics
    }

    @Test("promtool finds nothing but the unit of Istio's own duration")
    func promtool() async throws {
        let folder = try TemporaryDirectory()
        let page = "\(folder.path)/page"
        try await registry().expose(.prometheusText).write(toFile: page, atomically: true, encoding: .utf8)
        let promtool = "\(try Repository.peer("prometheus"))/promtool"
        let (_, output) = try Shell.runAnyStatus(["sh", "-c", "'\(promtool)' check metrics < '\(page)'"])
        let complaints = output.split(separator: "\n").filter {
            // The name is Istio's; dashboards ask for it.
            !$0.hasPrefix("istio_request_duration_milliseconds use base unit \"seconds\"")
        }
        #expect(complaints.isEmpty, "\(output)")
        #expect(output.contains("istio_request_duration_milliseconds"), "the checker was not run: \(output)")
    }

    @Test("Prometheus scrapes us in OpenMetrics, with exemplars")
    func scrape() async throws {
        let folder = try TemporaryDirectory()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = AdminServer(
            routes: StandardRoutes.metrics(try registry()), group: group,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let free = TransportAddress(IPAddress(v4: 0x7f00_0001), port: 0)
        let address = try await server.start(on: [free])[0]
        let configuration = """
            scrape_configs:
              - job_name: waypoint
                scrape_interval: 200ms
                scrape_timeout: 200ms
                metrics_path: /stats/prometheus
                static_configs: [ { targets: [ "\(address)" ] } ]
            """
        try configuration.write(toFile: "\(folder.path)/config.yaml", atomically: true, encoding: .utf8)
        let port = try #require(TransportAddress("127.0.0.1:\(Int.random(in: 20_000...29_000))"))
        let prometheus = try Background(
            "prometheus", in: nil, folder: folder.path,
            [
                "\(try Repository.peer("prometheus"))/prometheus", "--config.file=\(folder.path)/config.yaml",
                "--storage.tsdb.path=\(folder.path)/data", "--web.listen-address=\(port)",
                "--enable-feature=exemplar-storage",
            ])
        func ask(_ path: String) -> String {
            (try? Shell.run(["curl", "-sS", "--max-time", "5", "http://\(port)\(path)"])) ?? ""
        }
        let query = "/api/v1/query?query=istio_requests_total"
        try prometheus.wait(for: "a scrape", seconds: 60) { ask(query).contains("\"reporter\":\"waypoint\"") }
        let answer = ask(query)
        for text in [
            #""source_workload":"web""#, #""destination_service":"api.shop.svc.cluster.local""#,
            #""request_protocol":"grpc""#, #""response_code":"200""#, #""connection_security_policy":"mutual_tls""#,
        ] {
            #expect(answer.contains(text), "\(answer)")
        }
        let quantile = "histogram_quantile(0.5,sum(istio_request_duration_milliseconds_bucket)by(le))"
        #expect(ask("/api/v1/query?query=\(quantile)").contains(#""7.5""#), "\(ask("/api/v1/query?query=\(quantile)"))")
        try prometheus.wait(for: "an exemplar") {
            let now = Int(Date().timeIntervalSince1970)
            let family = "istio_request_duration_milliseconds_bucket"
            return ask(
                "/api/v1/query_exemplars?query=\(family)&start=\(now - 600)&end=\(now + 60)"
            ).contains("00000000000000000000000000000abc")
        }
        await server.stop()
        try await group.shutdownGracefully()
        withExtendedLifetime(prometheus) {}
    }
}

import Foundation
import MeshTesting
import Testing

/// A span as the collector of the tests prints it.
private struct CollectedSpan: Decodable {
    let resource: [String: String]
    let trace: String
    let span: String
    let parent: String
    let kind: Int

    static func all(of collector: MeshProcess) -> [CollectedSpan] {
        collector.output.split(separator: "\n").compactMap {
            try? JSONDecoder().decode(CollectedSpan.self, from: Data($0.utf8))
        }
    }
}

private struct CollectorPorts: Decodable {
    let http: Int
}

extension WaypointTests {
    @Test("counts a request with the names of both sides, and its spans reach a collector")
    func observes() async throws {
        try await inMesh { mesh in
            try await prepare(mesh)
            let server = try await mesh.serveHTTP(in: "api", port: 7080)
            let collector = try await mesh.startCollector(in: "waypoint-0")
            let ports = try JSONDecoder().decode(CollectorPorts.self, from: Data(collector.output.utf8))
            let waypoint = try await mesh.startWaypoint(
                "waypoint", in: "waypoint-0",
                settings: [
                    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:\(ports.http)", "TRACE_SAMPLING": "100",
                    "OTEL_BSP_SCHEDULE_DELAY": "50",
                ])
            var answer = ""
            try await Wait.eventually("an answer") {
                answer = try await mesh.web("web", "get", Self.address, "80", "/traced").output
                return answer.contains("200 OK")
            }

            let (caller, endpoint) = (try mesh.plan("web").identity, try mesh.plan("api").identity)
            let labels = [
                "reporter": "waypoint", "response_code": "200", "response_flags": "-", "request_protocol": "http",
                "source_workload": "web", "source_workload_namespace": "shop", "source_principal": caller,
                "destination_workload": "api", "destination_workload_namespace": "shop",
                "destination_principal": endpoint, "destination_service": "api.shop.svc.cluster.local",
                "connection_security_policy": "mutual_tls",
            ]
            var counted: [MetricSample] = []
            try await Wait.eventually("the answer is counted") {
                counted = try await mesh.metrics(of: "waypoint-0").filter {
                    $0.name == "istio_requests_total" && $0.text.contains("response_code=\"200\"")
                }
                return !counted.isEmpty
            }
            #expect(counted.map(\.value) == [1])
            for (name, value) in labels {
                #expect(counted[0].text.contains("\(name)=\"\(value)\""), "\(counted[0].text)")
            }

            // The endpoint was told of the span of the try, whose parent is the span of the request.
            let lines = answer.lowercased().split(whereSeparator: \.isNewline)
            let field = try #require(lines.first { $0.hasPrefix("traceparent: ") }, "\(answer)")
            let parts = field.split(separator: "-").map(String.init)
            try #require(parts.count == 4)
            var spans: [CollectedSpan] = []
            try await Wait.eventually("both spans at the collector", seconds: 20) {
                spans = CollectedSpan.all(of: collector).filter { $0.trace == parts[1] }
                return spans.count == 2
            }
            // SPAN_KIND_SERVER and SPAN_KIND_CLIENT.
            let request = try #require(spans.first { $0.kind == 2 })
            let attempt = try #require(spans.first { $0.kind == 3 })
            #expect(attempt.span == parts[2] && attempt.parent == request.span && request.parent == "")
            #expect(request.resource["service.name"] == "waypoint.shop")

            await waypoint.stop()
            #expect(waypoint.status == 0 && waypoint.output.contains("waypoint stopped"), "\(waypoint.output)")
            await server.stop(SIGKILL)
            await collector.stop(SIGKILL)
        }
    }
}

import Foundation
import Logging
import MeshTelemetry
import MeshTesting
import MeshTracing
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// Passes batches on and keeps what the collector said against them.
private final class WatchedCollector: SpanCollector {
    private let collector: any SpanCollector
    private let seen = Mutex<[ExportError]>([])
    var errors: [ExportError] { seen.withLock { $0 } }

    init(_ collector: any SpanCollector) { self.collector = collector }

    func export(_ spans: [Span]) async throws(ExportError) {
        do throws(ExportError) {
            try await collector.export(spans)
        } catch {
            seen.withLock { $0.append(error) }
            throw error
        }
    }
}

/// A collector of OpenTelemetry's own messages, in Python.
@Suite("Spans at a collector", .serialized)
struct CollectorTests {
    struct Ports: Decodable {
        let http: Int
        let grpc: Int
    }

    struct Seen: Decodable {
        let how: String
        let headers: [String: String]
        let resource: [String: String]
        let name: String
        let trace: String
        let span: String
        let parent: String
        let kind: Int
        let state: String
        let status: Int
        let nanoseconds: Int
    }

    private func span(_ name: String, parent: SpanID? = nil, isError: Bool = false) throws -> Span {
        let trace = try #require(TraceID(high: 0x0102_0304_0506_0708, low: 0x090a_0b0c_0d0e_0f10))
        let context = TraceContext(
            traceID: trace, spanID: try #require(SpanID(0x1112_1314_1516_1718)), isSampled: true, state: "vendor=1")
        var span = Span(
            context: context, parent: parent, name: name, kind: parent == nil ? .server : .client,
            startMicroseconds: 1_769_903_999_000_001, endMicroseconds: 1_769_903_999_001_501)
        span.attributes = [SpanAttribute("http.status_code", 503), SpanAttribute("error", true)]
        span.isError = isError
        return span
    }

    private func seen(_ collector: Background) -> [Seen] {
        collector.log.split(separator: "\n").compactMap { try? JSONDecoder().decode(Seen.self, from: Data($0.utf8)) }
    }

    @Test("come whole by HTTP and by gRPC, after two refusals, also those that wait at the end",
          arguments: CollectorEndpoint.Form.allCases)
    func arrive(_ form: CollectorEndpoint.Form) async throws {
        let folder = try TemporaryDirectory()
        let script = "\(Repository.root)/Tests/Fixtures/Interop/collector.py"
        let collector = try Background(
            "collector", in: nil, folder: folder.path,
            [try Repository.peer("collector"), "-B", script, "--refuse", "2"])
        try collector.wait(for: "the collector to listen") { collector.log.contains("grpc") }
        let ports = try JSONDecoder().decode(Ports.self, from: Data(collector.log.utf8))
        let port = form == .grpc ? ports.grpc : ports.http
        let endpoint = try #require(
            CollectorEndpoint("http://127.0.0.1:\(port)", form: form, headers: "X-Tenant = shop"))
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let resource = [("service.name", "waypoint.shop")]
        let queue = SpanQueue()
        var settings = SpanExporterSettings()
        settings.delay = .milliseconds(20)
        settings.retryDelay = .milliseconds(10)
        settings.shutdownTimeout = .seconds(20)
        let grpc = GRPCCollector(endpoint, resource: resource, group: group)
        let watched = WatchedCollector(
            form == .grpc ? grpc : HTTPCollector(endpoint, resource: resource, group: group))
        let exporter = SpanExporter(
            queue: queue, collector: watched, settings: settings,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let task = Task { await exporter.run() }
        queue.append(try span("first"))
        do {
            try await Wait.eventually("the first span", seconds: 60) { seen(collector).count == 1 }
        } catch {
            throw Background.Ended(description: "\(error); \(watched.errors); \(collector.log)")
        }
        queue.append(try span("second", parent: SpanID(0x2122_2324_2526_2728), isError: true))
        await exporter.stop(task)
        await grpc.close()
        let spans = seen(collector)
        #expect(spans.map(\.name) == ["first", "second"])
        // A connection that is still being made is no failure of a batch.
        let refusal = form == .grpc ? "unavailable: later" : "status 503"
        #expect(watched.errors == Array(repeating: .tryAgain(reason: refusal, after: nil), count: 2))
        #expect(exporter.exportedSpans == 2 && exporter.failedSpans == 0)
        let second = try #require(spans.last)
        #expect(second.trace == "0102030405060708090a0b0c0d0e0f10" && second.span == "1112131415161718")
        #expect(spans[0].parent == "" && second.parent == "2122232425262728")
        // SPAN_KIND_SERVER, SPAN_KIND_CLIENT, STATUS_CODE_ERROR.
        #expect(spans[0].kind == 2 && second.kind == 3 && spans[0].status == 0 && second.status == 2)
        #expect(second.state == "vendor=1" && second.nanoseconds == 1_500_000)
        #expect(second.resource == ["service.name": "waypoint.shop"] && second.headers["x-tenant"] == "shop")
        try await group.shutdownGracefully()
        withExtendedLifetime(collector) {}
    }
}

import Logging
import MeshTelemetry
import MeshTesting
import Synchronization
import Testing

@testable import MeshTracing

/// Answers as it is told, then takes everything.
final class ScriptedCollector: SpanCollector {
    private struct State {
        var answers: [ExportError] = []
        var taken: [[Span]] = []
        var tries = 0
        var isStuck = false
    }

    private let state: Mutex<State>

    init(_ answers: [ExportError] = [], isStuck: Bool = false) {
        state = Mutex(State(answers: answers, isStuck: isStuck))
    }

    var taken: [[Span]] { state.withLock { $0.taken } }
    var tries: Int { state.withLock { $0.tries } }

    func export(_ spans: [Span]) async throws(ExportError) {
        let (answer, isStuck) = state.withLock { state -> (ExportError?, Bool) in
            state.tries += 1
            let answer = state.answers.isEmpty ? nil : state.answers.removeFirst()
            if answer == nil, !state.isStuck { state.taken.append(spans) }
            return (answer, state.isStuck)
        }
        if isStuck { try? await Task.sleep(for: .seconds(3600)) }
        if isStuck || Task.isCancelled { throw .refused(reason: "stopped") }
        if let answer { throw answer }
    }
}

@Suite("The exporter of spans")
struct ExporterTests {
    private func span(_ number: UInt64) throws -> Span {
        let context = TraceContext(
            traceID: try #require(TraceID(high: 1, low: number)), spanID: try #require(SpanID(number)), isSampled: true)
        return Span(
            context: context, parent: nil, name: "\(number)", kind: .server, startMicroseconds: 1, endMicroseconds: 2)
    }

    private func exporter(
        _ queue: SpanQueue, _ collector: ScriptedCollector, _ change: (inout SpanExporterSettings) -> Void = { _ in }
    ) -> SpanExporter {
        var settings = SpanExporterSettings()
        settings.delay = .seconds(3600)
        settings.retryDelay = .milliseconds(1)
        change(&settings)
        return SpanExporter(
            queue: queue, collector: collector, settings: settings,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test("a whole batch goes at once; the rest goes at the end")
    func batches() async throws {
        let (queue, collector) = (SpanQueue(batchMax: 3), ScriptedCollector())
        let exporter = exporter(queue, collector)
        let task = Task { await exporter.run() }
        for number in 1...4 { queue.append(try span(UInt64(number))) }
        try await Wait.eventually("a batch", seconds: 60) { !collector.taken.isEmpty }
        #expect(collector.taken.first?.map(\.name) == ["1", "2", "3"])
        queue.append(try span(5))
        await exporter.stop(task)
        #expect(collector.taken.flatMap { $0 }.map(\.name) == ["1", "2", "3", "4", "5"])
        #expect(exporter.exportedSpans == 5)
        queue.append(try span(6))
        #expect(queue.droppedSpans == 1)
    }

    @Test("a few spans go after the delay")
    func delay() async throws {
        let (queue, collector) = (SpanQueue(), ScriptedCollector())
        let exporter = exporter(queue, collector) { $0.delay = .milliseconds(5) }
        let task = Task { await exporter.run() }
        queue.append(try span(1))
        try await Wait.eventually("the span", seconds: 60) { collector.taken.count == 1 }
        await exporter.stop(task)
    }

    @Test("a full queue drops the new span and counts it")
    func bound() throws {
        let queue = SpanQueue(spansMax: 2)
        for number in 1...5 { queue.append(try span(UInt64(number))) }
        #expect(queue.droppedSpans == 3)
        #expect(queue.take().map(\.name) == ["1", "2"])
        queue.append(try span(6))
        #expect(queue.take().map(\.name) == ["6"])
    }

    @Test("what may be tried again is, as often as set; then it is lost and counted")
    func retries() async throws {
        let later = ExportError.tryAgain(reason: "busy", after: nil)
        let (queue, collector) = (SpanQueue(), ScriptedCollector([later, later, later, .refused(reason: "no")]))
        let exporter = exporter(queue, collector) { $0.attemptsMax = 3 }
        let task = Task { await exporter.run() }
        queue.append(try span(1))
        queue.append(try span(2))
        await exporter.stop(task)
        #expect(collector.tries == 3 && exporter.failedSpans == 2 && exporter.exportedSpans == 0)
    }

    @Test("what is refused is not tried again")
    func refusal() async throws {
        let (queue, collector) = (SpanQueue(batchMax: 1), ScriptedCollector([.refused(reason: "no")]))
        let exporter = exporter(queue, collector)
        let task = Task { await exporter.run() }
        queue.append(try span(1))
        queue.append(try span(2))
        await exporter.stop(task)
        #expect(collector.tries == 2 && exporter.failedSpans == 1 && exporter.exportedSpans == 1)
    }

    @Test("a collector that never answers does not hold the end up")
    func stuck() async throws {
        let (queue, collector) = (SpanQueue(), ScriptedCollector(isStuck: true))
        let exporter = exporter(queue, collector) { $0.shutdownTimeout = .milliseconds(20) }
        let task = Task { await exporter.run() }
        queue.append(try span(1))
        await exporter.stop(task)
        #expect(exporter.failedSpans == 1)
    }

    @Test("addresses of collectors", arguments: [
        ("http://otel:4318", CollectorEndpoint.Form.http, "otel", 4318, "/v1/traces"),
        ("http://otel", .http, "otel", 4318, "/v1/traces"), ("http://otel/", .http, "otel", 4318, "/v1/traces"),
        ("http://[::1]:99/a", .http, "::1", 99, "/a/v1/traces"), ("http://[::1]", .grpc, "::1", 4317, "/v1/traces"),
        ("http://h/x/v1/traces", .http, "h", 4318, "/x/v1/traces"), ("https://h:1", .grpc, "h", 1, "/v1/traces"),
    ])
    func endpoints(text: String, form: CollectorEndpoint.Form, host: String, port: Int, path: String) throws {
        let endpoint = try #require(CollectorEndpoint(text, form: form))
        #expect(endpoint.host == host && Int(endpoint.port) == port && endpoint.path == path)
    }

    @Test("addresses and headers that are refused", arguments: [
        ("otel:4318", ""), ("https://otel", ""), ("http://", ""), ("http://h:0", ""), ("http://h:x", ""),
        ("http://u@h", ""), ("http://h", "name"), ("http://h", "=v"), ("http://h", "a=b\r\nc: d"),
    ])
    func refusedEndpoints(text: String, headers: String) {
        #expect(CollectorEndpoint(text, form: .http, headers: headers) == nil)
    }
}

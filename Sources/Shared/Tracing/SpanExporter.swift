package import Logging
package import MeshTelemetry
import Synchronization

/// How spans are exported. Names and defaults as OpenTelemetry's OTEL_BSP_* settings.
package struct SpanExporterSettings: Hashable, Sendable {
    /// The longest that a span waits for others.
    package var delay: Duration = .seconds(5)
    /// Tries of one batch, the first included; then its spans are lost and counted.
    package var attemptsMax = 5
    /// Between the first two tries; doubled each time.
    package var retryDelay: Duration = .seconds(1)
    /// The longest wait between tries, whatever the collector asks for.
    package var retryDelayMax: Duration = .seconds(30)
    /// How long the end may take for what still waits.
    package var shutdownTimeout: Duration = .seconds(5)

    package init() {}
}

/// Carries finished spans from the queue to the collector, batch after batch. Its one task runs beside the loops.
package final class SpanExporter: Sendable {
    private let queue: SpanQueue
    private let collector: any SpanCollector
    private let settings: SpanExporterSettings
    private let log: Logger
    private let exported = Atomic<Int>(0)
    private let failed = Atomic<Int>(0)
    private let retried = Atomic<Int>(0)

    package init(
        queue: SpanQueue, collector: any SpanCollector, settings: SpanExporterSettings = SpanExporterSettings(),
        log: Logger
    ) {
        self.queue = queue
        self.collector = collector
        self.settings = settings
        self.log = log
    }

    /// Spans that the collector took.
    package var exportedSpans: Int { exported.load(ordering: .relaxed) }
    /// Spans that it did not take, after all tries.
    package var failedSpans: Int { failed.load(ordering: .relaxed) }

    /// Runs until the queue is closed and empty, or its task is cancelled.
    package func run() async {
        while !Task.isCancelled {
            await queue.untilBatch(within: settings.delay)
            while !Task.isCancelled {
                let batch = queue.take()
                if batch.isEmpty { break }
                await export(batch)
            }
            if queue.isClosed { return }
        }
    }

    /// Takes no more spans and waits until what is there was exported, at most for the time set.
    /// - Parameter task: the one that runs `run`.
    package func stop(_ task: Task<Void, Never>) async {
        queue.close()
        let bound = settings.shutdownTimeout
        let guardian = Task {
            guard (try? await Task.sleep(for: bound)) != nil else { return }
            task.cancel()
        }
        await task.value
        guardian.cancel()
    }

    /// Shows what became of spans on the metrics page.
    package func register(in metrics: MetricsRegistry) {
        metrics.counter("apus_spans_exported", help: "Spans that the collector took") { self.exportedSpans }
        metrics.counter("apus_spans_failed", help: "Spans lost: the collector did not take them") { self.failedSpans }
        metrics.counter("apus_spans_dropped", help: "Spans lost: the queue was full") { self.queue.droppedSpans }
        metrics.counter("apus_span_export_retries", help: "Batches of spans sent again") {
            self.retried.load(ordering: .relaxed)
        }
    }

    private func export(_ batch: [Span]) async {
        var delay = settings.retryDelay
        for attempt in 1...max(1, settings.attemptsMax) {
            do throws(ExportError) {
                try await collector.export(batch)
                exported.add(batch.count, ordering: .relaxed)
                return
            } catch {
                guard case .tryAgain(_, let wanted) = error, attempt < settings.attemptsMax else {
                    return lose(batch, error)
                }
                // Half of it by chance, so that many waypoints do not come back together.
                let pause = max(delay * Double.random(in: 0.5...1), wanted ?? .zero)
                guard (try? await Task.sleep(for: min(pause, settings.retryDelayMax))) != nil else {
                    return lose(batch, error)
                }
                retried.add(1, ordering: .relaxed)
                delay = delay * 2
            }
        }
    }

    private func lose(_ batch: [Span], _ error: ExportError) {
        failed.add(batch.count, ordering: .relaxed)
        log.warning("spans lost", metadata: ["count": "\(batch.count)", "error": "\(error)"])
    }
}

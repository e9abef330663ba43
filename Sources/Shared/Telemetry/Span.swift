import Synchronization

/// One attribute of a span.
package struct SpanAttribute: Hashable, Sendable {
    package enum Value: Hashable, Sendable {
        case text(String)
        case number(Int)
        case flag(Bool)
    }

    package let name: String
    package let value: Value

    /// Text that a peer chose is cut to `TelemetryLimits.spanValueBytesMax`.
    package init(_ name: String, _ text: String) {
        self.name = name
        self.value = .text(Self.cut(text))
    }

    package init(_ name: String, _ number: Int) {
        self.name = name
        self.value = .number(number)
    }

    package init(_ name: String, _ flag: Bool) {
        self.name = name
        self.value = .flag(flag)
    }

    private static func cut(_ text: String) -> String {
        guard text.utf8.count > TelemetryLimits.spanValueBytesMax else { return text }
        // A character that is cut in two is repaired, which is fine for people.
        return String(decoding: text.utf8.prefix(TelemetryLimits.spanValueBytesMax), as: UTF8.self)
    }
}

/// A piece of work in a trace that is over, as it is exported.
package struct Span: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// A request that we served.
        case server
        /// An attempt to have it served by an endpoint.
        case client
    }

    package var context: TraceContext
    package var parent: SpanID?
    package var name: String
    package var kind: Kind
    /// Microseconds since 1970-01-01T00:00:00Z.
    package var startMicroseconds: Int64
    package var endMicroseconds: Int64
    package var attributes: [SpanAttribute] = []
    /// It ended without an answer, or with one of 500 or more.
    package var isError = false

    package init(
        context: TraceContext, parent: SpanID?, name: String, kind: Kind, startMicroseconds: Int64,
        endMicroseconds: Int64
    ) {
        self.context = context
        self.parent = parent
        self.name = name
        self.kind = kind
        self.startMicroseconds = startMicroseconds
        self.endMicroseconds = endMicroseconds
    }
}

/// Finished spans on their way from the loops to the exporter. Any thread may append; nobody waits.
package final class SpanQueue: Sendable {
    private struct State {
        var spans: [Span] = []
        var waiter: CheckedContinuation<Void, Never>?
        var isClosed = false
    }

    private let state = Mutex(State())
    private let spansMax: Int
    private let batchMax: Int
    private let dropped = Atomic<Int>(0)

    /// - Parameter batchMax: so many spans need not wait any longer.
    package init(spansMax: Int = TelemetryLimits.spanQueueMax, batchMax: Int = 512) {
        self.spansMax = max(1, spansMax)
        self.batchMax = min(max(1, batchMax), max(1, spansMax))
    }

    /// Spans that found the queue full or closed.
    package var droppedSpans: Int { dropped.load(ordering: .relaxed) }

    /// Leaves a span for the exporter; a full queue drops it and counts it.
    package func append(_ span: Span) {
        let (isTaken, waiter) = state.withLock { state -> (Bool, CheckedContinuation<Void, Never>?) in
            guard !state.isClosed, state.spans.count < spansMax else { return (false, nil) }
            state.spans.append(span)
            guard state.spans.count >= batchMax else { return (true, nil) }
            defer { state.waiter = nil }
            return (true, state.waiter)
        }
        if !isTaken { dropped.add(1, ordering: .relaxed) }
        waiter?.resume()
    }

    /// Returns when a whole batch waits, after `bound`, or when the queue is closed.
    package func untilBatch(within bound: Duration) async {
        var timer: Task<Void, Never>?
        await withCheckedContinuation { continuation in
            let isDue = state.withLock { state in
                guard !state.isClosed, state.spans.count < batchMax else { return true }
                state.waiter = continuation
                return false
            }
            guard !isDue else { return continuation.resume() }
            timer = Task {
                guard (try? await Task.sleep(for: bound)) != nil else { return }
                self.wake()
            }
        }
        timer?.cancel()
    }

    /// Takes the oldest spans, at most one batch.
    package func take() -> [Span] {
        state.withLock { state in
            let batch = Array(state.spans.prefix(batchMax))
            state.spans.removeFirst(batch.count)
            return batch
        }
    }

    /// Takes no more spans; what waits can still be taken.
    package func close() {
        state.withLock { $0.isClosed = true }
        wake()
    }

    package var isClosed: Bool { state.withLock { $0.isClosed } }

    private func wake() {
        let waiter = state.withLock { state in
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}

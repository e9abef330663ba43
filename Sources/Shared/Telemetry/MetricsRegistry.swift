import Synchronization

/// Asks one loop for what its shard counted; returns `.empty` when the loop is gone.
package typealias ShardReader = @Sendable () async -> ShardSnapshot

/// As `ShardReader`, for the requests a loop counted.
package typealias RequestReader = @Sendable () async -> RequestSnapshot

/// A counter for control paths; any thread may add to it.
package final class MetricCounter: Sendable {
    private let count = Atomic<Int>(0)

    package init() {}

    /// `amount` is not negative.
    package func add(_ amount: Int = 1) { count.add(amount, ordering: .relaxed) }

    package var value: Int { count.load(ordering: .relaxed) }
}

/// All metrics of a process. Families are named at start, each by the room that counts it; traffic comes from the
/// shards.
package final class MetricsRegistry: Sendable {
    private struct State {
        var readers: [ShardReader] = []
        var requestReaders: [RequestReader] = []
        /// In the order of their registration; few, so found by a linear search.
        var families: [MetricFamily] = []
    }

    private let state = Mutex(State())

    package init() {}

    /// Includes a loop's shard. The reader runs on any thread and must take the snapshot on the shard's loop.
    package func attach(_ reader: @escaping ShardReader) {
        state.withLock { $0.readers.append(reader) }
    }

    /// Includes a loop's requests; as `attach`.
    package func attachRequests(_ reader: @escaping RequestReader) {
        state.withLock { $0.requestReaders.append(reader) }
    }

    /// A counter whose value another room keeps.
    /// - Parameters:
    ///   - name: without `_total`, which is added when it is exposed.
    ///   - labels: in the order to write them. The same name may be registered again with other values.
    package func counter(
        _ name: String, help: String, labels: [(String, String)] = [], read: @escaping @Sendable () -> Int
    ) {
        register(name, .counter, help, labels) { Double(read()) }
    }

    /// A counter kept here: add to what is returned.
    package func counter(_ name: String, help: String, labels: [(String, String)] = []) -> MetricCounter {
        let counter = MetricCounter()
        register(name, .counter, help, labels) { Double(counter.value) }
        return counter
    }

    /// A value that goes up and down; see `counter`.
    package func gauge(
        _ name: String, help: String, labels: [(String, String)] = [], read: @escaping @Sendable () -> Double
    ) {
        register(name, .gauge, help, labels, read)
    }

    /// A family whose label values are known only when it is read: each sample brings its own.
    package func family(
        _ name: String, type: MetricType, help: String, read: @escaping @Sendable () -> [MetricSample]
    ) {
        precondition(MetricFamily.isValid(name: name), "metric name \(name) is not [a-zA-Z_:][a-zA-Z0-9_:]*")
        state.withLock { $0.families.append(MetricFamily(name: name, type: type, help: help, sources: [read])) }
    }

    /// The metrics page. Slow truth: asks every loop; call it from a control thread.
    package func expose(_ format: ExpositionFormat = .openMetrics) async -> String {
        let (readers, requestReaders, families) = state.withLock { ($0.readers, $0.requestReaders, $0.families) }
        var traffic = ShardSnapshot.empty
        for read in readers { traffic.add(await read()) }
        var page = Exposition(format)
        page.append(traffic)
        if !requestReaders.isEmpty {
            var requests = RequestSnapshot.empty
            for read in requestReaders { requests.add(await read()) }
            page.append(requests)
        }
        for family in families { page.append(family) }
        return page.finished()
    }

    private func register(
        _ name: String, _ type: MetricType, _ help: String, _ labels: [(String, String)],
        _ read: @escaping @Sendable () -> Double
    ) {
        precondition(MetricFamily.isValid(name: name), "metric name \(name) is not [a-zA-Z_:][a-zA-Z0-9_:]*")
        precondition(labels.allSatisfy { MetricFamily.isValid(name: $0.0) }, "a label of metric \(name) is badly named")
        let source: @Sendable () -> [MetricSample] = { [MetricSample(labels: labels, value: read())] }
        state.withLock { state in
            if let index = state.families.firstIndex(where: { $0.name == name }) {
                precondition(state.families[index].type == type, "metric \(name) was registered with another type")
                state.families[index].sources.append(source)
            } else {
                state.families.append(MetricFamily(name: name, type: type, help: help, sources: [source]))
            }
        }
    }
}

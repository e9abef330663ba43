package import MeshModel
import Synchronization

/// How a connection ended.
package struct ConnectionEnd: Hashable, Sendable {
    /// `nil`: both sides closed in order.
    package let failure: ConnectionFailure?

    package init(_ failure: ConnectionFailure?) { self.failure = failure }

    package static let completed = ConnectionEnd(nil)

    /// The failed end with this reason.
    package static func failed(_ failure: ConnectionFailure) -> ConnectionEnd { ConnectionEnd(failure) }
}

/// The one record of a connection: made when it is classified, finished exactly once. Bound to the loop of its shard.
/// Finishing twice, or dropping it unfinished, is our own mistake: it trips an assertion in debug builds; a release
/// build counts it, and logs a dropped one as drained.
package final class ConnectionRecord {
    package let fields: ConnectionFields
    /// Bytes the client's application sent.
    package private(set) var bytesFromClient = 0
    /// Bytes the server's application sent.
    package private(set) var bytesFromServer = 0
    package private(set) var isFinished = false

    private let openedAt: ContinuousClock.Instant
    private let shard: MetricsShard
    private let log: AccessLog
    private let counters: ConnectionCounters

    /// Counts the connection as opened and logs that at debug level.
    package init(_ fields: ConnectionFields, shard: MetricsShard, log: AccessLog) {
        self.fields = fields
        self.shard = shard
        self.log = log
        openedAt = log.output.clock.monotonic()
        counters = shard.counters(for: TrafficLabels(fields))
        counters.opened += 1
        if log.isEnabled(.debug) { log.opened(self, scratch: &shard.lineScratch) }
    }

    /// Adds bytes that moved since the last call.
    package func add(fromClient: Int, fromServer: Int) {
        bytesFromClient += fromClient
        bytesFromServer += fromServer
        counters.receivedBytes += fromClient
        counters.sentBytes += fromServer
    }

    /// Raises the byte counts to these totals of the whole connection, for a caller that keeps totals itself.
    package func update(totalFromClient: Int, totalFromServer: Int) {
        add(
            fromClient: max(0, totalFromClient - bytesFromClient),
            fromServer: max(0, totalFromServer - bytesFromServer))
    }

    /// Counts and logs the end.
    package func finish(_ end: ConnectionEnd) {
        guard !isFinished else {
            shard.faults.finishedTwice.add(1, ordering: .relaxed)
            assertionFailure("a connection record was finished twice: \(fields.sourceAddress)")
            return
        }
        isFinished = true
        counters.countClosed(end.failure?.flag ?? .none)
        log.complete(self, end: end, duration: age, scratch: &shard.lineScratch)
    }

    /// Time since it was opened.
    package var age: Duration { openedAt.duration(to: log.output.clock.monotonic()) }

    deinit {
        guard !isFinished else { return }
        // Perhaps off the loop: only what any thread may touch.
        shard.faults.unfinished.add(1, ordering: .relaxed)
        var scratch: [UInt8] = []
        log.complete(self, end: .failed(.drained), duration: age, scratch: &scratch)
        assertionFailure("a connection record was dropped unfinished: \(fields.sourceAddress)")
    }
}

/// Mistakes in the use of records; any thread may count them.
final class RecordFaults: Sendable {
    let finishedTwice = Atomic<Int>(0)
    let unfinished = Atomic<Int>(0)
}

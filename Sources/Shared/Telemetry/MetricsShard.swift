import MeshModel
import Synchronization

/// The counters of one label set on one loop: plain integers, added to without a lock.
package final class ConnectionCounters {
    package let labels: TrafficLabels
    package var opened = 0
    /// From server to client.
    package var sentBytes = 0
    /// From client to server.
    package var receivedBytes = 0
    /// Ended connections by flag, in the order of `ResponseFlag.allCases`.
    private(set) var closedByFlag = [Int](repeating: 0, count: ResponseFlag.allCases.count)

    init(_ labels: TrafficLabels) { self.labels = labels }

    func countClosed(_ flag: ResponseFlag) {
        closedByFlag[flag.index] += 1
    }

    var values: ConnectionCounterValues {
        ConnectionCounterValues(
            opened: opened, sentBytes: sentBytes, receivedBytes: receivedBytes, closedByFlag: closedByFlag)
    }
}

extension ResponseFlag {
    /// Position in `allCases`.
    var index: Int {
        switch self {
        case .none: return 0
        case .denied: return 1
        case .connectFailure: return 2
        case .tlsFailure: return 3
        case .http2HandshakeFailure: return 4
        case .networkPolicy: return 5
        case .identityError: return 6
        case .certificateRevoked: return 7
        }
    }
}

/// What one event loop counts. Not `Sendable`: it lives on its loop; other threads get a `snapshot()` taken there.
package final class MetricsShard {
    /// Reused for the log lines of this loop.
    var lineScratch: [UInt8] = []
    let faults = RecordFaults()

    private var countersByLabels: [TrafficLabels: ConnectionCounters] = [:]
    private let labelSetsMax: Int
    private var openSockets = [Int](repeating: 0, count: Reporter.allCases.count)
    private var overflowedLookups = 0
    private var refusedHandshakes = RefusedHandshakes()

    package init(labelSetsMax: Int = TelemetryLimits.labelSetsPerShardMax) {
        self.labelSetsMax = labelSetsMax
    }

    /// Looked up once per connection. Beyond the limit, all new label sets share one per reporter and security.
    package func counters(for labels: TrafficLabels) -> ConnectionCounters {
        if let known = countersByLabels[labels] { return known }
        if countersByLabels.count >= labelSetsMax, !labels.isOverflow {
            overflowedLookups += 1
            return counters(for: labels.overflow)
        }
        let made = ConnectionCounters(labels)
        countersByLabels[labels] = made
        return made
    }

    /// A socket of this direction was accepted.
    package func socketOpened(_ reporter: Reporter) { openSockets[reporter.index] += 1 }

    /// Such a socket was closed.
    package func socketClosed(_ reporter: Reporter) { openSockets[reporter.index] -= 1 }

    /// A TLS handshake was not begun, since as many as this limit allows are under way.
    package func handshakeRefused(_ reporter: Reporter, _ limit: HandshakeLimit) {
        refusedHandshakes[reporter, limit] += 1
    }

    /// The counters as they are now, for another thread.
    package func snapshot() -> ShardSnapshot {
        ShardSnapshot(
            connections: countersByLabels.mapValues(\.values),
            openSockets: openSockets,
            overflowedLookups: overflowedLookups,
            refusedHandshakes: refusedHandshakes,
            recordsFinishedTwice: faults.finishedTwice.load(ordering: .relaxed),
            recordsUnfinished: faults.unfinished.load(ordering: .relaxed))
    }
}

/// Values of one label set.
struct ConnectionCounterValues: Hashable, Sendable {
    var opened: Int
    var sentBytes: Int
    var receivedBytes: Int
    var closedByFlag: [Int]

    mutating func add(_ other: ConnectionCounterValues) {
        opened += other.opened
        sentBytes += other.sentBytes
        receivedBytes += other.receivedBytes
        for index in closedByFlag.indices { closedByFlag[index] += other.closedByFlag[index] }
    }
}

/// What shards counted up to a moment; shards add up.
package struct ShardSnapshot: Sendable {
    var connections: [TrafficLabels: ConnectionCounterValues] = [:]
    /// By reporter, in the order of `Reporter.allCases`.
    var openSockets = [Int](repeating: 0, count: Reporter.allCases.count)
    var overflowedLookups = 0
    var refusedHandshakes = RefusedHandshakes()
    var recordsFinishedTwice = 0
    var recordsUnfinished = 0

    /// Nothing counted: what a reader returns whose loop is gone.
    package static let empty = ShardSnapshot()

    mutating func add(_ other: ShardSnapshot) {
        connections.merge(other.connections) { left, right in
            var sum = left
            sum.add(right)
            return sum
        }
        for index in openSockets.indices { openSockets[index] += other.openSockets[index] }
        overflowedLookups += other.overflowedLookups
        refusedHandshakes.add(other.refusedHandshakes)
        recordsFinishedTwice += other.recordsFinishedTwice
        recordsUnfinished += other.recordsUnfinished
    }
}

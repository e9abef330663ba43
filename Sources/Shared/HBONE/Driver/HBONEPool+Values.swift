import DequeModule
package import MeshModel
import NIOCore

extension HBONEPool {
    /// What connections may be shared by: who we are, whom we expect, where it is.
    package struct Key: Hashable, Sendable {
        package var source: Identity
        /// In the order of preference; compared exactly.
        package var destinations: [Identity]
        package var peer: TransportAddress

        package init(source: Identity, destinations: [Identity], peer: TransportAddress) {
            self.source = source
            self.destinations = destinations
            self.peer = peer
        }
    }

    /// What the pool holds, for metrics and its own limits.
    package struct Counts: Hashable, Sendable {
        package var keys = 0
        package var connections = 0
        package var streams = 0
        package var dials = 0
        package var waitingRequests = 0

        package init(keys: Int = 0, connections: Int = 0, streams: Int = 0, dials: Int = 0, waitingRequests: Int = 0) {
            self.keys = keys
            self.connections = connections
            self.streams = streams
            self.dials = dials
            self.waitingRequests = waitingRequests
        }
    }

    package var counts: Counts {
        var counts = Counts(keys: entries.count, connections: leaving.count)
        counts.streams = leaving.values.reduce(0) { $0 + $1.openStreamCount }
        for entry in entries.values {
            counts.connections += entry.connections.count
            counts.streams += entry.connections.reduce(0) { $0 + $1.openStreamCount }
            counts.dials += entry.dials
            counts.waitingRequests += entry.waiters.count
        }
        return counts
    }

    struct Waiter {
        let request: ConnectRequest
        let completion: HBONEConnection.OpenCompletion
    }

    final class Entry {
        var connections: [HBONEConnection] = []
        var waiters = Deque<Waiter>()
        var dials = 0
        /// Since when a connection has had no stream; absent while it has one.
        var idleSince: [ObjectIdentifier: NIODeadline] = [:]
    }
}

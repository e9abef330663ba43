package import MeshModel
package import MeshTelemetry

/// What pages and people see of the loops.
extension Tunnel {
    /// Readers of what each loop counts.
    package func metricsReaders() -> [ShardReader] {
        slots.map { slot in
            { (try? await slot.run { $0.metrics.snapshot() }) ?? .empty }
        }
    }

    /// What is connected now, pod by pod.
    package func connections() async -> [PodKey: [ConnectionSummary]] {
        var all: [PodKey: [ConnectionSummary]] = [:]
        for slot in slots {
            let part = try? await slot.run { loop in loop.pods.mapValues { $0.live.all.map(ConnectionSummary.init) } }
            all.merge(part ?? [:]) { $0 + $1 }
        }
        return all
    }
}

/// One live connection, for people.
package struct ConnectionSummary: Hashable, Sendable {
    package let direction: String
    package let client: TransportAddress
    package let originalDestination: TransportAddress
    package let actualDestination: TransportAddress?
    package let protocolName: String

    init(_ connection: LiveConnection) {
        self.direction = connection.direction.rawValue
        self.client = connection.client
        self.originalDestination = connection.originalDestination
        self.actualDestination = connection.actualDestination
        self.protocolName = connection.protocolName
    }
}

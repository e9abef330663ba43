internal import HBONE
internal import MeshModel
internal import MeshProxy
internal import MeshTelemetry

/// Follows one proxied connection from its acceptance to its record, so that exactly one line says how it ended:
/// refused early, failed while connecting, or complete.
final class ConnectionEnding {
    private let pod: PodOnLoop
    private let entry: LiveConnection
    private let id: LiveConnections.ID
    private var record: ConnectionRecord?
    /// The failure that we ended it with ourselves; it outranks what the relay saw.
    private var ownFailure: ConnectionFailure?
    private(set) var isOver = false

    init(pod: PodOnLoop, entry: LiveConnection, id: LiveConnections.ID) {
        self.pod = pod
        self.entry = entry
        self.id = id
    }

    /// Connected end to end; bytes may flow.
    func opened(_ fields: ConnectionFields, actual: TransportAddress, protocolName: String) {
        guard !isOver else { return }
        entry.actualDestination = actual
        entry.protocolName = protocolName
        record = ConnectionRecord(fields, shard: pod.loop.metrics, log: pod.loop.accessLog)
    }

    /// Dropped before anything was known of it: one warning, no metrics.
    func refused(_ failure: ConnectionFailure) {
        guard !isOver else { return }
        pod.loop.accessLog.connectionFailed(
            failure, source: entry.client, destination: entry.originalDestination,
            reporter: entry.direction == .inbound ? .destination : .source
        )
        over()
    }

    /// Known but not connected.
    func failed(_ failure: ConnectionFailure, _ fields: ConnectionFields) {
        guard !isOver else { return }
        ConnectionRecord(fields, shard: pod.loop.metrics, log: pod.loop.accessLog).finish(.failed(failure))
        over()
    }

    /// Which end of the connection the relay's TCP channel is.
    enum RelaySeat { case client, server }

    /// Bytes have stopped in both directions.
    func ended(_ end: RelayEnd, at seat: RelaySeat) {
        guard !isOver else { return }
        let failure = ownFailure ?? ConnectionFailure(relay: end)
        guard let record else {
            // The client went away while we were still connecting.
            return refused(failure ?? .clientDisconnected)
        }
        self.record = nil
        let (fromChannel, toChannel) = (Int(end.bytesFromChannel), Int(end.bytesToChannel))
        switch seat {
        case .client: record.update(totalFromClient: fromChannel, totalFromServer: toChannel)
        case .server: record.update(totalFromClient: toChannel, totalFromServer: fromChannel)
        }
        record.finish(ConnectionEnd(failure))
        over()
    }

    /// We are about to end it ourselves, for this reason.
    func note(_ failure: ConnectionFailure) {
        ownFailure = ownFailure ?? failure
    }

    private func over() {
        isOver = true
        entry.cut = nil
        pod.unregister(id)
    }
}

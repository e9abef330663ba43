internal import HBONE
internal import MeshKernel
internal import MeshModel
internal import MeshPolicy
internal import MeshProxy
internal import MeshTelemetry
internal import NIOCore

/// The receiving half of a connection between two pods of this node: judged and recorded as any inbound connection,
/// but its bytes never leave the process.
final class LocalInbound {
    private let pod: PodOnLoop
    private let client: TransportAddress
    private let destination: TransportAddress
    private let facts: ConnectionFacts
    private let fields: ConnectionFields

    init(
        pod: PodOnLoop, client: TransportAddress, identity: Identity, source: Workload, destination: TransportAddress,
        service: Service?
    ) {
        self.pod = pod
        self.client = client
        self.destination = destination
        self.facts = ConnectionFacts(source: client.ip, identity: identity, destination: destination)
        var fields = ConnectionFields(
            inbound: client, source: source, destination: destination, workload: pod.workload, service: service
        )
        if let workload = pod.workload {
            fields.secure(source: identity, destination: workload.identity, authority: nil)
        }
        self.fields = fields
    }

    /// Registered before it is judged, so that no policy change falls between. The completion is called exactly once.
    func connect(_ completion: @escaping (Result<Relay, ConnectionFailure>) -> Void) {
        let entry = LiveConnection(
            direction: .inbound, client: client, originalDestination: destination, protocolName: "local", facts: facts
        )
        let id: LiveConnections.ID
        do throws(ConnectionFailure) {
            // One of our own doors: behind it the connection would count as the pod's own and run in a circle.
            guard !TunnelPorts.isReserved(destination.port) else { throw .recursion }
            id = try pod.register(entry)
        } catch {
            pod.loop.accessLog.connectionFailed(
                error, source: client, destination: destination, reporter: .destination
            )
            return completion(.failure(error))
        }
        let end = ConnectionEnding(pod: pod, entry: entry, id: id)
        entry.cut = { failure in
            end.failed(failure, self.fields)
            completion(.failure(failure))
        }
        if case .denied(let denial) = pod.policies.decide(facts) {
            return entry.end(denial.failure)
        }
        UpstreamDial(pod: pod, destination: destination, client: client.ip).start { result in
            switch result {
            case .success(let upstream):
                guard !end.isOver else { return upstream.close(promise: nil) }
                self.join(upstream, entry, end, completion)
            case .failure(let failure):
                entry.end(failure)
            }
        }
    }

    private func join(
        _ upstream: any Channel, _ entry: LiveConnection, _ end: ConnectionEnding,
        _ completion: (Result<Relay, ConnectionFailure>) -> Void
    ) {
        let relay = Relay(onEnd: { end.ended($0, at: .server) })
        do {
            try upstream.pipeline.syncOperations.addHandler(relay)
        } catch {
            upstream.close(promise: nil)
            return entry.end(.inputOutput(cause: String(describing: error)))
        }
        entry.cut = { failure in
            end.note(failure)
            relay.close(failure)
        }
        end.opened(fields, actual: destination, protocolName: "local")
        completion(.success(relay))
    }
}

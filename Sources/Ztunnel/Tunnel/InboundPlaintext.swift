internal import HBONE
internal import MeshDiscovery
internal import MeshModel
internal import MeshPolicy
internal import MeshProxy
internal import MeshTelemetry
internal import NIOCore

/// One plain connection that was meant for the application and was redirected to 15006: judged without an identity.
final class InboundPlaintext {
    private let pod: PodOnLoop
    private let relay: Relay
    private let client: TransportAddress
    private let original: TransportAddress
    private let end: ConnectionEnding

    init(
        pod: PodOnLoop, relay: Relay, client: TransportAddress, original: TransportAddress, end: ConnectionEnding
    ) {
        self.pod = pod
        self.relay = relay
        self.client = client
        self.original = original
        self.end = end
    }

    func start() {
        guard !TunnelPorts.isReserved(original.port) else { return refuse(.recursion) }
        pod.withWorkload { workload in
            guard let workload else { return self.refuse(.unknownSource(workload: self.pod.key.description)) }
            self.judge(for: workload)
        }
    }

    private func judge(for workload: Workload) {
        guard !end.isOver else { return }
        let loop = pod.loop
        let fields = ConnectionFields(
            inbound: client, source: loop.world.workload(network: loop.settings.network, ip: client.ip),
            destination: original, workload: workload, service: nil
        )
        let facts = ConnectionFacts(source: client.ip, identity: nil, destination: original)
        if case .denied(let denial) = pod.policies.decide(facts) {
            let failure = denial.failure
            end.failed(failure, fields)
            return relay.close(failure)
        }
        UpstreamDial(pod: pod, destination: original, client: client.ip).start { result in
            switch result {
            case .failure(let failure):
                self.end.failed(failure, fields)
                self.relay.close(failure)
            case .success(let upstream):
                self.join(upstream, fields)
            }
        }
    }

    private func join(_ upstream: any Channel, _ fields: ConnectionFields) {
        guard !end.isOver else { return upstream.close(promise: nil) }
        let other = Relay(onEnd: { _ in })
        do {
            try upstream.pipeline.syncOperations.addHandler(other)
        } catch {
            upstream.close(promise: nil)
            end.failed(.inputOutput(cause: String(describing: error)), fields)
            return relay.close(.inputOutput(cause: String(describing: error)))
        }
        end.opened(fields, actual: original, protocolName: "TCP")
        relay.join(other)
    }

    private func refuse(_ failure: ConnectionFailure) {
        end.refused(failure)
        relay.close(failure)
    }
}

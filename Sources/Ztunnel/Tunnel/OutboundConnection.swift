internal import HBONE
internal import MeshDiscovery
internal import MeshKernel
internal import MeshModel
internal import MeshProxy
internal import MeshTelemetry
internal import NIOCore

/// One connection of a pod's process, from the redirected SYN to its record. Keeps itself alive through the callbacks
/// that it waits for.
final class OutboundConnection {
    private let pod: PodOnLoop
    private let loop: TunnelLoop
    private let channel: any Channel
    private let relay: Relay
    private let client: TransportAddress
    private let original: TransportAddress
    private let trace: TraceParent
    private let end: ConnectionEnding
    private var failedWorkloads: Set<String> = []
    private var attempts = 0
    /// Revision of the world that the last attempt went by.
    private var revision: UInt64 = 0
    /// Before the next question to a waypoint that does not know that it is meant; `nil`: none was asked yet.
    private var pause: TimeAmount?

    init(
        pod: PodOnLoop, channel: any Channel, relay: Relay, client: TransportAddress, original: TransportAddress,
        end: ConnectionEnding
    ) {
        self.pod = pod
        self.loop = pod.loop
        self.channel = channel
        self.relay = relay
        self.client = client
        self.original = original
        self.trace = TraceParent(using: &pod.loop.generator)
        self.end = end
    }

    func start() {
        pod.withWorkload { source in
            guard let source else { return self.refuse(.unknownSource(workload: self.pod.key.description)) }
            self.attempt(from: source)
        }
    }

    private func attempt(from source: Workload) {
        guard !end.isOver else { return }
        attempts += 1
        revision = loop.world.revision
        let router = OutboundRouter(world: loop.world, source: source, network: loop.settings.network)
        let route = router.route(original, client: client, excluding: failedWorkloads, using: &loop.generator)
        switch route {
        case .refused(let failure):
            refuse(failure)
        case .plain(let hop):
            connectPlain(hop, from: source)
        case .tunnel(let hop):
            if loop.settings.sameNode == .handOver, let target = loop.localPod(for: hop) {
                handOver(hop, to: target, from: source)
            } else {
                openTunnel(hop, from: source)
            }
        }
    }

    private func refuse(_ failure: ConnectionFailure) {
        end.refused(failure)
        relay.close(failure)
    }

    // MARK: - Plain TCP

    private func connectPlain(_ hop: PlainHop, from source: Workload) {
        let fields = ConnectionFields(
            outbound: client, source: source, destination: hop.destination, workload: hop.workload,
            service: hop.service
        )
        pod.dialer.connect(to: hop.destination, for: .passthrough).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let upstream):
                self.open(fields, hop.destination, protocolName: "TCP")
                self.joinPlain(upstream)
            case .failure(let error):
                let failure = ConnectionFailure(dialing: hop.destination, error)
                self.retry(after: failure, fields, hop.workload, from: source)
            }
        }
    }

    private func joinPlain(_ upstream: any Channel) {
        let other = Relay(onEnd: { _ in })
        do {
            try upstream.pipeline.syncOperations.addHandler(other)
            relay.join(other)
        } catch {
            upstream.close(promise: nil)
            relay.close(.inputOutput(cause: String(describing: error)))
        }
    }

    // MARK: - Tunnel

    private func openTunnel(_ hop: TunnelHop, from source: Workload) {
        var fields = ConnectionFields(
            outbound: client, source: source, destination: hop.peer, workload: hop.workload, service: hop.service
        )
        fields.secure(source: source.identity, destination: hop.workload.identity, authority: hop.authority)
        guard let pool = pod.pool else { return refuse(.drained) }
        let key = HBONEPool.Key(source: source.identity, destinations: hop.expected, peer: hop.peer)
        pool.open(key, request(hop, from: source)) { result in
            switch result {
            case .success((let stream, _)):
                self.open(fields, hop.peer, protocolName: "HBONE")
                self.relay.join(stream)
            case .failure(let error):
                let failure = ConnectionFailure(tunnel: error)
                self.retry(after: failure, fields, hop.workload, from: source)
            }
        }
    }

    private func request(_ hop: TunnelHop, from source: Workload) -> ConnectRequest {
        ConnectRequest(
            authority: hop.authority,
            baggage: loop.baggage(of: source),
            forwarded: ForwardedHeader.value(client: client, serviceHostname: hop.service?.hostname),
            traceparent: trace.headerValue
        )
    }

    // MARK: - Same node

    private func handOver(_ hop: TunnelHop, to target: PodOnLoop, from source: Workload) {
        var fields = ConnectionFields(
            outbound: client, source: source, destination: hop.target, workload: hop.workload, service: hop.service
        )
        fields.secure(source: source.identity, destination: hop.workload.identity, authority: nil)
        let inbound = LocalInbound(
            pod: target, client: client, identity: source.identity, source: source, destination: hop.target,
            service: hop.service
        )
        inbound.connect { result in
            switch result {
            case .success(let other):
                self.open(fields, hop.target, protocolName: "local")
                self.relay.join(other)
            case .failure(let failure):
                self.retry(after: failure, fields, hop.workload, from: source)
            }
        }
    }

    // MARK: - Outcome

    private func open(_ fields: ConnectionFields, _ actual: TransportAddress, protocolName: String) {
        end.opened(fields, actual: actual, protocolName: protocolName)
    }

    /// Nothing was sent yet, so another endpoint of the service may serve; else the failure is what the client gets.
    private func retry(
        after failure: ConnectionFailure, _ fields: ConnectionFields, _ workload: Workload?, from source: Workload
    ) {
        let mayTry = attempts < loop.settings.connectAttemptsMax
        if mayTry, failure.isRefusal, revision != loop.world.revision {
            // A waypoint was left while we asked it: it may have heard of that before us.
            return attempt(from: source)
        }
        if failure.isMisdirected, let pause = nextPause() {
            // No attempt: it is our control plane that has not told all of us yet.
            attempts -= 1
            channel.eventLoop.assumeIsolated().scheduleTask(in: pause) { self.attempt(from: source) }
            return
        }
        if mayTry, failure.mayTryAnotherEndpoint, fields.service != nil, let workload {
            failedWorkloads.insert(workload.uid)
            let router = OutboundRouter(world: loop.world, source: source, network: loop.settings.network)
            let next = router.route(original, client: client, excluding: failedWorkloads, using: &loop.generator)
            if case .refused = next {} else { return attempt(from: source) }
        }
        end.failed(failure, fields)
        relay.close(failure)
    }

    /// `nil`: asked often enough.
    private func nextPause() -> TimeAmount? {
        let range = loop.settings.misdirectedPauses
        let next = pause.map { $0 * 2 } ?? range.lowerBound
        guard next <= range.upperBound else { return nil }
        pause = next
        return next
    }
}

internal import HBONE
internal import MeshDiscovery
internal import MeshModel
internal import MeshPolicy
internal import MeshProxy
internal import MeshTLS
internal import MeshTelemetry
internal import NIOCore

/// One CONNECT: found acceptable, judged, connected to the application, answered. In this order.
final class InboundConnect {
    private let pod: PodOnLoop
    private let stream: HBONEStream
    private let request: ConnectRequest
    private let peer: VerifiedPeer
    private let client: TransportAddress
    private let local: IPAddress

    init(
        pod: PodOnLoop, stream: HBONEStream, request: ConnectRequest, peer: VerifiedPeer, client: TransportAddress,
        local: IPAddress
    ) {
        self.pod = pod
        self.stream = stream
        self.request = request
        self.peer = peer
        self.client = client
        self.local = local
    }

    func start() {
        pod.withWorkload { workload in
            guard let workload else {
                return self.refuse(503, .unknownSource(workload: self.pod.key.description))
            }
            self.judge(for: workload)
        }
    }

    private func judge(for workload: Workload) {
        let loop = pod.loop
        let router = InboundRouter(world: loop.world, workload: workload, network: loop.settings.network, local: local)
        let target: InboundTarget
        do {
            target = try router.target(authority: request.authority, forwarded: request.forwarded)
        } catch {
            return refuse(error.status, error.failure)
        }
        let facts = ConnectionFacts(source: client.ip, identity: peer.identity, destination: target.destination)
        let fields = fields(for: workload, target)
        let entry = LiveConnection(
            direction: .inbound, client: client, originalDestination: target.destination, protocolName: "HBONE",
            facts: facts
        )
        // Registered before it is judged, so that no policy change falls between.
        let id: LiveConnections.ID
        do {
            id = try pod.register(entry)
        } catch {
            return refuse(503, error)
        }
        let end = ConnectionEnding(pod: pod, entry: entry, id: id)
        if case .denied(let denial) = pod.policies.decide(facts) {
            stream.refuse(status: 401)
            return end.failed(denial.failure, fields)
        }
        connect(target, entry, end, fields, workload)
    }

    private func connect(
        _ target: InboundTarget, _ entry: LiveConnection, _ end: ConnectionEnding, _ fields: ConnectionFields,
        _ workload: Workload
    ) {
        entry.cut = { failure in
            self.stream.refuse(status: failure.flag == .denied ? 401 : 503)
            end.failed(failure, fields)
        }
        let (application, caller) = application(for: target)
        UpstreamDial(pod: pod, destination: application, client: caller).start { result in
            switch result {
            case .failure(let failure):
                guard !end.isOver else { return }
                self.stream.refuse(status: 503)
                end.failed(failure, fields)
            case .success(let upstream):
                guard !end.isOver else { return upstream.close(promise: nil) }
                guard self.stream.isOpen else {
                    upstream.close(promise: nil)
                    return end.failed(.clientDisconnected, fields)
                }
                self.join(upstream, entry, end, fields, workload, target)
            }
        }
    }

    /// Where the application listens, and who it sees: one that is told by a header may listen on the loopback only.
    private func application(for target: InboundTarget) -> (TransportAddress, IPAddress) {
        guard target.announced != nil, pod.loop.settings.reachesProxiedByLoopback else {
            return (target.destination, client.ip)
        }
        let loopback = local.family == .v4 ? IPAddress(v4: 0x7f00_0001) : IPAddress(v6High: 0, low: 1)
        return (TransportAddress(loopback, port: target.destination.port), loopback)
    }

    private func join(
        _ upstream: any Channel, _ entry: LiveConnection, _ end: ConnectionEnding, _ fields: ConnectionFields,
        _ workload: Workload, _ target: InboundTarget
    ) {
        let relay = Relay(onEnd: { end.ended($0, at: .server) })
        entry.cut = { failure in
            end.note(failure)
            relay.close(failure)
        }
        do {
            try upstream.pipeline.syncOperations.addHandler(relay)
        } catch {
            upstream.close(promise: nil)
            stream.refuse(status: 503)
            return end.failed(.inputOutput(cause: String(describing: error)), fields)
        }
        end.opened(fields, actual: target.destination, protocolName: "HBONE")
        stream.accept(baggage: pod.loop.settings.responseBaggage ? pod.loop.baggage(of: workload) : nil)
        if let announced = target.announced {
            let header = ProxyHeader(source: client, destination: announced, identity: peer.identity)
            upstream.writeAndFlush(ByteBuffer(bytes: header.bytes), promise: nil)
        }
        relay.join(stream)
    }

    private func refuse(_ status: Int, _ failure: ConnectionFailure) {
        stream.refuse(status: status)
        pod.loop.accessLog.connectionFailed(
            failure, source: client, destination: TransportAddress(local, port: TunnelPorts.inboundHBONE),
            reporter: .destination
        )
    }

    private func fields(for workload: Workload, _ target: InboundTarget) -> ConnectionFields {
        let loop = pod.loop
        let source = loop.world.workload(network: loop.settings.network, ip: client.ip)
        var fields = ConnectionFields(
            inbound: client, source: source, destination: TransportAddress(local, port: TunnelPorts.inboundHBONE),
            workload: workload, service: target.service
        )
        if source == nil, let baggage = request.baggage.flatMap(Baggage.init(parsing:)) {
            fields.describeSource(by: baggage)
        }
        fields.secure(source: peer.identity, destination: workload.identity, authority: request.authority)
        return fields
    }
}

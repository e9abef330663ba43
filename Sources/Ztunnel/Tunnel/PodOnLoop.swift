internal import HBONE
internal import MeshDiscovery
internal import MeshIdentity
internal import MeshKernel
internal import MeshModel
internal import MeshPolicy
internal import MeshProxy
internal import MeshTLS
internal import MeshTelemetry
internal import NIOCore

/// Everything that connections of one pod need on one event loop. Lives on that loop.
final class PodOnLoop {
    let key: PodKey
    let namespace: NetworkNamespace
    unowned let loop: TunnelLoop
    let dialer: Dialer
    private(set) var pool: HBONEPool?
    private(set) var live = LiveConnections()
    let handshakes: HandshakeCount

    /// What discovery says of this pod; `nil` until it does.
    private(set) var workload: Workload?
    private(set) var policies: PolicySet
    private(set) var certificate: Result<WorkloadCertificate, IdentityError>?

    private var workloadWaiters = Waiters<Workload>()
    private var certificateWaiters = Waiters<Result<WorkloadCertificate, IdentityError>>()
    /// Tunnel connections of either role, to judge them again and to drain them.
    var tunnels = LiveTunnels()
    /// Who this pod is; stays known while discovery does not know the pod.
    private var identity: Identity?
    /// What all of `tunnels` were verified by.
    private var anchors: Set<TrustAnchor> = []
    private var idleWaiters: [() -> Void] = []
    private(set) var isClosed = false
    /// Peers have been told that new streams are not welcome.
    private(set) var isDraining = false

    init(key: PodKey, namespace: NetworkNamespace, loop: TunnelLoop) {
        self.key = key
        self.namespace = namespace
        self.loop = loop
        self.policies = PolicySet(applying: [], missing: [])
        self.handshakes = HandshakeCount(maximum: loop.settings.handshakesPerPodMax)
        self.dialer = Dialer(
            eventLoop: loop.eventLoop, namespace: namespace, home: loop.home, settings: loop.settings
        )
        self.pool = HBONEPool(loop: loop.eventLoop, limits: PoolLimits()) { [weak self] key in
            guard let self else { return loop.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel) }
            return TunnelDial(pod: self, key: key).start()
        }
    }

    /// A new world: our own record and the policies that apply to us; live connections are judged again if those
    /// changed.
    func learn(_ world: World) {
        workload = world.localWorkload(namespace: key.namespace, name: key.name, node: loop.settings.nodeName)
        guard let workload else { return }
        if workload.identity != identity { become(workload.identity) }
        let applicable = world.policies(for: workload)
        let current = PolicySet(applying: applicable.policies, missing: applicable.missing)
        if current != policies {
            policies = current
            live.judgeAgain(by: current)
        }
        // Last: who waited for the record is judged at once, and by the policies that came with it.
        workloadWaiters.resolve(workload)
    }

    /// A certificate came for this identity, or cannot be had. New roots end tunnels whose peer they do not verify.
    func learn(_ certificate: Result<WorkloadCertificate, IdentityError>, of subject: Identity) {
        // What is kept for a former identity goes on to be renewed until the new one is kept.
        guard identity == nil || identity == subject else { return }
        self.certificate = certificate
        if case .success(let certificate) = certificate, certificate.anchors != anchors {
            anchors = certificate.anchors
            tunnels.judgeAgain(by: certificate)
        }
        // Nobody is told any more that we are it: streams that run go on to their end.
        if case .failure(let error) = certificate, error.isWithdrawal { tunnels.drain { _ in true } }
        certificateWaiters.resolve(certificate)
    }

    /// From now on nobody is told the former identity: its certificate is forgotten, who asks waits for the new one,
    /// and its tunnels take no new streams. Streams that run go on to their end.
    private func become(_ identity: Identity) {
        let isFirst = self.identity == nil
        self.identity = identity
        guard !isFirst else { return }
        certificate = nil
        tunnels.drain { $0.identity != identity }
    }

    /// Why a tunnel that was secured with this certificate may not be used: identity and roots may have changed while
    /// hands were shaken. `nil`: it may.
    func objection(
        to peer: VerifiedPeer, securedBy used: WorkloadCertificate, as role: TLSContext.Role
    ) -> ConnectionFailure? {
        if isClosed { return .drained }
        if let identity, identity != used.identity {
            return .identity(cause: "changed from \(used.identity) to \(identity) during the handshake")
        }
        if case .failure(let error)? = certificate, error.isWithdrawal { return .identity(cause: "\(error)") }
        guard case .success(let present)? = certificate, present !== used else { return nil }
        return present.problem(of: peer, as: role).map { .peerDistrusted(cause: $0.description) }
    }

    /// Why nobody could be told who this pod is.
    var missingCertificate: ConnectionFailure {
        let subject = identity.map { " for \($0)" } ?? ""
        return .identity(cause: "no certificate\(subject) was issued yet")
    }

    /// Our own record, at once or when discovery brings it; `nil` when it does not within the bound.
    func withWorkload(_ body: @escaping (Workload?) -> Void) {
        if let workload { return body(workload) }
        workloadWaiters.wait(on: loop.eventLoop, for: loop.settings.readinessTimeout, body)
    }

    /// Our certificate, at once or when the authority brings it. A failure that is known is told at once.
    func withCertificate(_ body: @escaping (Result<WorkloadCertificate, IdentityError>?) -> Void) {
        if let certificate { return body(certificate) }
        certificateWaiters.wait(on: loop.eventLoop, for: loop.settings.readinessTimeout, body)
    }

    /// Registers a connection for its lifetime. Fails when this pod is closed or has as many as one pod may have.
    func register(_ connection: LiveConnection) throws(ConnectionFailure) -> LiveConnections.ID {
        guard !isClosed else { throw .drained }
        guard live.count < loop.settings.connectionsPerPodMax else {
            throw .limitReached(limit: "connectionsPerPodMax")
        }
        return live.insert(connection)
    }

    func unregister(_ id: LiveConnections.ID) {
        live.remove(id)
        guard live.count == 0, !idleWaiters.isEmpty else { return }
        let waiting = idleWaiters
        idleWaiters.removeAll()
        for body in waiting { body() }
    }

    /// Calls back once no connection is registered.
    func whenIdle(_ body: @escaping () -> Void) {
        if live.count == 0 { body() } else { idleWaiters.append(body) }
    }

    /// No new streams: peers are told, streams that run go on to their end.
    func drain() {
        isDraining = true
        tunnels.drain { _ in true }
        pool?.drain()
    }

    /// As `drain`, but for tunnels of peers only: what was accepted from the pod itself still opens streams.
    func drainPeers() {
        isDraining = true
        tunnels.drain { $0.connection.role == .server }
    }

    /// Nothing lives or is about to that came in by a door.
    var isQuiet: Bool { live.count == 0 && handshakes.count(.destination) == 0 && !tunnels.hasPeers }

    /// Ends everything now.
    func close(_ failure: ConnectionFailure) {
        isClosed = true
        live.cutAll(failure)
        tunnels.closeAll(.drained)
        pool?.closeAll()
        pool = nil
    }
}

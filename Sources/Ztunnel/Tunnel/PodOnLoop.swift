internal import HBONE
internal import MeshDiscovery
internal import MeshIdentity
internal import MeshKernel
internal import MeshModel
internal import MeshPolicy
internal import MeshTLS
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
    /// Server sides of tunnel connections, to drain them.
    private var servers: [Int: HBONEConnection] = [:]
    private var serverCount = 0
    private var idleWaiters: [() -> Void] = []
    private(set) var isClosed = false

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
        let applicable = world.policies(for: workload)
        let current = PolicySet(applying: applicable.policies, missing: applicable.missing)
        if current != policies {
            policies = current
            live.judgeAgain(by: current)
        }
        // Last: who waited for the record is judged at once, and by the policies that came with it.
        workloadWaiters.resolve(workload)
    }

    func learn(_ certificate: Result<WorkloadCertificate, IdentityError>) {
        self.certificate = certificate
        certificateWaiters.resolve(certificate)
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

    func nextServerNumber() -> Int {
        serverCount += 1
        return serverCount
    }

    func addServer(_ server: HBONEConnection, number: Int) {
        servers[number] = server
    }

    func removeServer(_ number: Int) {
        servers[number] = nil
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
        for server in servers.values { server.drain() }
        pool?.drain()
    }

    /// Ends everything now.
    func close(_ failure: ConnectionFailure) {
        isClosed = true
        live.cutAll(failure)
        for server in servers.values { server.close(.cut(.drained)) }
        servers.removeAll()
        pool?.closeAll()
        pool = nil
    }
}

/// Those who wait on one loop for one value, each for a bounded time.
struct Waiters<Value> {
    private final class Entry {
        var body: ((Value?) -> Void)?
        var timeout: Scheduled<Void>?

        init(_ body: @escaping (Value?) -> Void) { self.body = body }

        func finish(_ value: Value?) {
            timeout?.cancel()
            let body = self.body
            self.body = nil
            body?(value)
        }
    }

    private var entries: [Entry] = []

    mutating func wait(on loop: any EventLoop, for bound: TimeAmount, _ body: @escaping (Value?) -> Void) {
        let entry = Entry(body)
        entry.timeout = loop.assumeIsolated().scheduleTask(in: bound) { entry.finish(nil) }
        entries.removeAll { $0.body == nil }
        entries.append(entry)
    }

    mutating func resolve(_ value: Value) {
        let waiting = entries
        entries.removeAll()
        for entry in waiting { entry.finish(value) }
    }
}

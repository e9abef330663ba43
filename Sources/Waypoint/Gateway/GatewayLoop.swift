internal import HBONE
internal import MeshDiscovery
internal import MeshIdentity
internal import MeshModel
internal import MeshPolicy
internal import MeshProxy
internal import MeshTLS
internal import MeshTelemetry
internal import NIOCore
internal import WaypointRoute

/// What one event loop of the waypoint knows and owns. Nothing of it leaves the loop, so nothing of it is locked.
final class GatewayLoop {
    let eventLoop: any EventLoop
    let settings: GatewaySettings
    let metrics: MetricsShard
    let accessLog: AccessLog
    /// Storage of the line that is being written.
    var lineScratch: [UInt8] = []
    /// Set once, before anything is served.
    var telemetry = RequestTelemetry()
    private(set) var world = World()
    /// Ourselves, as discovery knows us; from the settings until it does.
    private(set) var own: Workload
    /// Of the present world.
    private(set) var router: EndpointRouter
    private(set) var policies = PolicySet(applying: [])
    private(set) var pool: HBONEPool?
    var generator = LoopGenerator()
    private(set) var isDraining = false

    // What requests need.
    let idle: IdleEndpoints
    let connections: EndpointConnections
    /// Shared by all loops.
    let origins: OriginContexts
    var budgets: RetryBudgets
    var routes = LoopRoutes()
    var traffic: LoopTraffic
    /// Grows with every world and every set of policies: what calls remember of one is no longer true then.
    var epoch = 0
    /// Policies for requests to a target.
    var policySource: (World, CallTarget) -> RequestPolicySet {
        didSet { policiesChanged() }
    }
    var requestPolicies: [PolicyKey: TargetPolicies] = [:]
    /// Whose tokens requests to a target may carry.
    var tokenSource: (World, CallTarget) -> [TokenPolicy] {
        didSet { policiesChanged() }
    }
    var tokens = LoopTokens()
    /// Questions to authorizers under way, and bytes of bodies that are held for them.
    var questions = QuestionLoad()
    /// Copies of requests under way.
    var mirrors = 0

    private(set) var certificate: Result<WorkloadCertificate, IdentityError>?
    private var certificateWaiters = Waiters<Result<WorkloadCertificate, IdentityError>>()
    private var anchors: Set<TrustAnchor> = []

    private var tunnels: [Int: GatewayTunnel] = [:]
    private(set) var calls: [Int: Call] = [:]
    private var lastNumber = 0
    var handshakes = 0
    private var idleWaiters: [() -> Void] = []

    /// Must be called on the loop.
    init(
        eventLoop: any EventLoop, settings: GatewaySettings, metrics: MetricsShard, accessLog: AccessLog,
        origins: OriginContexts = OriginContexts()
    ) {
        self.origins = origins
        self.eventLoop = eventLoop
        self.settings = settings
        self.metrics = metrics
        self.accessLog = accessLog
        let key = WaypointKey(namespace: settings.namespace, name: settings.name)
        self.policySource = { world, target in RequestPolicySet(of: world, for: target, at: key) }
        self.tokenSource = { world, target in
            world.requestPolicies(for: target.service?.key, of: key).tokens
        }
        self.idle = IdleEndpoints(eventLoop: eventLoop, limits: settings.idleLimits)
        self.connections = EndpointConnections(eventLoop: eventLoop, limits: settings.idleLimits)
        self.budgets = RetryBudgets(settings.retryBudget)
        let own = Self.unknownSelf(settings)
        self.own = own
        self.router = EndpointRouter(world: World(), source: own)
        self.traffic = LoopTraffic(own: own)
        // Until `close`. A weak reference to the loop would make counting all others slower.
        self.pool = HBONEPool(loop: eventLoop) { key in GatewayDial(loop: self, key: key).start() }
    }

    /// A new world. Calls that the policies no longer allow are cut.
    func learn(_ world: World) {
        let hasNewTokens = world.attachedPolicyRevision != self.world.attachedPolicyRevision
        let hasNewPolicies = hasNewTokens || world.policyRevision != self.world.policyRevision
        self.world = world
        telemetry.worldChanged()
        routes.learn(world)
        if hasNewTokens { tokens.learn(world) }
        epoch += 1
        requestPolicies.removeAll()
        defer { if hasNewPolicies { policiesChanged() } }
        own = Self.own(settings, in: world)
        router = EndpointRouter(world: world, source: own)
        traffic.learn(world, own: own)
        let current = PolicySet(ofWaypoint: own, in: world)
        guard current != policies else { return }
        policies = current
        for call in Array(calls.values) where policies.decide(call.facts).denial != nil { call.cut(.policyChanged) }
    }

    /// A certificate came, or cannot be had. New roots end tunnels whose peer they do not verify.
    func learn(_ certificate: Result<WorkloadCertificate, IdentityError>) {
        self.certificate = certificate
        if case .success(let certificate) = certificate, certificate.anchors != anchors {
            anchors = certificate.anchors
            for tunnel in Array(tunnels.values) { tunnel.judgeAgain(by: certificate) }
        }
        if case .failure(let error) = certificate, error.isWithdrawal {
            for tunnel in Array(tunnels.values) { tunnel.connection.drain() }
        }
        certificateWaiters.resolve(certificate)
    }

    /// Our certificate, at once or when the authority brings it. A failure that is known is told at once.
    func withCertificate(_ body: @escaping (Result<WorkloadCertificate, IdentityError>?) -> Void) {
        if let certificate { return body(certificate) }
        certificateWaiters.wait(on: eventLoop, for: settings.readinessTimeout, body)
    }

    // MARK: - What is alive

    func nextNumber() -> Int {
        lastNumber += 1
        return lastNumber
    }

    func insert(_ tunnel: GatewayTunnel, number: Int) {
        tunnels[number] = tunnel
        if isDraining { tunnel.connection.drain() }
    }

    func removeTunnel(_ number: Int) { tunnels[number] = nil }

    func register(_ call: Call) throws(ConnectionFailure) -> Int {
        guard calls.count < settings.callsMax else { throw .limitReached(limit: "callsMax") }
        let number = nextNumber()
        calls[number] = call
        return number
    }

    /// Counts what live connections have carried up to now.
    func countLiveBytes() {
        for call in calls.values { call.countLiveBytes() }
    }

    func removeCall(_ number: Int) {
        calls[number] = nil
        guard calls.isEmpty, !idleWaiters.isEmpty else { return }
        let waiting = idleWaiters
        idleWaiters.removeAll()
        for body in waiting { body() }
    }

    /// Calls back once nothing is served.
    func whenIdle(_ body: @escaping () -> Void) {
        if calls.isEmpty { body() } else { idleWaiters.append(body) }
    }

    /// Peers are told that no new streams are welcome; requests that run go on to their end, idle calls end.
    func drain() {
        isDraining = true
        for tunnel in Array(tunnels.values) where tunnel.connection.role == .server { tunnel.connection.drain() }
        for call in Array(calls.values) { call.drain() }
    }

    /// Ends everything now.
    func close() {
        isDraining = true
        for call in Array(calls.values) { call.cut(.drainTimedOut) }
        for tunnel in Array(tunnels.values) { tunnel.connection.close(.cut(.drainDeadline)) }
        idle.close()
        connections.close()
        pool?.closeAll()
        pool = nil
    }
}

/// One tunnel connection, in either role, and whom we believed on it.
struct GatewayTunnel {
    let connection: HBONEConnection
    let peer: VerifiedPeer

    func judgeAgain(by certificate: WorkloadCertificate) {
        let role: TLSContext.Role = connection.role == .client ? .client : .server
        guard let problem = certificate.problem(of: peer, as: role) else { return }
        connection.close(.cut(.peerDistrusted(problem.description)))
    }
}

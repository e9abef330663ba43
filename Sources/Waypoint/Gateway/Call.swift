internal import HBONE
internal import MeshDiscovery
internal import MeshModel
internal import MeshPolicy
internal import MeshProxy
internal import MeshTelemetry
internal import NIOCore
internal import WaypointHTTP
internal import WaypointHTTP2
internal import WaypointRoute
internal import WaypointToken

/// One CONNECT: found to be ours, judged, then carried as requests or as bytes. Lives until its stream ends.
final class Call {
    let loop: GatewayLoop
    let caller: Caller
    let target: CallTarget
    /// What policy judges.
    let facts: ConnectionFacts
    let stream: HBONEStream
    /// What every request of this call says of its caller.
    let clientCertificate: [UInt8]
    private(set) var number: Int?
    var channel: TunnelStreamChannel?
    var passage: TCPPassage?
    private weak var door: RequestDoor?
    /// The caller's, when it speaks HTTP/2; until it ends.
    private var connection: MessageConnection?
    /// Found when it is first told: what discovery knows then stays true for the call.
    private(set) lazy var source = CallSource(self)
    /// What policies and routes of the present world say of this call.
    private var known: Known?
    /// Its bytes are carried as they are: what policy judged when that began.
    var opaqueFacts: RequestFacts?

    private final class Known {
        let epoch: Int
        let policies: TargetPolicies
        let routes: CallRoutes
        let port: PortTraffic
        let guardian: ServiceGuard

        init(of call: Call) {
            let (loop, target) = (call.loop, call.target)
            epoch = loop.epoch
            policies = loop.requestPolicies(for: target)
            routes = loop.routes(for: target, from: call.caller.identity.namespace)
            port = target.routeTarget.map { loop.traffic.port($0, now: .sinceStart) } ?? .none
            guardian = target.routeTarget.map { loop.traffic.shield($0.service) } ?? .none
        }
    }

    static func start(
        _ stream: HBONEStream, from caller: Caller, at local: TransportAddress, on loop: GatewayLoop
    ) {
        func refuse(_ status: Int, _ failure: ConnectionFailure) {
            stream.refuse(status: status)
            loop.accessLog.connectionFailed(
                failure, source: caller.client, destination: local, reporter: .destination)
        }
        do throws(CallRefusal) {
            let router = CallRouter(world: loop.world, settings: loop.settings)
            let target = try router.target(authority: caller.request.authority)
            let address = target.address ?? local.ip
            let facts = ConnectionFacts(
                source: caller.client.ip, identity: caller.identity,
                destination: TransportAddress(address, port: target.port))
            if case .denied(let denial) = loop.policies.decide(facts) {
                throw CallRefusal(status: 401, failure: denial.failure)
            }
            let call = Call(stream, caller, target, facts, loop)
            do throws(ConnectionFailure) {
                call.number = try loop.register(call)
            } catch {
                throw CallRefusal(status: 503, failure: error)
            }
            call.begin()
        } catch {
            refuse(error.status, error.failure)
        }
    }

    private init(
        _ stream: HBONEStream, _ caller: Caller, _ target: CallTarget, _ facts: ConnectionFacts, _ loop: GatewayLoop
    ) {
        self.stream = stream
        self.caller = caller
        self.target = target
        self.facts = facts
        self.loop = loop
        clientCertificate = HeaderRules.clientCertificate(caller: caller.identity, by: loop.settings.identity)
    }

    private func begin() {
        switch Treatment(target) {
        case .opaque: if readsServerName { detect(mayBeHTTP: false) } else { carryBytes() }
        case .http, .http2, .detect: detect(mayBeHTTP: true)
        }
    }

    /// Routes, and policies for connections, look at the name that a TLS client asks for.
    private var readsServerName: Bool {
        if target.applicationProtocol == .tls { return true }
        if case .table(let routes) = routes { return !routes.table.tls.isEmpty }
        return false
    }

    /// The first bytes say what they are.
    private func detect(mayBeHTTP: Bool) {
        stream.accept(baggage: nil)
        open { channel in
            let detector = ProtocolDetector(
                within: self.loop.settings.detectionTimeout, mayBeHTTP: mayBeHTTP,
                onSilence: { self.carryBytes(on: channel) }
            ) { treatment, serverName in
                switch treatment {
                case .http: if self.leavesBytes() { self.serveRequests(on: channel) }
                case .http2: if self.leavesBytes() { self.serveStreams(on: channel) }
                case .opaque, .detect:
                    if self.passage == nil { self.carryBytes(on: channel, serverName: serverName) }
                }
            }
            try? channel.pipeline.syncOperations.addHandler(detector)
        }
    }

    func open(_ initializer: (TunnelStreamChannel) -> Void) {
        do {
            let address = try? SocketAddress(caller.client)
            let channel = try stream.makeChannel(remoteAddress: address) { channel in
                self.channel = channel
                channel.closeFuture.assumeIsolated().whenComplete { _ in self.over() }
                initializer(channel)
            }
            self.channel = channel
        } catch {
            over()
        }
    }

    private func serveRequests(on channel: TunnelStreamChannel) {
        let door = RequestDoor(call: self)
        self.door = door
        do {
            try door.install(on: channel)
        } catch {
            channel.abort()
        }
    }

    private func serveStreams(on channel: TunnelStreamChannel) {
        do {
            connection = try CallerStream.serve(self, on: channel)
        } catch {
            channel.abort()
        }
    }

    // MARK: - What decides

    var requestPolicies: RequestPolicySet { present.policies.requests }
    /// `nil`: no policy is about tokens.
    var tokenChecker: TokenChecker? { present.policies.tokens }
    var routes: CallRoutes { present.routes }
    /// What rules of traffic say of the endpoints of what was called.
    var portTraffic: PortTraffic { present.port }
    /// What stands before the service that was called.
    var guardian: ServiceGuard { present.guardian }

    private var present: Known {
        if let known, known.epoch == loop.epoch { return known }
        let present = Known(of: self)
        known = present
        return present
    }

    /// The endpoints of a back end; its own routes do not count. `nil`: there is no such service.
    func target(of backend: RouteTarget) -> CallTarget? {
        if backend == target.routeTarget { return target }
        return loop.world.service(backend.service).map {
            CallTarget(subject: .service($0), port: backend.port, address: nil)
        }
    }

    /// Requests are judged one by one; bytes that policy no longer lets through are cut.
    func judgeAgain() {
        guard let opaqueFacts, requestPolicies.decide(opaqueFacts).denial != nil else { return }
        cut(.policyChanged)
    }

    /// Counts the bytes that have moved up to now.
    func countLiveBytes() { passage?.countLiveBytes() }

    // MARK: - Ends

    /// No more requests after the one that runs; bytes run on to their end.
    func drain() {
        door?.drain()
        connection?.drain()
    }

    /// Ends it now.
    func cut(_ failure: ConnectionFailure) {
        passage?.cut(failure)
        if let channel { channel.abort() } else { stream.refuse(status: failure.flag == .denied ? 401 : 503) }
        over()
    }

    func over() {
        guard let number else { return }
        self.number = nil
        passage = nil
        opaqueFacts = nil
        known = nil
        connection = nil
        loop.removeCall(number)
    }
}

internal import HBONE
internal import MeshModel
internal import MeshProxy
internal import NIOCore
internal import WaypointResilience
internal import WaypointRoute

/// Finds endpoints of a call and opens ways to them.
final class UpstreamSearch {
    let caller: Caller
    let target: CallTarget
    let loop: GatewayLoop
    /// The same for all tries; made only when a way is opened.
    lazy var trace = caller.request.traceparent ?? TraceParent(using: &loop.generator).headerValue
    /// Of consistent hashing.
    var key: UInt64?
    /// The call whose target it is, which remembers what rules say of that.
    private let own: Call?
    private var excluded: Set<String> = []
    /// Where others are, none goes, even when nobody else is left.
    private var isBeside = false
    /// Whether ``choice`` will be asked for.
    var remembersChoice = false
    /// The endpoint of the latest try.
    private var choice: EndpointHop?
    private var attempts = 0

    /// - Parameter target: where to; `nil`: what the caller called.
    convenience init(for call: Call, to target: CallTarget? = nil) {
        self.init(
            for: call.caller, to: target ?? call.target, on: call.loop, own: target == nil ? call : nil)
    }

    /// - Parameters:
    ///   - caller: whom the endpoint's node is told of; connections are shared by callers of one identity.
    ///   - own: the call whose target it is.
    init(for caller: Caller, to target: CallTarget, on loop: GatewayLoop, own: Call? = nil) {
        self.caller = caller
        self.target = target
        self.loop = loop
        self.own = own
    }

    /// What rules of traffic say of the target at present.
    var traffic: PortTraffic {
        if loop.traffic.isEmpty { return .none }
        if let own { return own.portTraffic }
        return target.routeTarget.map { loop.traffic.port($0, now: .sinceStart) } ?? .none
    }

    /// Where rules of traffic hold for the target.
    var cluster: ServiceCluster? {
        if case .cluster(let cluster) = traffic { cluster } else { nil }
    }

    /// For bytes: while nothing was sent, a failure of one endpoint leads to another. The completion is called exactly
    /// once, on the loop.
    func start(_ completion: @escaping (Result<Upstream, ConnectionFailure>) -> Void) {
        if let cluster { key = HashKey(cluster.policy, client: caller.client.ip).hash }
        attempt(after: nil, completion)
    }

    /// For one try of a request: an endpoint that no earlier try failed at, if there is one. The completion is called
    /// exactly once, on the loop.
    /// - Parameters:
    ///   - mayReuse: a connection that has carried other requests will do.
    ///   - isHTTP2: what the endpoint gets.
    ///   - pinned: names the endpoint that the client was at before.
    ///   - lease: counts the try, where rules of traffic hold.
    func request(
        mayReuse: Bool, isHTTP2: Bool, pinned: SessionToken?, lease: EndpointLease?,
        _ completion: @escaping (Result<EndpointSide, ConnectionFailure>) -> Void
    ) {
        let hop: EndpointHop
        do throws(ConnectionFailure) {
            try lease?.take(.requests)
            hop = try self.hop(pinned: pinned)
        } catch {
            return completion(.failure(error))
        }
        lease?.chose(hop.workload.uid)
        if remembersChoice { choice = hop }
        if isHTTP2, !loop.connections.isKnownForHTTP1(EndpointConnection.Key(hop, for: caller.identity)) {
            return share(hop, mayReuse: mayReuse, lease, completion)
        }
        connect(hop, mayReuse: mayReuse, lease, completion)
    }

    /// For a try beside others, at an endpoint where none of them is.
    func beside(_ others: [UpstreamSearch]) -> UpstreamSearch {
        let search = UpstreamSearch(for: caller, to: target, on: loop, own: own)
        (search.key, search.isBeside, search.remembersChoice) = (key, true, true)
        search.excluded = excluded.union(([self] + others).compactMap { $0.choice?.workload.uid })
        return search
    }

    /// Other endpoints come before this one from now on.
    func exclude(_ hop: EndpointHop) { excluded.insert(hop.workload.uid) }

    /// When all have failed, any may be tried again.
    private func hop(pinned: SessionToken?) throws(ConnectionFailure) -> EndpointHop {
        do throws(ConnectionFailure) {
            return try hop(excluding: excluded, pinned: pinned)
        } catch {
            guard !excluded.isEmpty, !isBeside else { throw error }
            return try hop(excluding: [], pinned: nil)
        }
    }

    private func hop(excluding excluded: Set<String>, pinned: SessionToken?) throws(ConnectionFailure) -> EndpointHop {
        let router = loop.router
        switch traffic {
        case .none: return try router.hop(for: target, excluding: excluded, pinned: pinned, using: &loop.generator)
        case .refused(let reason): throw .unsupported(reason)
        case .cluster(let cluster):
            let question = ServiceCluster.Question(
                caller: caller.identity, key: key, excluded: excluded, now: .sinceStart)
            let kept = pinned.flatMap { token in cluster.find(question, where: token.isFor(endpoint:)) }
            guard let endpoint = kept ?? cluster.choose(question, using: &loop.generator) else {
                throw .noHealthyUpstream(target.place)
            }
            return try router.hop(for: target, at: endpoint, tls: cluster.policy.tls)
        }
    }

    /// Bytes do not wait for a connection: beyond the limit there is none, as at Envoy's TCP proxy.
    private func attempt(
        after failure: ConnectionFailure?, _ completion: @escaping (Result<Upstream, ConnectionFailure>) -> Void
    ) {
        attempts += 1
        let hop: EndpointHop
        let lease = cluster.map { EndpointLease($0) }
        do throws(ConnectionFailure) {
            try lease?.take(.connections)
            hop = try self.hop(excluding: excluded, pinned: nil)
        } catch {
            lease?.end()
            // That no other endpoint is left says less than what happened to the last one.
            return completion(.failure(failure ?? error))
        }
        lease?.chose(hop.workload.uid)
        open(hop, speaking: []) { result in
            switch result {
            case .success(let link):
                lease?.outcome = .success
                completion(.success(Upstream(hop: hop, link: link, lease: lease)))
            case .failure(let failure):
                if failure.mayTryAnotherEndpoint { lease?.outcome = .localFailure }
                lease?.end()
                guard failure.mayTryAnotherEndpoint, self.attempts < self.loop.settings.connectAttemptsMax else {
                    return completion(.failure(failure))
                }
                self.exclude(hop)
                self.attempt(after: failure, completion)
            }
        }
    }
}

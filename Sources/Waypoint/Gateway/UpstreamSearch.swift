internal import HBONE
internal import MeshModel
internal import MeshProxy
internal import NIOCore
internal import WaypointRoute

/// A way to an endpoint that is open and has carried nothing yet.
struct Upstream {
    enum Link {
        /// Through the endpoint's node.
        case stream(HBONEStream)
        /// Plain TCP.
        case socket(any Channel)
    }

    let hop: EndpointHop
    let link: Link

    /// Nobody wants it any more.
    func drop() {
        switch link {
        case .stream(let stream): stream.reset(.cancel)
        case .socket(let channel): channel.close(promise: nil)
        }
    }
}

/// Finds endpoints of a call and opens ways to them.
final class UpstreamSearch {
    private let caller: Caller
    private let target: CallTarget
    private let loop: GatewayLoop
    /// The same for all tries; made only when a way is opened.
    private lazy var trace = caller.request.traceparent ?? TraceParent(using: &loop.generator).headerValue
    private var excluded: Set<String> = []
    private var attempts = 0

    /// - Parameter target: where to; what the caller called, unless it was decided otherwise.
    convenience init(for call: Call, to target: CallTarget? = nil) {
        self.init(for: call.caller, to: target ?? call.target, on: call.loop)
    }

    /// - Parameter caller: whom the endpoint's node is told of; connections are shared by callers of one identity.
    init(for caller: Caller, to target: CallTarget, on loop: GatewayLoop) {
        self.caller = caller
        self.target = target
        self.loop = loop
    }

    /// For bytes: while nothing was sent, a failure of one endpoint leads to another. The completion is called exactly
    /// once, on the loop.
    func start(_ completion: @escaping (Result<Upstream, ConnectionFailure>) -> Void) {
        attempt(after: nil, completion)
    }

    /// For one try of a request: an endpoint that no earlier try failed at, if there is one. The completion is called
    /// exactly once, on the loop.
    /// - Parameters:
    ///   - mayReuse: a connection that has carried other requests will do.
    ///   - isHTTP2: what the endpoint gets.
    ///   - pinned: names the endpoint that the client was at before.
    func request(
        mayReuse: Bool, isHTTP2: Bool, pinned: SessionToken?,
        _ completion: @escaping (Result<EndpointSide, ConnectionFailure>) -> Void
    ) {
        let hop: EndpointHop
        do throws(ConnectionFailure) {
            hop = try self.hop(pinned: pinned)
        } catch {
            return completion(.failure(error))
        }
        if isHTTP2 { return share(hop, mayReuse: mayReuse, completion) }
        if mayReuse, let door = loop.idle.take(hop, for: caller.identity) {
            return completion(.success(.http1(door)))
        }
        open(hop) { result in
            switch result {
            case .success(let link):
                let upstream = Upstream(hop: hop, link: link)
                do {
                    let door = UpstreamDoor(hop, for: self.caller, idle: self.loop.idle)
                    try door.install(on: upstream)
                    completion(.success(.http1(door)))
                } catch {
                    upstream.drop()
                    completion(.failure(.dial(cause: "\(error)")))
                }
            case .failure(let failure):
                self.exclude(hop)
                completion(.failure(failure))
            }
        }
    }

    /// A stream of an HTTP/2 connection.
    private func share(
        _ hop: EndpointHop, mayReuse: Bool, _ completion: @escaping (Result<EndpointSide, ConnectionFailure>) -> Void
    ) {
        let (loop, connections) = (loop, loop.connections)
        let key = EndpointConnection.Key(hop, for: caller.identity)
        if mayReuse, let connection = connections.take(key) {
            return completion(.success(.http2(UpstreamStream(connection))))
        }
        let open: EndpointConnections.Opening = { opened in
            self.open(hop) { result in
                switch result {
                case .failure(let failure): opened(.failure(failure))
                case .success(let link):
                    let upstream = Upstream(hop: hop, link: link)
                    do {
                        opened(
                            .success(
                                try EndpointConnection(upstream, on: loop.eventLoop) { [weak connections] in
                                    connections?.forget($0, key)
                                }))
                    } catch {
                        upstream.drop()
                        opened(.failure(.dial(cause: "\(error)")))
                    }
                }
            }
        }
        connections.connection(key, mayReuse: mayReuse, open: open) { result in
            if case .failure = result { self.exclude(hop) }
            completion(result.map { .http2(UpstreamStream($0)) })
        }
    }

    /// Other endpoints come before this one from now on.
    func exclude(_ hop: EndpointHop) { excluded.insert(hop.workload.uid) }

    /// When all have failed, any may be tried again.
    private func hop(pinned: SessionToken?) throws(ConnectionFailure) -> EndpointHop {
        let router = EndpointRouter(world: loop.world, source: loop.own)
        do throws(ConnectionFailure) {
            return try router.hop(for: target, excluding: excluded, pinned: pinned, using: &loop.generator)
        } catch {
            guard !excluded.isEmpty else { throw error }
            return try router.hop(for: target, excluding: [], using: &loop.generator)
        }
    }

    private func attempt(
        after failure: ConnectionFailure?, _ completion: @escaping (Result<Upstream, ConnectionFailure>) -> Void
    ) {
        attempts += 1
        let hop: EndpointHop
        do throws(ConnectionFailure) {
            let router = EndpointRouter(world: loop.world, source: loop.own)
            hop = try router.hop(for: target, excluding: excluded, using: &loop.generator)
        } catch {
            // That no other endpoint is left says less than what happened to the last one.
            return completion(.failure(failure ?? error))
        }
        open(hop) { result in
            switch result {
            case .success(let link): completion(.success(Upstream(hop: hop, link: link)))
            case .failure(let failure):
                guard failure.mayTryAnotherEndpoint, self.attempts < self.loop.settings.connectAttemptsMax else {
                    return completion(.failure(failure))
                }
                self.exclude(hop)
                self.attempt(after: failure, completion)
            }
        }
    }

    private func open(_ hop: EndpointHop, _ completion: @escaping (Result<Upstream.Link, ConnectionFailure>) -> Void) {
        guard hop.isTunnel else {
            let dial = PlainDial(loop: loop, peer: hop.peer, isTunnel: false)
            return dial.start { completion($0.map(Upstream.Link.socket)) }
        }
        guard let pool = loop.pool else { return completion(.failure(.drained)) }
        let key = HBONEPool.Key(source: loop.settings.identity, destinations: hop.expected, peer: hop.peer)
        pool.open(key, request(hop)) { result in
            completion(result.map { .stream($0.0) }.mapError { ConnectionFailure(tunnel: $0) })
        }
    }

    /// Tells the endpoint's node of the caller whom we act for; for telemetry only.
    private func request(_ hop: EndpointHop) -> ConnectRequest {
        let told = caller.request
        return ConnectRequest(
            authority: hop.target.description, baggage: told.baggage,
            forwarded: told.forwarded
                ?? ForwardedHeader.value(client: caller.client, serviceHostname: target.service?.hostname),
            traceparent: trace)
    }
}

internal import HBONE
internal import MeshModel
internal import MeshTLS
internal import NIOCore
internal import WaypointResilience

/// Connections for requests.
extension UpstreamSearch {
    /// One of HTTP/1.1: kept from another request, or new.
    /// - Parameter hasWaited: for a connection; who has goes before others.
    func connect(
        _ hop: EndpointHop, mayReuse: Bool, _ lease: EndpointLease?, hasWaited: Bool = false,
        _ completion: @escaping (Result<EndpointSide, ConnectionFailure>) -> Void
    ) {
        if mayReuse, let door = loop.idle.take(hop, for: caller.identity) {
            lease?.release(.pending)
            return completion(.success(.http1(door)))
        }
        do throws(ConnectionFailure) {
            try lease?.take(.pending)
        } catch {
            return completion(.failure(error))
        }
        let connection = lease.flatMap { EndpointLease.connection($0.cluster) }
        if let lease, connection == nil {
            return wait(lease, hasWaited: hasWaited) { isOver in
                if isOver { return completion(.failure(.clientDisconnected)) }
                self.connect(hop, mayReuse: mayReuse, lease, hasWaited: true, completion)
            }
        }
        open(hop, speaking: [.http1]) { result in
            lease?.release(.pending)
            switch result {
            case .success(let link):
                let upstream = Upstream(hop: hop, link: link, lease: connection)
                do {
                    let door = UpstreamDoor(upstream, for: self.caller, idle: self.loop.idle)
                    try door.install(on: upstream)
                    completion(.success(.http1(door)))
                } catch {
                    upstream.drop()
                    completion(.failure(.dial(cause: "\(error)")))
                }
            case .failure(let failure):
                connection?.end()
                self.exclude(hop)
                completion(.failure(failure))
            }
        }
    }

    /// A stream of an HTTP/2 connection.
    func share(
        _ hop: EndpointHop, mayReuse: Bool, _ lease: EndpointLease?,
        _ completion: @escaping (Result<EndpointSide, ConnectionFailure>) -> Void
    ) {
        let key = EndpointConnection.Key(hop, for: caller.identity)
        if mayReuse, let connection = loop.connections.available(key) {
            return completion(.success(.http2(UpstreamStream(connection))))
        }
        do throws(ConnectionFailure) {
            try lease?.take(.pending)
        } catch {
            return completion(.failure(error))
        }
        let open: EndpointConnections.Opening = { opened in
            self.openShared(hop, key, mayReuse: mayReuse, lease, opened)
        }
        loop.connections.connection(key, mayReuse: mayReuse, open: open) { result in
            lease?.release(.pending)
            // It has a connection for this request already.
            if case .failure = result, self.loop.connections.isKnownForHTTP1(key) {
                return self.connect(hop, mayReuse: mayReuse, lease, completion)
            }
            if case .failure(let failure) = result, failure != .clientDisconnected { self.exclude(hop) }
            completion(result.map { .http2(UpstreamStream($0)) })
        }
    }

    private func openShared(
        _ hop: EndpointHop, _ key: EndpointConnection.Key, mayReuse: Bool, _ lease: EndpointLease?,
        hasWaited: Bool = false, _ opened: @escaping EndpointConnections.Completion
    ) {
        if hasWaited, mayReuse, let connection = loop.connections.available(key) {
            return opened(.success(connection))
        }
        let connection = lease.flatMap { EndpointLease.connection($0.cluster) }
        if let lease, connection == nil {
            return wait(lease, hasWaited: hasWaited) { isOver in
                if isOver { return opened(.failure(.clientDisconnected)) }
                self.openShared(hop, key, mayReuse: mayReuse, lease, hasWaited: true, opened)
            }
        }
        let (eventLoop, connections) = (loop.eventLoop, loop.connections)
        open(hop, speaking: [.http2, .http1]) { result in
            switch result {
            case .failure(let failure):
                connection?.end()
                opened(.failure(failure))
            case .success(let link):
                let upstream = Upstream(hop: hop, link: link, lease: connection)
                if case .secured(_, let chosen, _) = link, chosen != .http2 {
                    self.keepForHTTP1(upstream, key)
                    return opened(.failure(.http2Handshake(cause: "the server chose HTTP/1.1")))
                }
                do {
                    let shared = try EndpointConnection(upstream, on: eventLoop) {
                        connections.forget($0, key)
                    }
                    opened(.success(shared))
                } catch {
                    upstream.drop()
                    opened(.failure(.dial(cause: "\(error)")))
                }
            }
        }
    }

    /// The server speaks no HTTP/2. What was opened serves the other.
    private func keepForHTTP1(_ upstream: Upstream, _ key: EndpointConnection.Key) {
        loop.connections.learnHTTP1(key)
        let door = UpstreamDoor(upstream, for: caller, idle: loop.idle)
        do {
            try door.install(on: upstream)
            door.rest()
        } catch {
            upstream.drop()
        }
    }

    /// As many connections are open as may be: until one ends or rests.
    /// - Parameter again: told whether the request is over.
    private func wait(_ lease: EndpointLease, hasWaited: Bool, _ again: @escaping (_ isOver: Bool) -> Void) {
        let cluster = lease.cluster
        lease.wait(isFirst: hasWaited) { isRoom in
            guard isRoom else { return again(true) }
            // Whoever makes room is in the middle of something.
            self.loop.eventLoop.assumeIsolated().execute {
                if lease.isOver { cluster.wakeNext() }
                again(lease.isOver)
            }
        }
        // One that rests is not for this request: it was of no use, or it would have been taken.
        if !loop.idle.dismiss(of: cluster) { loop.connections.dismiss(of: cluster) }
    }
}

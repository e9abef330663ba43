internal import MeshModel
internal import MeshProxy
internal import NIOCore

/// HTTP/2 connections to endpoints, of one loop. Requests share one while the endpoint takes more of them; while one is
/// being opened, others wait for it.
final class EndpointConnections {
    typealias Completion = (Result<EndpointConnection, ConnectionFailure>) -> Void
    typealias Opening = (@escaping Completion) -> Void

    private let eventLoop: any EventLoop
    private let limits: IdleEndpoints.Limits
    private var kept: [EndpointConnection.Key: [EndpointConnection]] = [:]
    private(set) var count = 0
    private var waiting: [EndpointConnection.Key: [(Opening, Completion)]] = [:]
    private var sweep: Scheduled<Void>?
    private var sweepAt: NIODeadline?
    private var isClosed = false
    /// Servers that chose HTTP/1.1 by ALPN, and until when that is believed.
    private var http1: [EndpointConnection.Key: NIODeadline] = [:]

    init(eventLoop: any EventLoop, limits: IdleEndpoints.Limits) {
        self.eventLoop = eventLoop
        self.limits = limits
    }

    /// A connection that takes a request now. The completion is called exactly once, on the loop.
    /// - Parameters:
    ///   - mayReuse: one that has carried other requests will do.
    ///   - open: makes a new one.
    func connection(
        _ key: EndpointConnection.Key, mayReuse: Bool, open: @escaping Opening, _ completion: @escaping Completion
    ) {
        if mayReuse {
            if let connection = available(key) { return completion(.success(connection)) }
            guard waiting[key] == nil else {
                waiting[key, default: []].append((open, completion))
                return
            }
            waiting[key] = []
        }
        open { result in
            let waiters = mayReuse ? self.waiting.removeValue(forKey: key) ?? [] : []
            if case .success(let connection) = result { self.keep(connection, key) }
            completion(result)
            for (open, completion) in waiters {
                if case .failure(let failure) = result, failure != .clientDisconnected {
                    completion(result)
                } else {
                    self.connection(key, mayReuse: true, open: open, completion)
                }
            }
        }
    }

    /// One that takes a request now.
    func available(_ key: EndpointConnection.Key) -> EndpointConnection? {
        guard let connections = kept[key] else { return nil }
        var found: EndpointConnection?
        for connection in connections {
            if !connection.isWelcome || connection.isStaleByRule {
                connection.leave()
            } else if found == nil, connection.canOpen {
                found = connection
            }
        }
        return found
    }

    /// It has chosen HTTP/1.1 lately, when it could have chosen HTTP/2.
    func isKnownForHTTP1(_ key: EndpointConnection.Key) -> Bool {
        guard key.tls != nil, let end = http1[key] else { return false }
        return NIODeadline.now() < end
    }

    func learnHTTP1(_ key: EndpointConnection.Key) {
        if http1.count >= limits.totalMax { http1.removeAll() }
        http1[key] = .now() + .seconds(300)
    }

    private func keep(_ connection: EndpointConnection, _ key: EndpointConnection.Key) {
        guard !isClosed, !connection.isOver, !connection.isKept, count < limits.totalMax,
            (kept[key]?.count ?? 0) < limits.perEndpointMax
        else { return }
        connection.isKept = true
        kept[key, default: []].append(connection)
        count += 1
        startSweep(for: connection.life.idleTime)
    }

    /// Ends one connection that nobody uses, so that another may be opened.
    func dismiss(of cluster: ServiceCluster) {
        for connections in kept.values {
            guard let found = connections.first(where: { $0.isIdle && $0.lease?.cluster === cluster }) else { continue }
            return found.leave()
        }
    }

    /// It went away.
    func forget(_ connection: EndpointConnection, _ key: EndpointConnection.Key) {
        guard var connections = kept[key], let index = connections.firstIndex(where: { $0 === connection }) else {
            return
        }
        connections.remove(at: index)
        count -= 1
        kept[key] = connections.isEmpty ? nil : connections
    }

    /// Ends them all.
    func close() {
        isClosed = true
        sweep?.cancel()
        sweep = nil
        for connection in Array(kept.values.joined()) { connection.close() }
    }

    /// - Parameter idleTime: of one that came; `nil`: the standard.
    private func startSweep(for idleTime: TimeAmount?) {
        guard !isClosed else { return }
        let pause = TimeAmount.nanoseconds(
            max(min(idleTime ?? limits.idleTime, limits.idleTime).nanoseconds / 2, 1_000_000))
        if let sweep {
            guard let sweepAt, idleTime != nil, .now() + pause < sweepAt else { return }
            sweep.cancel()
        }
        sweepAt = .now() + pause
        sweep = eventLoop.assumeIsolated().scheduleTask(in: pause) { [weak self] in
            guard let self else { return }
            sweep = nil
            let now = NIODeadline.now()
            for connection in Array(kept.values.joined())
            where connection.isStale(self.limits.idleTime, now: now) {
                connection.leave()
            }
            guard count > 0 else { return }
            startSweep(for: kept.values.joined().compactMap(\.life.idleTime).min())
        }
    }
}

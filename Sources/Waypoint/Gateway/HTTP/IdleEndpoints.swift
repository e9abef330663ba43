internal import MeshModel
internal import NIOCore

/// Connections to endpoints between two exchanges, of one loop. A connection is used again only for a caller of the
/// same identity, so that what the endpoint's node was told of the caller stays true.
final class IdleEndpoints {
    /// What may be kept.
    struct Limits: Sendable {
        /// Longest rest of a connection.
        var idleTime = TimeAmount.seconds(60)
        /// As many as callers may well have requests under way at once: with 32, 64 callers made a new connection for
        /// every third request (`bench/waypoint`), which cost the endpoint's node three times as much. What a burst
        /// left behind goes after the longest rest.
        var perEndpointMax = 1024
        /// Of one loop.
        var totalMax = 4096
    }

    private struct Resting {
        let door: UpstreamDoor
        let since: NIODeadline
    }

    private let eventLoop: any EventLoop
    private let limits: Limits
    /// By where the application listens; the one that rested last stands last.
    private var resting: [TransportAddress: [Resting]] = [:]
    private(set) var count = 0
    private var sweep: Scheduled<Void>?
    private var sweepAt: NIODeadline?
    private var isClosed = false

    init(eventLoop: any EventLoop, limits: Limits) {
        self.eventLoop = eventLoop
        self.limits = limits
    }

    /// A connection that can carry another exchange.
    func take(_ hop: EndpointHop, for identity: Identity) -> UpstreamDoor? {
        while let found = remove(at: hop.target, where: { $0.door.fits(hop, identity) }) {
            if found.door.isUsable, !isStale(found) { return found.door }
            found.door.leave()
        }
        return nil
    }

    /// Takes out the last one that suits, where it is: the list is not copied.
    private func remove(at target: TransportAddress, where suits: (Resting) -> Bool) -> Resting? {
        guard let place = resting.index(forKey: target),
            let index = resting.values[place].lastIndex(where: suits)
        else { return nil }
        let found = resting.values[place].remove(at: index)
        count -= 1
        if resting.values[place].isEmpty { resting.remove(at: place) }
        return found
    }

    func keep(_ door: UpstreamDoor) {
        guard !isClosed, count < limits.totalMax, (resting[door.hop.target]?.count ?? 0) < limits.perEndpointMax else {
            return door.leave()
        }
        resting[door.hop.target, default: []].append(Resting(door: door, since: .now()))
        count += 1
        startSweep(for: door.life.idleTime)
    }

    /// Rules of traffic bound its rest, and it has rested as long as that or longer. All others are swept in time.
    private func isStale(_ resting: Resting) -> Bool {
        guard resting.door.life.idleTime != nil else { return false }
        return resting.door.life.isStale(since: resting.since, standard: limits.idleTime, now: .now())
    }

    /// Ends one connection that rests, so that another may be opened. Answers whether there was one.
    func dismiss(of cluster: ServiceCluster) -> Bool {
        for doors in resting.values {
            guard let found = doors.first(where: { $0.door.lease?.cluster === cluster }) else { continue }
            found.door.leave()
            return true
        }
        return false
    }

    /// It went away.
    func forget(_ door: UpstreamDoor) {
        _ = remove(at: door.hop.target) { $0.door === door }
    }

    /// Keeps nothing any more.
    func close() {
        isClosed = true
        sweep?.cancel()
        sweep = nil
        leave { _ in true }
    }

    /// - Parameter idleTime: of one that came; `nil`: the standard.
    private func startSweep(for idleTime: TimeAmount?) {
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
            leave { $0.door.life.isStale(since: $0.since, standard: self.limits.idleTime, now: now) }
            guard count > 0 else { return }
            startSweep(for: resting.values.joined().compactMap(\.door.life.idleTime).min())
        }
    }

    private func leave(_ isOver: (Resting) -> Bool) {
        let doors = resting.values.joined().filter(isOver).map(\.door)
        for door in doors { door.leave() }
    }
}

extension UpstreamDoor {
    fileprivate func fits(_ hop: EndpointHop, _ identity: Identity) -> Bool {
        self.hop.isTunnel == hop.isTunnel && self.hop.expected == hop.expected && self.hop.tls == hop.tls
            && caller.identity == identity
    }
}

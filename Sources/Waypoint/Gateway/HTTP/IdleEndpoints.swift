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
    private var isClosed = false

    init(eventLoop: any EventLoop, limits: Limits) {
        self.eventLoop = eventLoop
        self.limits = limits
    }

    /// A connection that can carry another exchange.
    func take(_ hop: EndpointHop, for identity: Identity) -> UpstreamDoor? {
        while let door = remove(at: hop.target, where: { $0.door.fits(hop, identity) }) {
            if door.isUsable { return door }
            door.leave()
        }
        return nil
    }

    /// Takes out the last one that suits, where it is: the list is not copied.
    private func remove(at target: TransportAddress, where suits: (Resting) -> Bool) -> UpstreamDoor? {
        guard let place = resting.index(forKey: target),
            let index = resting.values[place].lastIndex(where: suits)
        else { return nil }
        let door = resting.values[place].remove(at: index).door
        count -= 1
        if resting.values[place].isEmpty { resting.remove(at: place) }
        return door
    }

    func keep(_ door: UpstreamDoor) {
        guard !isClosed, count < limits.totalMax, (resting[door.hop.target]?.count ?? 0) < limits.perEndpointMax else {
            return door.leave()
        }
        resting[door.hop.target, default: []].append(Resting(door: door, since: .now()))
        count += 1
        startSweep()
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

    private func startSweep() {
        guard sweep == nil, count > 0 else { return }
        let pause = TimeAmount.nanoseconds(max(limits.idleTime.nanoseconds / 2, 1_000_000))
        sweep = eventLoop.assumeIsolated().scheduleTask(in: pause) { [weak self] in
            guard let self else { return }
            sweep = nil
            let now = NIODeadline.now()
            leave { now - $0.since >= self.limits.idleTime }
            startSweep()
        }
    }

    private func leave(_ isOver: (Resting) -> Bool) {
        let doors = resting.values.joined().filter(isOver).map(\.door)
        for door in doors { door.leave() }
    }
}

extension UpstreamDoor {
    fileprivate func fits(_ hop: EndpointHop, _ identity: Identity) -> Bool {
        self.hop.isTunnel == hop.isTunnel && self.hop.expected == hop.expected && caller.identity == identity
    }
}

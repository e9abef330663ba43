internal import MeshModel
internal import NIOCore

/// Connections to endpoints between two exchanges, of one loop. A connection is used again only for a caller of the
/// same identity, so that what the endpoint's node was told of the caller stays true.
final class IdleEndpoints {
    /// What may be kept.
    struct Limits: Sendable {
        /// Longest rest of a connection.
        var idleTime = TimeAmount.seconds(60)
        var perEndpointMax = 32
        /// Of one loop.
        var totalMax = 1024
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
        guard var doors = resting[hop.target] else { return nil }
        while let index = doors.lastIndex(where: { $0.door.fits(hop, identity) }) {
            let door = doors.remove(at: index).door
            count -= 1
            resting[hop.target] = doors.isEmpty ? nil : doors
            if door.isUsable { return door }
            door.leave()
            doors = resting[hop.target] ?? []
        }
        return nil
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
        guard var doors = resting[door.hop.target], let index = doors.firstIndex(where: { $0.door === door }) else {
            return
        }
        doors.remove(at: index)
        count -= 1
        resting[door.hop.target] = doors.isEmpty ? nil : doors
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

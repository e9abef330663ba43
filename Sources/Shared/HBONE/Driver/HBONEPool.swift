import DequeModule
import MeshModel
package import NIOCore

/// The client connections of one pod on one loop: streams of one key share connections; simultaneous requests share
/// a dial. Loop-bound, not Sendable.
package final class HBONEPool {
    package typealias Dial = (Key) -> EventLoopFuture<HBONEConnection>

    enum Phase { case open, draining, closed }

    let loop: any EventLoop
    let limits: PoolLimits
    private let dial: Dial
    var phase = Phase.open
    var entries: [Key: Entry] = [:]
    /// Connections that get no new streams and have not ended.
    var leaving: [ObjectIdentifier: HBONEConnection] = [:]
    var idleTimer: Scheduled<Void>?

    /// - Parameter dial: makes a connection whose TLS and SETTINGS are done, on `loop`; called on the loop. A failed
    /// future
    ///   is its own words for all requests that wait for it.
    package init(loop: any EventLoop, limits: PoolLimits = PoolLimits(), dial: @escaping Dial) {
        self.loop = loop
        self.limits = limits
        self.dial = dial
    }

    /// Opens a stream to the key's peer: on a connection with room, or on one that is dialled. The completion is called
    /// exactly once, on the loop.
    package func open(_ key: Key, _ request: ConnectRequest, completion: @escaping HBONEConnection.OpenCompletion) {
        loop.preconditionInEventLoop()
        guard phase == .open else { return completion(.failure(.poolDraining)) }
        let entry: Entry
        if let known = entries[key] {
            entry = known
        } else {
            guard entries.count < limits.keysMaximum else { return completion(.failure(.poolFull)) }
            entry = Entry()
            entries[key] = entry
        }
        // Who waits already goes first.
        if entry.waiters.isEmpty, let connection = usable(in: entry) {
            connection.open(request, completion: completion)
            return
        }
        guard entry.waiters.count < limits.waitingRequestsPerKeyMaximum else {
            return completion(.failure(.poolFull))
        }
        entry.waiters.append(Waiter(request: request, completion: completion))
        dialIfNeeded(key, entry)
    }

    /// No new streams; those there run to their end. Requests that wait fail.
    package func drain() {
        guard phase == .open else { return }
        phase = .draining
        for entry in entries.values {
            failWaiters(of: entry, count: .max, .poolDraining)
            for connection in entry.connections { connection.drain() }
        }
        stopTimerIfEmpty()
    }

    /// Ends everything now.
    package func closeAll(_ reason: RelayCut = .drained) {
        guard phase != .closed else { return }
        phase = .closed
        for entry in entries.values {
            failWaiters(of: entry, count: .max, .poolDraining)
            for connection in entry.connections { connection.close(.cut(reason)) }
        }
        entries.removeAll()
        for connection in leaving.values { connection.close(.cut(reason)) }
        leaving.removeAll()
        stopTimerIfEmpty()
    }

    /// These keys' connections get no new streams; streams that live run to their end. Requests that wait are dialled
    /// anew.
    package func discard(where matches: (Key) -> Bool) {
        for (key, entry) in entries where matches(key) {
            // Each tells us that it leaves, and is taken out of the entry then.
            for connection in entry.connections { connection.drain() }
        }
    }

    /// A dial may fail in the words of either room.
    private static func dialError(_ error: any Error) -> HBONEError {
        error as? HBONEError ?? .dial(error as? ConnectionFailure ?? .dial(cause: "\(error)"))
    }

    /// The fullest connection with room: the others can become idle and go.
    private func usable(in entry: Entry) -> HBONEConnection? {
        var best: HBONEConnection?
        for connection in entry.connections
        where connection.openStreamCount < limits.streamsPerConnectionMaximum && connection.canOpenStream {
            if connection.openStreamCount >= best?.openStreamCount ?? 0 { best = connection }
        }
        return best
    }

    /// As many dials as connections are wanted for those who wait, if each gives the usual number of streams.
    private func dialIfNeeded(_ key: Key, _ entry: Entry) {
        guard phase == .open else { return }
        let perConnection = limits.streamsPerConnectionMaximum
        let wanted = (entry.waiters.count + perConnection - 1) / perConnection
        for _ in 0..<max(0, wanted - entry.dials) {
            // A future that is complete already is answered within this call, and may have answered everyone.
            guard !entry.waiters.isEmpty else { return }
            entry.dials += 1
            dial(key).assumeIsolated().whenComplete { result in
                self.dialled(key, entry, result)
            }
        }
    }

    private func dialled(_ key: Key, _ entry: Entry, _ result: Result<HBONEConnection, any Error>) {
        entry.dials -= 1
        switch result {
        case .success(let connection): adopt(connection, key, entry)
        case .failure(let error):
            let share = entry.dials == 0 ? Int.max : limits.streamsPerConnectionMaximum
            failWaiters(of: entry, count: share, Self.dialError(error))
        }
        removeIfEmpty(key, entry)
    }

    private func adopt(_ connection: HBONEConnection, _ key: Key, _ entry: Entry) {
        guard phase == .open else {
            phase == .draining ? connection.drain() : connection.close(.cut(.drained))
            return
        }
        guard connection.canOpenStream else {
            let error = connection.closeReason.map(HBONEError.connectionClosed) ?? .noFreeStream
            connection.drain()
            failWaiters(of: entry, count: limits.streamsPerConnectionMaximum, error)
            return
        }
        entry.connections.append(connection)
        // The entry may have left the table by then; the connection lets go of this closure at its end.
        connection.onAvailabilityChange = { [weak self] in
            self?.availabilityChanged(of: connection, key, entry)
        }
        serveWaiters(key, entry)
        noteUse(of: connection, in: entry)
        startTimer()
    }

    private func availabilityChanged(of connection: HBONEConnection, _ key: Key, _ entry: Entry) {
        if connection.isClosed {
            forget(connection, entry)
            leaving[ObjectIdentifier(connection)] = nil
        } else if !connection.isReady {
            forget(connection, entry)
            leaving[ObjectIdentifier(connection)] = connection
        } else {
            noteUse(of: connection, in: entry)
        }
        serveWaiters(key, entry)
        removeIfEmpty(key, entry)
    }

    private func forget(_ connection: HBONEConnection, _ entry: Entry) {
        entry.connections.removeAll { $0 === connection }
        entry.idleSince[ObjectIdentifier(connection)] = nil
    }

    private func noteUse(of connection: HBONEConnection, in entry: Entry) {
        entry.idleSince[ObjectIdentifier(connection)] = connection.openStreamCount == 0 ? .now() : nil
    }

    private func serveWaiters(_ key: Key, _ entry: Entry) {
        while !entry.waiters.isEmpty, let connection = usable(in: entry), let waiter = entry.waiters.popFirst() {
            connection.open(waiter.request, completion: waiter.completion)
            entry.idleSince[ObjectIdentifier(connection)] = nil
        }
        dialIfNeeded(key, entry)
    }

    private func failWaiters(of entry: Entry, count: Int, _ error: HBONEError) {
        for _ in 0..<min(count, entry.waiters.count) {
            entry.waiters.popFirst()?.completion(.failure(error))
        }
    }

    private func removeIfEmpty(_ key: Key, _ entry: Entry) {
        guard entry.connections.isEmpty, entry.waiters.isEmpty, entry.dials == 0 else { return }
        if entries[key] === entry { entries[key] = nil }
        stopTimerIfEmpty()
    }
}

import Synchronization

/// How far each discovery stream has come, so that a change can be told to some before it is told to others.
package final class Acknowledgements: Sendable {
    /// Who is at the other end of a stream.
    package enum Audience: Hashable, Sendable {
        case nodes, waypoints
    }

    private struct State {
        var streams: [Int: (audience: Audience, revision: UInt64)] = [:]
        var lastNumber = 0
        var waiting: [Int: (audience: Audience, revision: UInt64, CheckedContinuation<Void, Never>)] = [:]

        func isReached(_ audience: Audience, _ revision: UInt64) -> Bool {
            streams.values.allSatisfy { $0.audience != audience || $0.revision >= revision }
        }

        mutating func takeReached() -> [CheckedContinuation<Void, Never>] {
            var reached: [CheckedContinuation<Void, Never>] = []
            for (number, wait) in waiting where isReached(wait.audience, wait.revision) {
                reached.append(wait.2)
                waiting[number] = nil
            }
            return reached
        }
    }

    private let state = Mutex(State())

    package init() {}

    /// A stream begins; it holds nothing yet.
    package func open(_ audience: Audience) -> Int {
        state.withLock { state in
            state.lastNumber += 1
            state.streams[state.lastNumber] = (audience, 0)
            return state.lastNumber
        }
    }

    /// The stream's client has taken everything up to this revision of its world.
    package func reached(_ stream: Int, _ revision: UInt64) {
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard let known = state.streams[stream], known.revision < revision else { return [] }
            state.streams[stream]?.revision = revision
            return state.takeReached()
        }
        for waiter in waiters { waiter.resume() }
    }

    /// The stream has ended; nobody waits for it.
    package func close(_ stream: Int) {
        let waiters = state.withLock { state in
            state.streams[stream] = nil
            return state.takeReached()
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Waits until every open stream of the audience has come to this revision, or the time is over. Whether all have.
    package func wait(for audience: Audience, _ revision: UInt64, within bound: Duration) async -> Bool {
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        let timer = Task {
            try await Task.sleep(for: bound)
            self.giveUp(number)
        }
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                guard !state.isReached(audience, revision) else { return true }
                state.waiting[number] = (audience, revision, continuation)
                return false
            }
            if isDone { continuation.resume() }
        }
        timer.cancel()
        return state.withLock { $0.isReached(audience, revision) }
    }

    private func giveUp(_ number: Int) {
        state.withLock { $0.waiting.removeValue(forKey: number) }?.2.resume()
    }
}

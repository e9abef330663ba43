import Synchronization

/// Something that happens once; any number of tasks may wait for it.
package final class OneShot: Sendable {
    private struct State {
        var hasFired = false
        var nextWaiter = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    package var hasFired: Bool { state.withLock { $0.hasFired } }

    /// Wakes all who wait. Later calls do nothing.
    package func fire() {
        let waiters = state.withLock { state in
            state.hasFired = true
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume() }
    }

    /// Returns when it has happened, or when the task is cancelled.
    package func wait() async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    guard !state.hasFired, !Task.isCancelled else { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }
}

/// The request to stop, which may come from a signal or from `/quitquitquit`, and its completion.
package struct Shutdown: Sendable {
    /// Fired by whoever wants the process to stop.
    package let requested = OneShot()
    /// Fired by main when everything has drained.
    package let finished = OneShot()

    package init() {}
}

import Synchronization

/// The latest value for whoever is interested: readers are woken by a change and take what is current then, so a slow
/// reader skips values and costs no memory.
package final class Board<Value: Sendable>: Sendable {
    /// Who is woken; give it back to `remove`.
    package struct Listener: Hashable, Sendable {
        fileprivate let number: Int
    }

    private struct State {
        var value: Value?
        var isClosed = false
        var nextNumber = 0
        var wakers: [Int: @Sendable () -> Void] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// `nil` until the first is published.
    package var current: Value? { state.withLock { $0.value } }

    /// No more values will come: readers should end.
    package var isClosed: Bool { state.withLock { $0.isClosed } }

    package var listenerCount: Int { state.withLock { $0.wakers.count } }

    /// A new value for everybody who listens.
    package func publish(_ value: Value) {
        let wakers = state.withLock { state in
            state.value = value
            return Array(state.wakers.values)
        }
        for wake in wakers { wake() }
    }

    package func close() {
        let wakers = state.withLock { state in
            state.isClosed = true
            return Array(state.wakers.values)
        }
        for wake in wakers { wake() }
    }

    /// - Parameter wake: called after each change, from any thread; must not block.
    package func add(_ wake: @escaping @Sendable () -> Void) -> Listener {
        state.withLock { state in
            state.nextNumber += 1
            state.wakers[state.nextNumber] = wake
            return Listener(number: state.nextNumber)
        }
    }

    /// The listener gets nothing more.
    package func remove(_ listener: Listener) {
        state.withLock { $0.wakers[listener.number] = nil }
    }
}

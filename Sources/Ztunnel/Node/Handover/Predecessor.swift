internal import MeshModel
internal import Synchronization

/// The process that pods were taken over from, as long as connections of theirs are left there: their rules must not be
/// removed before, since the kernel would reset what they translate.
final class Predecessor: Sendable {
    private struct State {
        var busy: Set<PodKey>
        var waiting: [PodKey: [CheckedContinuation<Void, Never>]] = [:]
    }

    private let state: Mutex<State>

    init(pods: Set<PodKey>) { state = Mutex(State(busy: pods)) }

    /// Nothing of the pod is left there.
    func isIdle(_ pod: PodKey) {
        let waiters = state.withLock { state in
            state.busy.remove(pod)
            return state.waiting.removeValue(forKey: pod) ?? []
        }
        for waiter in waiters { waiter.resume() }
    }

    /// It has ended.
    func hasEnded() {
        for pod in state.withLock({ $0.busy }) { isIdle(pod) }
    }

    /// Returns when nothing of any pod is left there.
    func untilIdle() async {
        while let pod = state.withLock({ $0.busy.first }) { await untilIdle(pod) }
    }

    /// Returns when nothing of the pod is left there.
    func untilIdle(_ pod: PodKey) async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                guard state.busy.contains(pod) else { return true }
                state.waiting[pod, default: []].append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
    }
}

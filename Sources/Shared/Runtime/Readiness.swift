import Synchronization

/// Which parts of the process are not up yet. Ready means none is pending.
package final class Readiness: Sendable {
    private let pendingTasks: Mutex<Set<String>>

    /// - Parameter tasks: names as they are shown, such as `state manager`.
    package init(pending tasks: Set<String>) { pendingTasks = Mutex(tasks) }

    /// The task is up. Doing so twice is harmless.
    package func done(_ task: String) { pendingTasks.withLock { _ = $0.remove(task) } }

    /// The task is not up (again).
    package func undone(_ task: String) { pendingTasks.withLock { _ = $0.insert(task) } }

    /// Sorted names of what is pending.
    package var pending: [String] { pendingTasks.withLock { $0.sorted() } }

    package var isReady: Bool { pendingTasks.withLock(\.isEmpty) }

    /// `GET /healthz/ready`: 200 when ready, else 500 with the pending names.
    package var route: AdminRoute {
        AdminRoute("/healthz/ready") { [self] _ in
            let pending = pending
            guard !pending.isEmpty else { return .text("ready\n") }
            return .text("not ready, pending: \(pending.joined(separator: ", "))\n", status: 500)
        }
    }
}

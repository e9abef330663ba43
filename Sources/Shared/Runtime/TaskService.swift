import ServiceLifecycle

/// Runs a task for the life of the process; it is cancelled when the process stops.
package struct TaskService: ServiceLifecycle.Service {
    private let body: @Sendable () async -> Void

    /// - Parameter body: the whole work.
    package init(_ body: @escaping @Sendable () async -> Void) { self.body = body }

    /// Until the body returns or the process stops.
    package func run() async {
        await withTaskCancellationOrGracefulShutdownHandler {
            await withTaskGroup(of: Void.self) { tasks in
                tasks.addTask { await body() }
                tasks.addTask { try? await gracefulShutdown() }
                await tasks.next()
                tasks.cancelAll()
            }
        } onCancelOrGracefulShutdown: {}
    }
}

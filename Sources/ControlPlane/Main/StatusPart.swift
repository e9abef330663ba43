import ControlKubernetes
import ControlServe
import ControlTranslate
import Logging
import ServiceLifecycle

/// Keeps the files of statuses as the last translation says.
struct StatusPart: ServiceLifecycle.Service {
    /// `nil`: nobody asked for them.
    let path: String?
    let board: Board<DesiredWorld>
    let log: Logger

    func run() async throws {
        guard let path else {
            try? await gracefulShutdown()
            return
        }
        await cancelWhenGracefulShutdown { await write(to: StatusDirectory(path: path)) }
    }

    private func write(to start: StatusDirectory) async {
        var directory = start
        var told: Set<String> = []
        let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let listener = board.add { change.yield() }
        defer { board.remove(listener) }
        change.yield()
        for await _ in changes {
            guard let world = board.current else { continue }
            let outcome = directory.update(world.routeStatuses, world.gatewayStatuses, world.bindingStatuses)
            // A full disk is told once, not with every translation.
            for problem in outcome.problems where !told.contains(problem) {
                log.error("a status is not written: \(problem)")
            }
            told = Set(outcome.problems)
            if outcome.written + outcome.removed > 0 {
                log.debug("statuses", metadata: ["written": "\(outcome.written)", "removed": "\(outcome.removed)"])
            }
        }
    }
}

/// Keeps the statuses of a cluster's objects as the last translation says.
struct ClusterStatusPart: ServiceLifecycle.Service {
    /// `nil`: there is no cluster, or its statuses are not ours.
    let writer: StatusWriter?
    let board: Board<DesiredWorld>
    /// Whether this process is the one that writes.
    let leads: Board<Bool>

    func run() async throws {
        guard let writer else {
            try? await gracefulShutdown()
            return
        }
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await writer.run() }
                group.addTask { await leads.eachChange { writer.enable($0) } }
                group.addTask { await board.eachChange { writer.wish($0) } }
            }
        }
    }
}

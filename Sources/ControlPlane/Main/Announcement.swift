import ControlAuthority
import ControlServe
import Foundation
import Logging
import MeshModel
import MeshRuntime
import ServiceLifecycle

/// Waits until the port listens and the first world is out, then says so: readiness page and one line for people.
struct Announcement: ServiceLifecycle.Service {
    let server: ControlServer
    let desk: ControlDesk
    let readiness: Readiness
    let state: StateDirectory
    let tokens: NodeTokens
    let adminAddresses: [TransportAddress]
    let metrics: ControlMetrics
    let log: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            do {
                try await announce()
                // A stream without elements ends with the task that reads it.
                let silence = AsyncStream<Never> { _ in }
                for await _ in silence {}
            } catch {
                // Stopping, or the port cannot be bound: the server part says so.
                log.debug("not announced", metadata: ["reason": "\(error)"])
            }
        }
        readiness.undone("listener")
    }

    private func announce() async throws {
        let listening = try await server.listeningAddresses
        readiness.done("listener")
        let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let listener = desk.debugBoard.add { change.yield() }
        defer { desk.debugBoard.remove(listener) }
        change.yield()
        for await _ in changes where desk.debugBoard.current != nil { break }
        try Task.checkCancellation()
        readiness.done("resources")
        let line = "apusd is ready: \(metrics.value(.resources)) resources, "
            + "TLS on \(listening.joined(separator: ", ")), "
            + "CA file \(state.path(of: AuthorityFile.roots)), node tokens in \(tokens.place), "
            + "admin on \(adminAddresses.map(\.description).joined(separator: ", "))\n"
        try? FileHandle.standardOutput.write(contentsOf: Data(line.utf8))
    }
}

package import MeshModel
import NIOCore
import ServiceLifecycle

/// Runs an admin server for the life of a service group: stops with the group's graceful shutdown.
package struct AdminService: ServiceLifecycle.Service {
    private let server: AdminServer
    private let addresses: [TransportAddress]

    package init(_ server: AdminServer, on addresses: [TransportAddress]) {
        self.server = server
        self.addresses = addresses
    }

    /// Until the group shuts down or the task is cancelled. Throws when no address can be had.
    package func run() async throws {
        _ = try await server.start(on: addresses)
        // Ends by graceful shutdown or by cancellation; either way the server stops in order.
        try? await gracefulShutdown()
        await server.stop()
    }
}

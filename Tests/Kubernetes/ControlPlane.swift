import Foundation
import MeshTesting

/// apusd beside an API server.
final class ControlPlane {
    private let process: MeshProcess
    private let namespace: TestNamespace

    init(_ server: APIServer) throws {
        namespace = server.namespace
        let folder = server.directory.path
        process = try MeshProcess(
            "apusd", in: server.namespace, output: "\(folder)/apusd.log",
            [
                try MeshPrograms().apusd, "--kubernetes", "--kubeconfig", try server.writeKubeconfig(), "--state",
                "\(folder)/state", "--listen", "127.0.0.1:15012", "--admin", "127.0.0.1:15014",
            ])
    }

    var log: String { process.output }
    var isRunning: Bool { process.isRunning }

    func stop() async { await process.stop() }

    /// A page of the admin port.
    func page(_ path: String) async throws -> String {
        let command = [
            "ip", "netns", "exec", namespace.name, "curl", "-sS", "--max-time", "5", "http://127.0.0.1:15014\(path)",
        ]
        return try await offload { try Shell.runAnyStatus(command).output }
    }

    /// Waits until the page satisfies the condition; fails with the page and the end of the log.
    func until(
        _ subject: String, _ path: String, seconds: Double = 60, _ condition: (String) -> Bool
    ) async throws {
        var last = ""
        do {
            try await Wait.eventually(subject, seconds: seconds, everyMilliseconds: 100) {
                last = try await page(path)
                return condition(last)
            }
        } catch {
            throw APIServer.Missing(
                description: "\(error); \(path): \(last.suffix(3000)); log: \(log.suffix(3000))")
        }
    }
}

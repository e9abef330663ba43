import Foundation
import MeshTesting

/// apusd beside an API server.
final class ControlPlane {
    private let process: MeshProcess
    private let namespace: TestNamespace
    private let adminPort: Int
    let port: Int
    /// Where it writes the roots of the mesh.
    let rootsPath: String

    /// - Parameters:
    ///   - address: where it listens.
    ///   - systemNamespace: where replicas share what they share; `nil`: there are none.
    init(
        _ server: APIServer, name: String = "apusd", address: String = "127.0.0.1", port: Int = 15012,
        adminPort: Int = 15014, systemNamespace: String? = nil, _ more: [String] = []
    ) throws {
        namespace = server.namespace
        self.port = port
        self.adminPort = adminPort
        let folder = server.directory.path
        rootsPath = "\(folder)/\(name)-state/root.crt"
        process = try MeshProcess(
            name, in: server.namespace, output: "\(folder)/\(name).log",
            [
                try MeshPrograms().apusd, "--kubernetes", "--kubeconfig", try server.writeKubeconfig(), "--state",
                "\(folder)/\(name)-state", "--listen", "\(address):\(port)", "--admin", "127.0.0.1:\(adminPort)",
            ] + (systemNamespace.map { ["--system-namespace", $0] } ?? []) + more)
    }

    func roots() throws -> String { try String(contentsOfFile: rootsPath, encoding: .utf8) }

    /// As a machine that loses power.
    func kill() { process.signal(SIGKILL) }

    /// Stands still while the body runs and for that long after it began.
    func paused(seconds: Double, _ body: () async throws -> Void) async throws {
        let end = Date().addingTimeInterval(seconds)
        process.signal(SIGSTOP)
        defer { process.signal(SIGCONT) }
        try await body()
        try await Wait.eventually("\(seconds) s", seconds: seconds + 5) { Date() >= end }
    }

    var log: String { process.output }
    var isRunning: Bool { process.isRunning }

    func stop() async { await process.stop() }

    /// A page of the admin port.
    func page(_ path: String) async throws -> String {
        let command = [
            "ip", "netns", "exec", namespace.name, "curl", "-sS", "--max-time", "5",
            "http://127.0.0.1:\(adminPort)\(path)",
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

import Foundation
import MeshTesting

/// apusd as the manifests start it: with its Deployment's arguments and its own account.
final class InstalledControlPlane {
    private let process: MeshProcess
    private let namespace: TestNamespace
    /// Where it writes the roots of the mesh.
    let rootsPath: String

    init(_ server: APIServer, _ manifests: Manifests) async throws {
        namespace = server.namespace
        let folder = server.directory.path
        rootsPath = "\(folder)/installed/root.crt"
        let kubeconfig = try await server.writeKubeconfig(account: "apusd", namespace: "apus-system")
        // In its pod it finds the API server by itself, and has the directory.
        let arguments = manifests.arguments(of: "apusd").filter { !$0.hasPrefix("--state=") }
        process = try MeshProcess(
            "apusd", in: server.namespace,
            environment: ["POD_NAME": "apusd-test", "POD_NAMESPACE": "apus-system"],
            output: "\(folder)/installed.log",
            [try MeshPrograms().apusd] + arguments + ["--kubeconfig", kubeconfig, "--state", "\(folder)/installed"])
    }

    var log: String { process.output }

    func stop() async { await process.stop() }

    /// A page of the admin port.
    func page(_ path: String) async throws -> String {
        let command = [
            "ip", "netns", "exec", namespace.name, "curl", "-sS", "--max-time", "5", "http://127.0.0.1:15014\(path)",
        ]
        return try await offload { try Shell.runAnyStatus(command).output }
    }

    /// Waits until the page satisfies the condition; fails with the end of the log.
    func until(_ subject: String, _ path: String, _ condition: (String) -> Bool) async throws {
        do {
            try await Wait.eventually(subject, seconds: 60, everyMilliseconds: 100) { condition(try await page(path)) }
        } catch {
            throw APIServer.Missing(description: "\(error); log: \(process.output.suffix(3000))")
        }
    }
}

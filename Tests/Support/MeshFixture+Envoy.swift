import Foundation

/// Envoy 1.40 as a peer of the mesh, with a certificate of the mesh's own authority.
extension MeshFixture {
    /// Starts Envoy in a pod and waits until it listens.
    /// - Parameters:
    ///   - role: `client` (TCP on loopback into tunnels) or `server` (tunnels to TCP), as bench/envoy_config.py has it.
    ///   - identity: what its certificate says.
    ///   - options: of the configuration; see `bench/envoy_config.py ROLE --help`.
    package func startEnvoy(
        _ role: String, in pod: String, identity: String, options: [String], listeningOn port: Int
    ) async throws -> MeshProcess {
        let (namespace, name) = (try self.namespace(pod), "envoy-\(role)-\(pod)")
        let (checkout, path) = (programs.checkout, directory.path)
        let found = try Shell.runAnyStatus(["\(checkout)/tools/setup-test-peers", "--where", "envoy"])
        guard found.status == 0 else { throw Refused(text: found.output) }
        let program = found.output.trimmingCharacters(in: .whitespacesAndNewlines)
        let files = ["--certificate", "\(path)/\(name).crt", "--key", "\(path)/\(name).key"]
        let state = self.state
        let configuration = try await offload {
            try Shell.run([
                "python3", "-B", "\(checkout)/bench/certificates.py", "issue", path, "--name", name, "--uri", identity,
                "--ca-certificate", "\(state)/ca.crt", "--ca-key", "\(state)/ca.key",
            ])
            return try Shell.run(
                ["python3", "-B", "\(checkout)/bench/envoy_config.py", role, "--roots", "\(state)/root.crt"] + files
                    + options)
        }
        try configuration.write(toFile: "\(path)/\(name).json", atomically: true, encoding: .utf8)
        let process = try MeshProcess(
            name, in: namespace, output: "\(path)/\(name).log",
            [
                program, "--config-path", "\(path)/\(name).json", "--concurrency", "1", "--use-dynamic-base-id",
                "--log-level", "warning",
            ])
        try await Wait.eventually("Envoy in \(pod) listens", seconds: 30, everyMilliseconds: 100) {
            guard process.isRunning else { throw Refused(text: process.output) }
            return try await offload { try namespace.run("ss", "-Hltn").contains(":\(port) ") }
        }
        return process
    }
}

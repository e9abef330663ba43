import Foundation
import MeshTesting
import Testing

/// A terminal of an administrator: kubectl and apus are on its path.
struct Terminal {
    let server: APIServer
    let folder: String

    init(_ server: APIServer) throws {
        self.server = server
        folder = "\(server.directory.path)/terminal"
        let bin = "\(folder)/bin"
        try FileManager.default.createDirectory(atPath: bin, withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: "\(folder)/resources", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: "\(bin)/kubectl", withDestinationPath: "\(try #require(APIServer.programs))/kubectl")
        // The server (1.20) has neither policy/v1 nor `maxSurge` of DaemonSets.
        let script = """
            #!/bin/sh
            case $1 in install|uninstall) ;; *) exec '\(try MeshPrograms().apus)' "$@" ;; esac
            '\(try MeshPrograms().apus)' "$@" | sed -e 's,^apiVersion: policy/v1$,apiVersion: policy/v1beta1,' \\
                -e '/^  updateStrategy:$/,/maxUnavailable/{/maxSurge/d;s/maxUnavailable: 0/maxUnavailable: 1/}'

            """
        try script.write(toFile: "\(bin)/apus", atomically: true, encoding: .utf8)
        try Shell.run(["chmod", "+x", "\(bin)/apus"])
    }

    /// Types a line, which must succeed.
    @discardableResult
    func type(_ command: String) async throws -> String {
        let config = try server.writeKubeconfig()
        let line = "cd '\(folder)' && export PATH='\(folder)/bin':\"$PATH\" KUBECONFIG='\(config)' && \(command)"
        let whole = ["ip", "netns", "exec", server.namespace.name, "bash", "-o", "pipefail", "-c", line]
        let (status, output) = try await offload { try Shell.runAnyStatus(whole) }
        guard status == 0 else { throw APIServer.Missing(description: "\(command): \(output)") }
        return output
    }
}

import Foundation
import MeshModel
import MeshTesting

/// Envoy in one of the rig's pods, with a certificate of the mesh's own authority.
enum EnvoyPeer {
    /// Added to a port of the application: where Envoy listens for it.
    static let tunnelPortOffset = 1000

    /// HBONE server in the server's pod. `identity` is what its certificate says.
    static func server(_ rig: MeshRig, identity: String = MeshRig.Pod.server.identity) throws -> Background {
        let listens = [IPAddress.Family.v4, .v6].flatMap {
            ["--listen", endpoint(MeshRig.Pod.server.address($0), 15008)]
        }
        return try start(
            "server", rig, .server, identity: identity,
            options: listens + ["--expect-prefix", "spiffe://cluster.local/", "--allow-port", "9000"]
                + ["--allow-port", "9001"],
            waitFor: [15008])
    }

    /// HBONE client in the client's pod: TCP on loopback, tunnel to the server's pod.
    static func client(
        _ rig: MeshRig, _ family: IPAddress.Family, expecting identity: String = MeshRig.Pod.server.identity
    ) throws -> Background {
        let host = MeshRig.Pod.server.address(family)
        let ports = [MeshRig.applicationPort, MeshRig.applicationPort + 1]
        let tunnels = ports.flatMap {
            ["--tunnel", "127.0.0.1:\($0 + tunnelPortOffset)=\(endpoint(host, $0))"]
        }
        return try start(
            "client", rig, .client, identity: MeshRig.Pod.client.identity,
            options: ["--peer", endpoint(host, 15008), "--expect", identity] + tunnels,
            waitFor: ports.map { $0 + tunnelPortOffset })
    }

    private static func start(
        _ role: String, _ rig: MeshRig, _ pod: MeshRig.Pod, identity: String, options: [String], waitFor ports: [Int]
    ) throws -> Background {
        let program = try Repository.envoy()
        let (folder, state) = ("\(rig.folder.path)/envoy", "\(rig.folder.path)/state")
        let tools = "\(Repository.root)/bench"
        try Shell.run([
            "python3", "-B", "\(tools)/certificates.py", "issue", folder, "--name", role, "--uri", identity,
            "--ca-certificate", "\(state)/ca.crt", "--ca-key", "\(state)/ca.key",
        ])
        let configuration = try Shell.run(
            [
                "python3", "-B", "\(tools)/envoy_config.py", role, "--certificate", "\(folder)/\(role).crt",
                "--key", "\(folder)/\(role).key", "--roots", "\(state)/root.crt",
            ] + options)
        let path = "\(folder)/\(role).json"
        try configuration.write(toFile: path, atomically: true, encoding: .utf8)
        let envoy = try Background(
            "envoy-\(role)", in: rig[pod], folder: rig.folder.path,
            [
                program, "--config-path", path, "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "warning",
            ])
        try envoy.wait(for: "Envoy to listen", seconds: 30) {
            let sockets = try rig[pod].run("ss", "-Hltn")
            return ports.allSatisfy { sockets.contains(":\($0) ") }
        }
        return envoy
    }

    private static func endpoint(_ host: String, _ port: Int) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

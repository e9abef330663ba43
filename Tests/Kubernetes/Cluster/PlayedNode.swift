import Foundation
import MeshTesting

/// A machine of a played cluster: network, process numbers, mounts and cgroups of its own.
final class PlayedNode: Sendable {
    let name: String
    /// 1 or 2.
    let number: Int
    let network: TestNamespace
    /// What is on its disk: a path of the node lies below.
    let folder: String
    /// Its first process, as we number it.
    let process: Int32
    private let machine: MeshProcess

    /// - Parameter parent: the folder of the cluster.
    init(_ number: Int, _ network: TestNamespace, in parent: String) async throws {
        name = "node\(number)"
        self.number = number
        self.network = network
        folder = "\(parent)/\(name)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let machine = try MeshProcess(
            name, in: network, output: "\(folder).log", ["python3", try MeshPrograms().runtime, "node", folder])
        var process: Int32?
        try await Wait.eventually("first process of \(name)", seconds: 30) {
            guard machine.isRunning else { throw APIServer.Missing(description: machine.output) }
            process = machine.output.split(separator: "\n").first.flatMap { Int32($0) }
            return process != nil
        }
        guard let process else { throw APIServer.Missing(description: machine.output) }
        (self.machine, self.process) = (machine, process)
        // A network of its own, as its administrators would have set it up.
        try #"{"cniVersion": "1.0.0", "name": "played", "plugins": [ {"type": "played"} ]}"#.appending("\n")
            .write(toFile: "\(networks)/10-played.conflist", atomically: true, encoding: .utf8)
        try "127.0.0.1 localhost\n".write(toFile: hosts, atomically: false, encoding: .utf8)
    }

    var address: String { "10.80.0.\(number)" }
    var networks: String { "\(folder)/etc/cni/net.d" }
    /// Names of services, for all containers.
    var hosts: String { "\(folder)/hosts" }
    /// As the node sees it.
    var cgroups: String {
        "/run/cgroup/" + folder.split(separator: "/").suffix(2).joined(separator: "-") + "/kubepods"
    }

    /// Where a path of the node lies for whoever starts on the node.
    func place(of path: String) -> String {
        ["/proc", "/run/netns"].contains(path) ? path : folder + path
    }

    /// Runs a program as a process of the node, whatever its status.
    func run(_ command: [String]) async throws -> (status: Int32, output: String) {
        let whole = [
            "nsenter", "--target", "\(process)", "--mount", "--pid", "--net", "--",
        ] + command
        return try await offload { try Shell.runAnyStatus(whole) }
    }

    /// What somebody who installs and uninstalls may change on it: files with what is in them, rules of its network.
    func traces() async throws -> Set<String> {
        let folder = folder
        let listed = try await offload {
            try Shell.run(["sh", "-c", "cd \"$0\" && find run etc opt -exec ls -ld --time-style=+ {} + && "
                + "find run etc opt -type f -exec sha256sum {} +", folder])
        }
        let rules = try await run(["nft", "list", "ruleset"]).output
        // What plays kube-proxy, and what counts, is not of the mesh.
        let tables = rules.components(separatedBy: "table ").filter { !$0.hasPrefix("ip played-") }
        let routing = try await run(["sh", "-c", "ip rule; ip -6 rule"]).output
        return Set((listed + tables.joined(separator: "table ") + routing).split(separator: "\n").map(String.init))
    }

    func stop() async { await machine.stop() }
}

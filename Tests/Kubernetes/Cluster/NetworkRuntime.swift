import Foundation
import MeshTesting

/// What a container runtime does about a pod's network: it calls the plugins of the node's first list, one after the
/// other (cni.dev, "CNI Specification", execution protocol). The plugin `played` is the runtime itself.
struct NetworkRuntime {
    let node: PlayedNode
    let pod: ObjectTree
    let container: String
    /// The pod's namespace as the node sees it.
    let path: String
    let address: String

    private var result: ObjectTree {
        get throws {
            try ObjectTree(json: """
                {"cniVersion":"1.0.0","interfaces":[{"name":"eth0","sandbox":"\(path)"}],\
                "ips":[{"address":"\(address)/32","gateway":"169.254.1.1","interface":0}],"dns":{}}
                """)
        }
    }

    /// Throws what a plugin says when it refuses.
    func add() async throws {
        var result = try self.result
        let list = try self.list()
        for plugin in list.plugins where plugin["type"]?.text != "played" {
            result = try ObjectTree(json: try await call("ADD", plugin, list, after: result))
        }
    }

    /// Every plugin is asked, in the reverse order. Throws what the first that refuses says.
    func delete() async throws {
        let list = try self.list()
        for plugin in list.plugins.reversed() where plugin["type"]?.text != "played" {
            _ = try await call("DEL", plugin, list, after: try result)
        }
    }

    private struct List {
        let name: ObjectTree
        let version: ObjectTree
        let plugins: [ObjectTree]
    }

    private func list() throws -> List {
        let files = try FileManager.default.contentsOfDirectory(atPath: node.networks).sorted()
        guard let file = files.first(where: { $0.hasSuffix(".conflist") || $0.hasSuffix(".conf") }) else {
            throw APIServer.Missing(description: "no network on \(node.name): \(files)")
        }
        let tree = try ObjectTree(json: String(contentsOfFile: "\(node.networks)/\(file)", encoding: .utf8))
        return List(
            name: tree["name"] ?? .null, version: tree["cniVersion"] ?? .null, plugins: tree["plugins"]?.items ?? [])
    }

    private func call(
        _ command: String, _ plugin: ObjectTree, _ list: List, after result: ObjectTree
    ) async throws -> String {
        let configuration = plugin.with("name", list.name).with("cniVersion", list.version).with("prevResult", result)
        let program = "\(node.place(of: "/opt/cni/bin"))/\(plugin["type"]?.text ?? "")"
        let arguments = [
            "IgnoreUnknown=1", "K8S_POD_NAMESPACE=\(pod.metadata("namespace"))", "K8S_POD_NAME=\(pod.metadata("name"))",
            "K8S_POD_INFRA_CONTAINER_ID=\(container)", "K8S_POD_UID=\(pod.metadata("uid"))",
        ]
        let (status, output) = try await node.run([
            "env", "CNI_COMMAND=\(command)", "CNI_CONTAINERID=\(container)", "CNI_NETNS=\(path)", "CNI_IFNAME=eth0",
            "CNI_PATH=\(node.place(of: "/opt/cni/bin"))", "CNI_ARGS=\(arguments.joined(separator: ";"))",
            "sh", "-c", "printf %s \"$1\" | \"$2\"", "sh", try configuration.json(), program,
        ])
        guard status == 0 else {
            throw APIServer.Missing(description: "\(plugin["type"]?.text ?? "") \(command): \(output)")
        }
        return output
    }
}

import Foundation

/// What a container runtime does with the CNI plugin.
extension MeshFixture {
    /// A call as a runtime makes it.
    package struct PluginCall: Sendable {
        package var command: String
        package var pod: String
        package var container: String
        package var path: String
        package var uid: String?
        package var timeoutSeconds = 20
        /// Instead of a configuration.
        package var input: String?
        /// More fields of the configuration.
        package var fields = ""

        package init(_ command: String, _ pod: String, container: String, path: String) {
            self.command = command
            self.pod = pod
            self.container = container
            self.path = path
        }
    }

    /// Stands for what the plugin before ours made.
    package static let previousResult =
        "{\"cniVersion\":\"1.0.0\",\"ips\":[{\"address\":\"10.80.1.10/32\"}],  \"dns\":{}}"

    /// Starts the plugin of a node and waits for its end.
    package func plugin(_ node: Int, _ call: PluginCall) async throws -> Outcome {
        let parts = call.pod.split(separator: "/")
        let uid = call.uid ?? "test-\(parts[1])"
        let configuration = """
            {"cniVersion": "1.1.0", "name": "net", "type": "apus-cni", "socket": "\(socket(node))",
             "timeoutSeconds": \(call.timeoutSeconds)\(call.fields), "prevResult": \(Self.previousResult)}
            """
        let command = [
            "env", "CNI_COMMAND=\(call.command)", "CNI_CONTAINERID=\(call.container)", "CNI_NETNS=\(call.path)",
            "CNI_IFNAME=eth0", "CNI_PATH=/opt/cni/bin",
            "CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=\(parts[0]);K8S_POD_NAME=\(parts[1]);K8S_POD_UID=\(uid)",
            "sh", "-c", "printf %s \"$1\" | \"$2\"", "sh", call.input ?? configuration, try programs.plugin(),
        ]
        return try await offload { try Shell.runAnyStatus(command) }
    }
}

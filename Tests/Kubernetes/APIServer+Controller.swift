import MeshTesting

extension APIServer {
    /// The controller that empties namespaces which are deleted.
    func startNamespaceController() throws -> MeshProcess { try startControllers(["namespace"]) }

    /// Controllers of the controller manager, by their names.
    func startControllers(_ names: [String], _ more: [String] = []) throws -> MeshProcess {
        guard let programs = Self.programs else { throw Missing(description: "run tools/setup-kubernetes") }
        return try MeshProcess(
            "kube-controller-manager", in: namespace, output: "\(directory.path)/controller.log",
            [
                "\(programs)/kube-controller-manager", "--kubeconfig", try writeKubeconfig(),
                "--controllers=\(names.joined(separator: ","))", "--leader-elect=false", "--port=0",
                "--concurrent-namespace-syncs=2",
            ] + more)
    }
}

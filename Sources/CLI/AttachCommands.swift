import ArgumentParser
import MeshKernel
import MeshModel

/// `apus attach NETNS --pod NS/NAME`
struct Attach: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Hand a pod's network namespace to the node daemon. The pod's labels decide when it is captured."
    )

    @Argument(help: "Path of the network namespace, for example /run/netns/web or /proc/PID/ns/net.")
    var namespacePath: String

    @Option(help: "The pod that lives in it, as NAMESPACE/NAME.")
    var pod: String

    @OptionGroup var node: NodeOptions

    func run() throws {
        let key = try PodArgument.parse(pod)
        let namespace: NetworkNamespace
        do {
            namespace = try NetworkNamespace(path: namespacePath)
        } catch {
            throw CommandFailure("apus attach: \(error)")
        }
        try NodeClient(node).tell(.attach(key, path: namespacePath), with: namespace)
    }
}

/// `apus detach NS/NAME`
struct Detach: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take a pod out of the mesh. Live connections end by themselves; nothing is left behind."
    )

    @Argument(help: "The pod, as NAMESPACE/NAME.")
    var pod: String

    @OptionGroup var node: NodeOptions

    func run() throws {
        try NodeClient(node).tell(.detach(PodArgument.parse(pod)))
    }
}

enum PodArgument {
    static func parse(_ text: String) throws -> PodKey {
        guard let key = PodKey(text) else {
            throw ValidationError("expected a pod as NAMESPACE/NAME, for example shop/web; found '\(text)'")
        }
        return key
    }
}

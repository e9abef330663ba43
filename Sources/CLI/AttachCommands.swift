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
        abstract: "Take a pod out of the mesh. Live connections end by themselves; nothing is left behind.",
        discussion: "When connections outlive the time, the command fails and says how many. The pod takes no new "
            + "connections then and is taken out as soon as the last of them has ended."
    )

    @Argument(help: "The pod, as NAMESPACE/NAME.")
    var pod: String

    @Option(help: "How long to wait for live connections to end, in seconds (0 to 86400).")
    var timeout = NodeRequest.detachTimeoutSeconds

    @OptionGroup var node: NodeOptions

    func validate() throws {
        guard (0...NodeRequest.detachTimeoutSecondsMax).contains(timeout) else {
            throw ValidationError("expected a timeout of 0 to 86400 seconds; found \(timeout)")
        }
    }

    func run() throws {
        try NodeClient(node).tell(.detach(PodArgument.parse(pod), timeoutSeconds: timeout), waitingSeconds: timeout)
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

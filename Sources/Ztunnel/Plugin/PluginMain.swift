import FoundationEssentials
import Glibc
import MeshKernel
import MeshModel
import NodeCNI

/// The plugin that container runtimes start for each pod: it asks the node daemon to enrol the pod, and lets it start
/// when that is proven.
@main
struct PluginMain {
    /// Besides the time that the daemon itself may take.
    private static let answerMarginSeconds = 10
    /// The daemon's answers to this program are a line.
    private static let answerBytesMax = 64 << 10

    static func main() {
        let output: PluginOutput
        do throws(PluginError) {
            let input = try standardInput()
            let call = try PluginCall(environment: ProcessInfo.processInfo.environment, input: input)
            output = answer(call)
        } catch {
            output = PluginOutput(error, PluginVersion.assumed)
        }
        print(output.text, terminator: "")
        exit(output.status)
    }

    private static func standardInput() throws(PluginError) -> [UInt8] {
        do {
            return try StandardInput.read(bytesMax: JSONSpan.bytesMax)
        } catch {
            throw PluginError(.inputOutput, "cannot read standard input", details: "\(error)")
        }
    }

    private static func answer(_ call: PluginCall) -> PluginOutput {
        switch PluginConversation.begin(call) {
        case .finish(let output): return output
        case .ask(let request, let passesNamespace):
            return PluginConversation.conclude(call, ask(request, call, passesNamespace))
        }
    }

    private static func ask(
        _ request: NodeRequest, _ call: PluginCall, _ passesNamespace: Bool
    ) -> PluginConversation.Outcome {
        let socket = call.settings.socket
        let namespace: NetworkNamespace?
        do {
            namespace = passesNamespace ? try NetworkNamespace(path: call.namespacePath) : nil
        } catch {
            return .reply(.refused("\(error)"))
        }
        do {
            let reply = try UnixControl.ask(
                request, at: socket, with: namespace,
                silenceSeconds: call.settings.timeoutSeconds + answerMarginSeconds, answerBytesMax: answerBytesMax)
            if let reply { return .reply(reply) }
            return silence("its answer is none", socket)
        } catch {
            return silence("\(error)", socket)
        }
    }

    private static func silence(_ reason: String, _ socket: String) -> PluginConversation.Outcome {
        let data = FileManager.default.contents(atPath: CapturedNamespaces.path(besides: socket))
        return .silence(
            reason: reason,
            capturedNamespaces: data.flatMap { CapturedNamespaces(text: String(decoding: $0, as: UTF8.self))?.names })
    }
}

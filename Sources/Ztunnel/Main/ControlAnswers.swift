import Dispatch
import MeshKernel
import MeshModel
import MeshRuntime
import ZtunnelNode

/// Answers what `apus` and the CNI plugin ask of this daemon.
struct ControlAnswers: Sendable {
    /// Beyond the time that a question itself allows.
    private static let silenceSeconds = 10
    private static let answerBytesMax = 1 << 20

    let agent: NodeAgent
    let views: NodeViews
    let network: String
    let socketPath: String

    /// A question that was under way when a successor took over is asked of that one: each may be asked twice.
    func answer(_ request: NodeRequest, _ namespace: NetworkNamespace?) async -> NodeReply {
        let reply = await perform(request, namespace)
        guard let seconds = request.waitSeconds, await agent.hasHandedOver else { return reply }
        let path = socketPath
        return await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                let forwarded = try? UnixControl.ask(
                    request, at: path, with: namespace, silenceSeconds: seconds + Self.silenceSeconds,
                    answerBytesMax: Self.answerBytesMax)
                continuation.resume(returning: forwarded ?? reply)
            }
        }
    }

    private func perform(_ request: NodeRequest, _ namespace: NetworkNamespace?) async -> NodeReply {
        switch request {
        case .attach(let pod, let path):
            guard let namespace else { return .refused("attach came without a network namespace") }
            return await agent.attach(pod, namespace, path: path)
        case .detach(let pod, let seconds):
            return await agent.detach(pod, within: .seconds(seconds))
        case .enrol(let sandbox, let wait, let path):
            guard let namespace else { return .refused("enrol came without a network namespace") }
            return await agent.enrol(sandbox, wait, namespace, path: path)
        case .release(let sandbox):
            return await agent.release(sandbox)
        case .check(let sandbox):
            return await agent.check(sandbox)
        case .retain(let containers):
            return await agent.retain(containers)
        case .show(let view):
            do {
                return .done(try await views.text(view))
            } catch {
                return .refused("cannot show \(view.rawValue): \(error)")
            }
        case .explainConnection(let question):
            do {
                return .done(try await views.explain(question, network: network))
            } catch {
                return .refused("\(error)")
            }
        case .explainRequest:
            return .refused("a node looks at connections only: ask a waypoint about requests")
        }
    }
}

extension NodeRequest {
    /// How long the answer to a request about a pod of the node may take; `nil` for one that only looks.
    fileprivate var waitSeconds: Int? {
        switch self {
        case .attach, .release, .check, .retain: 0
        case .detach(_, let seconds): seconds
        case .enrol(_, let wait, _): wait.seconds
        case .show, .explainConnection, .explainRequest: nil
        }
    }
}

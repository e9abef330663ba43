package import MeshModel

/// What the plugin does with a call: what it asks of the node daemon, and what it tells the runtime then. Pure.
package enum PluginConversation {
    /// Before the daemon was asked.
    package enum Step: Hashable, Sendable {
        case finish(PluginOutput)
        /// With the pod's network namespace beside the question where `passesNamespace` is set.
        case ask(NodeRequest, passesNamespace: Bool)
    }

    /// What came of the question.
    package enum Outcome: Hashable, Sendable {
        case reply(NodeReply)
        /// Nobody answered. `capturedNamespaces`: what the daemon wrote down last; `nil` when it never did.
        case silence(reason: String, capturedNamespaces: Set<String>?)
    }

    /// What is to be done first.
    package static func begin(_ call: PluginCall) -> Step {
        let settings = call.settings
        switch call.command {
        case .version: return .finish(PluginOutput(PluginVersion.answer(to: call.version)))
        // Pods outside of the mesh start without the daemon, so this plugin can always be called.
        case .status: return .finish(PluginOutput(""))
        case .collectGarbage:
            guard let containers = call.validContainers else { return .finish(PluginOutput("")) }
            return .ask(.retain(containers: containers), passesNamespace: false)
        case .add:
            guard let sandbox = call.sandbox else { return .finish(success(call)) }
            let wait = EnrolmentWait(
                seconds: settings.timeoutSeconds, otherwise: isOpen(sandbox, settings) ? .pass : .refuse)
            return .ask(.enrol(sandbox, wait, path: call.namespacePath), passesNamespace: true)
        case .delete:
            guard let sandbox = call.sandbox else { return .finish(success(call)) }
            return .ask(.release(sandbox), passesNamespace: false)
        case .check:
            guard let sandbox = call.sandbox else { return .finish(success(call)) }
            return .ask(.check(sandbox), passesNamespace: false)
        }
    }

    /// What the runtime is told after the daemon was asked.
    package static func conclude(_ call: PluginCall, _ outcome: Outcome) -> PluginOutput {
        switch (call.command, outcome) {
        // What has ended is not held up: the daemon finds out by itself when it is back.
        case (.delete, _), (.collectGarbage, .silence), (_, .reply(.done)):
            return success(call)
        case (_, .reply(.refused(let reason))):
            let pod = call.sandbox?.pod.description ?? "pods"
            let code: PluginError.Code = call.command == .check ? .notAsEnrolled : .notEnrolled
            return PluginOutput(PluginError(code, "\(pod) is not in the mesh", details: reason), call.version)
        case (_, .silence(let reason, let captured)):
            if let sandbox = call.sandbox {
                let isOutside = captured.map { !$0.contains(sandbox.pod.namespace) } ?? false
                if isOutside || isOpen(sandbox, call.settings) { return success(call) }
            }
            return PluginOutput(
                PluginError(
                    .tryAgainLater, "the node daemon of the mesh does not answer at \(call.settings.socket)",
                    details: reason),
                call.version)
        }
    }

    private static func isOpen(_ sandbox: PodSandbox, _ settings: PluginSettings) -> Bool {
        settings.failOpen || settings.failOpenNamespaces.contains(sandbox.pod.namespace)
    }

    /// ADD hands on what the plugin before it made; the others say nothing.
    private static func success(_ call: PluginCall) -> PluginOutput {
        guard call.command == .add, let result = call.previousResult else { return PluginOutput("") }
        return PluginOutput(String(decoding: result, as: UTF8.self) + "\n")
    }
}

/// What the plugin leaves behind: a text on standard output and its exit status.
package struct PluginOutput: Hashable, Sendable {
    package let text: String
    package let status: Int32

    init(_ text: String) {
        self.text = text
        self.status = 0
    }

    /// An error, as the specification wants it: JSON on standard output and a status that is not 0.
    package init(_ error: PluginError, _ version: String) {
        self.text = error.json(version: version)
        self.status = 1
    }
}

internal import MeshModel

/// The environment variables of a call. CNI specification 1.0, section 2, "Parameters".
struct EnvironmentReader {
    private let values: [String: String]

    init(_ values: [String: String]) { self.values = values }

    func command() throws(PluginError) -> PluginCall.Command {
        let text = values["CNI_COMMAND"] ?? ""
        guard let command = PluginCall.Command(rawValue: text) else {
            let names = PluginCall.Command.allCases.map(\.rawValue).joined(separator: ", ")
            throw invalid("CNI_COMMAND", expected: "one of \(names)", text)
        }
        return command
    }

    /// Sandbox and path of its network namespace, as far as the command has them.
    func attachment(_ command: PluginCall.Command) throws(PluginError) -> (PodSandbox?, String) {
        switch command {
        case .version, .collectGarbage, .status: return (nil, "")
        case .add, .delete, .check: break
        }
        let container = values["CNI_CONTAINERID"] ?? ""
        guard PodSandbox.isContainer(container) else {
            throw invalid("CNI_CONTAINERID", expected: "letters, digits, _, . and -", container)
        }
        let interface = values["CNI_IFNAME"] ?? ""
        guard Self.isInterface(interface) else {
            throw invalid("CNI_IFNAME", expected: "the name of an interface", interface)
        }
        let path = values["CNI_NETNS"] ?? ""
        let isPathValid = path.isEmpty ? command == .delete : path.hasPrefix("/") && Self.isPlain(path)
        guard isPathValid else { throw invalid("CNI_NETNS", expected: "an absolute path", path) }
        return (try sandbox(container), path)
    }

    /// By the arguments that Kubernetes' runtimes pass; `nil` when the container is no pod.
    private func sandbox(_ container: String) throws(PluginError) -> PodSandbox? {
        var arguments: [Substring: Substring] = [:]
        let text = values["CNI_ARGS"] ?? ""
        for pair in text.split(separator: ";") {
            guard let sign = pair.firstIndex(of: "=") else {
                throw invalid("CNI_ARGS", expected: "KEY=VALUE;KEY=VALUE", text)
            }
            arguments[pair[..<sign]] = pair[pair.index(after: sign)...]
        }
        let namespace = arguments["K8S_POD_NAMESPACE"] ?? ""
        let name = arguments["K8S_POD_NAME"] ?? ""
        let uid = arguments["K8S_POD_UID"] ?? ""
        if namespace.isEmpty, name.isEmpty { return nil }
        guard let pod = PodKey("\(namespace)/\(name)"), Self.isPlain(namespace), Self.isPlain(name), Self.isPlain(uid)
        else { throw invalid("CNI_ARGS", expected: "K8S_POD_NAMESPACE and K8S_POD_NAME", text) }
        return PodSandbox(pod: pod, uid: String(uid), container: container)
    }

    /// Without what separates words and lines.
    private static func isPlain(_ text: some StringProtocol) -> Bool {
        text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f }
    }

    /// At most 15 bytes, as the kernel has them, and no path.
    private static func isInterface(_ text: String) -> Bool {
        (1...15).contains(text.utf8.count) && text != "." && text != ".." && isPlain(text)
            && !text.contains("/") && !text.contains(":")
    }

    private func invalid(_ name: String, expected: String, _ found: String) -> PluginError {
        PluginError(
            .invalidEnvironment, "\(name): expected \(expected), found \"\(found.prefix(200))\"")
    }
}

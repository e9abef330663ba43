/// What the plugin's own part of a network configuration says, beside the fields that every plugin has. Names of the
/// fields are those of the members.
package struct PluginSettings: Hashable, Sendable {
    /// The `type`, which is the name of the program.
    package static let type = "apus-cni"

    /// The node daemon's control socket.
    package var socket = "/run/apus/ztunnel.sock"
    /// How long the start of a pod may wait for its enrolment.
    package var timeoutSeconds = 30
    /// Pods start outside of the mesh when the daemon is not there or does not know whether they are wanted.
    package var failOpen = false
    /// Namespaces of which that holds in any case: those that a node needs to come up.
    package var failOpenNamespaces = ["kube-system", "istio-system"]

    package init() {}

    /// Reads the fields of a plugin's configuration; those of others are passed over.
    init(_ configuration: JSONSpan) throws(PluginError) {
        if let field = configuration["socket"] {
            guard let text = field.text, text.hasPrefix("/") else {
                throw Self.invalid("socket", expected: "an absolute path", field)
            }
            socket = text
        }
        if let field = configuration["timeoutSeconds"] {
            guard case .number(let text) = field.content, let seconds = Int(text),
                (1...Self.timeoutSecondsMax).contains(seconds)
            else {
                throw Self.invalid("timeoutSeconds", expected: "1 to \(Self.timeoutSecondsMax)", field)
            }
            timeoutSeconds = seconds
        }
        if let field = configuration["failOpen"] {
            guard case .bool(let isOpen) = field.content else {
                throw Self.invalid("failOpen", expected: "true or false", field)
            }
            failOpen = isOpen
        }
        if let field = configuration["failOpenNamespaces"] {
            guard let names = field.elements?.map(\.text), !names.contains(nil) else {
                throw Self.invalid("failOpenNamespaces", expected: "a list of names", field)
            }
            failOpenNamespaces = names.compactMap { $0 }
        }
    }

    /// Container runtimes end a call after a few minutes.
    package static let timeoutSecondsMax = 120

    /// As a plugin's configuration, the way the node daemon writes it.
    package var json: String {
        let names = failOpenNamespaces.map(JSONSpan.quoted).joined(separator: ", ")
        return "{\"type\": \(JSONSpan.quoted(Self.type)), \"socket\": \(JSONSpan.quoted(socket)), "
            + "\"timeoutSeconds\": \(timeoutSeconds), \"failOpen\": \(failOpen), \"failOpenNamespaces\": [\(names)]}"
    }

    private static func invalid(_ name: String, expected: String, _ found: JSONSpan) -> PluginError {
        PluginError(.invalidConfiguration, "\(name): expected \(expected), found \(found.kind)")
    }
}

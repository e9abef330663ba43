/// Why a call of the plugin failed, in the form of the CNI specification 1.0, section 5, "Error". Codes below 100 are
/// the specification's, others this plugin's own.
package struct PluginError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Int, Hashable, Sendable, CaseIterable {
        /// The version of the configuration is not one we speak.
        case incompatibleVersion = 1
        /// An environment variable is missing or has an unusable value.
        case invalidEnvironment = 4
        case inputOutput = 5
        /// Standard input is no JSON.
        case undecodable = 6
        /// Standard input is JSON and no network configuration that this plugin can use.
        case invalidConfiguration = 7
        /// The node daemon does not answer: it starts, or it ends.
        case tryAgainLater = 11
        /// The daemon answered that the pod is not enrolled, and why.
        case notEnrolled = 100
        /// CHECK: the pod is not as enrolment left it.
        case notAsEnrolled = 101
    }

    package let code: Code
    /// Short, for people.
    package let message: String
    /// Longer; may be empty.
    package let details: String

    package init(_ code: Code, _ message: String, details: String = "") {
        self.code = code
        self.message = message
        self.details = details
    }

    package var description: String { details.isEmpty ? message : "\(message): \(details)" }

    /// As JSON. `version` is that of the configuration, where it could be read.
    package func json(version: String) -> String {
        let fields = [
            ("cniVersion", JSONSpan.quoted(version)), ("code", "\(code.rawValue)"),
            ("msg", JSONSpan.quoted(message)), ("details", JSONSpan.quoted(details)),
        ]
        return "{" + fields.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}\n"
    }
}

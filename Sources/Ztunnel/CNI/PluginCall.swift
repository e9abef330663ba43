package import MeshModel

/// One call of the plugin by the container runtime: environment and standard input, checked. CNI specification 1.0,
/// section 2, and 1.1 for GC and STATUS.
package struct PluginCall: Hashable, Sendable {
    package enum Command: String, Hashable, Sendable, CaseIterable {
        case add = "ADD"
        case delete = "DEL"
        case check = "CHECK"
        case version = "VERSION"
        case collectGarbage = "GC"
        case status = "STATUS"
    }

    package let command: Command
    package let version: String
    package let settings: PluginSettings
    /// `nil` where the command has none, and where the container is no pod of Kubernetes.
    package let sandbox: PodSandbox?
    /// CNI_NETNS; empty where there is none.
    package let namespacePath: String
    /// `prevResult` as it was written, byte for byte.
    package let previousResult: [UInt8]?
    /// Of GC: the containers that there are. `nil` when the runtime gave no list.
    package let validContainers: Set<String>?

    /// - Parameters:
    ///   - environment: variables of the process.
    ///   - input: all of standard input.
    package init(environment: [String: String], input: [UInt8]) throws(PluginError) {
        let reader = EnvironmentReader(environment)
        let command = try reader.command()
        let configuration = try Self.configuration(input)
        self.command = command
        version = configuration["cniVersion"]?.text ?? (command == .version ? PluginVersion.assumed : "")
        if command != .version {
            guard PluginVersion.supported.contains(version) else {
                throw PluginError(
                    .incompatibleVersion, "incompatible CNI version \"\(version)\"",
                    details: "supported are \(PluginVersion.supported.joined(separator: ", "))")
            }
            guard configuration["name"]?.text?.isEmpty == false else {
                throw PluginError(.invalidConfiguration, "expected a network configuration with a name, found none")
            }
        }
        settings = try PluginSettings(configuration)
        (sandbox, namespacePath) = try reader.attachment(command)
        previousResult = try Self.previousResult(configuration, input, command)
        validContainers = try Self.validContainers(configuration, command)
    }

    private static func configuration(_ input: [UInt8]) throws(PluginError) -> JSONSpan {
        let configuration: JSONSpan
        do {
            configuration = try JSONSpan(reading: input)
        } catch {
            throw PluginError(.undecodable, "standard input is not the JSON of a network configuration",
                details: error.description)
        }
        guard configuration.isObject else {
            throw PluginError(
                .invalidConfiguration, "expected a network configuration, found \(configuration.kind)")
        }
        return configuration
    }

    private static func previousResult(
        _ configuration: JSONSpan, _ input: [UInt8], _ command: Command
    ) throws(PluginError) -> [UInt8]? {
        guard let result = configuration["prevResult"] else {
            guard command != .add else {
                throw PluginError(
                    .invalidConfiguration, "\(PluginSettings.type) makes no network: it must stand behind the plugin "
                        + "that does, and found no prevResult")
            }
            return nil
        }
        guard result.isObject else {
            throw PluginError(.invalidConfiguration, "prevResult: expected an object, found \(result.kind)")
        }
        return Array(input[result.range])
    }

    private static func validContainers(
        _ configuration: JSONSpan, _ command: Command
    ) throws(PluginError) -> Set<String>? {
        guard command == .collectGarbage else { return nil }
        // The second name is that of runtimes from before the specification settled on the first.
        let names = ["cni.dev/valid-attachments", "cni.dev/attachments"]
        guard let field = names.lazy.compactMap({ configuration[$0] }).first else { return nil }
        let containers = field.elements?.map { $0["containerID"]?.text }
        guard let containers, containers.allSatisfy({ $0.map { PodSandbox.isContainer($0) } == true }) else {
            throw PluginError(.invalidConfiguration, "\(names[0]): expected a list of attachments with containerID")
        }
        return Set(containers.compactMap { $0 })
    }
}

import FoundationEssentials
import MeshRuntime
import NodeCNI
import ZtunnelNode

extension ZtunnelSettings {
    /// What is installed on the node for its container runtime; `nil` unless its directories are named.
    static func installation(_ socket: String, _ reader: inout SettingsReader) -> NetworkInstallation? {
        var settings = PluginSettings()
        // The daemon may see the socket's directory at another place than the node does.
        settings.socket = reader.text("APUS_CNI_SOCKET", default: socket)
        settings.timeoutSeconds = reader.number(
            "APUS_CNI_TIMEOUT_SECONDS", default: settings.timeoutSeconds, in: 1...PluginSettings.timeoutSecondsMax)
        settings.failOpen = reader.bool("APUS_CNI_FAIL_OPEN", default: settings.failOpen)
        if let names = reader.text("APUS_CNI_FAIL_OPEN_NAMESPACES") {
            settings.failOpenNamespaces = names.split(separator: ",").map { String($0) }
        }
        let program = reader.text("APUS_CNI_PROGRAM", default: besides(PluginSettings.type))
        let removesAtEnd = reader.bool("APUS_CNI_REMOVE_AT_END", default: false)
        let configuration = reader.text("APUS_CNI_CONF_DIR") ?? ""
        let programs = reader.text("APUS_CNI_BIN_DIR") ?? ""
        guard !configuration.isEmpty || !programs.isEmpty else { return nil }
        for (name, value) in [("APUS_CNI_CONF_DIR", configuration), ("APUS_CNI_BIN_DIR", programs)]
        where !value.hasPrefix("/") {
            reader.reject(name, expected: "an absolute path, together with the other of APUS_CNI_CONF_DIR and "
                + "APUS_CNI_BIN_DIR")
        }
        return NetworkInstallation(
            configurationDirectory: configuration, programDirectory: programs, program: program, settings: settings,
            removesAtEnd: removesAtEnd)
    }

    /// A program that lies where this one does.
    private static func besides(_ name: String) -> String {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return own.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/\(name)"
    }
}

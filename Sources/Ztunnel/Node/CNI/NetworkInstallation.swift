internal import FoundationEssentials
internal import MeshKernel
package import NodeCNI

/// Where a node keeps its networks, and what is put there.
package struct NetworkInstallation: Sendable {
    /// `/etc/cni/net.d` of the node.
    package var configurationDirectory: String
    /// `/opt/cni/bin` of the node.
    package var programDirectory: String
    /// The plugin as it lies beside this daemon.
    package var program: String
    package var settings: PluginSettings
    /// At the end of the daemon the plugin is taken out. Off: a successor comes, and no pod starts meanwhile.
    package var removesAtEnd: Bool

    package init(
        configurationDirectory: String, programDirectory: String, program: String, settings: PluginSettings,
        removesAtEnd: Bool
    ) {
        self.configurationDirectory = configurationDirectory
        self.programDirectory = programDirectory
        self.program = program
        self.settings = settings
        self.removesAtEnd = removesAtEnd
    }

    private static let programMode: UInt32 = 0o755
    private static let newConfigurationMode: UInt32 = 0o600

    /// Copies the program, unless it is there already. Errors: `KernelError`, and those of reading it.
    func installProgram() throws {
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: program)))
        let path = "\(programDirectory)/\(PluginSettings.type)"
        if FileManager.default.contents(atPath: path).map({ [UInt8]($0) }) == bytes,
            FileManager.default.isExecutableFile(atPath: path)
        {
            return
        }
        try WholeFile.replace(path, with: bytes, mode: Self.programMode)
    }

    /// Brings the configuration to where it should be. Returns what was done.
    func installConfiguration() throws -> NetworkDirectory.Change {
        let change = NetworkDirectory.installation(in: try files(), settings)
        try apply(change)
        return change
    }

    /// Takes out what `install` put in: first the configuration, so that nobody looks for a program that is gone.
    package func remove() throws {
        for change in NetworkDirectory.removal(from: try files()) { try apply(change) }
        let path = "\(programDirectory)/\(PluginSettings.type)"
        if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
    }

    private func files() throws -> [NetworkDirectory.File] {
        try FileManager.default.contentsOfDirectory(atPath: configurationDirectory)
            .filter(NetworkDirectory.isConfiguration)
            .compactMap { name in
                FileManager.default.contents(atPath: "\(configurationDirectory)/\(name)").map {
                    NetworkDirectory.File(name: name, bytes: [UInt8]($0))
                }
            }
    }

    private func apply(_ change: NetworkDirectory.Change) throws {
        switch change {
        case .nothing, .wait: return
        case .write(let name, let bytes):
            let path = "\(configurationDirectory)/\(name)"
            let mode = WholeFile.mode(of: path) ?? Self.newConfigurationMode
            try WholeFile.replace(path, with: bytes, mode: mode)
        case .remove(let name):
            try FileManager.default.removeItem(atPath: "\(configurationDirectory)/\(name)")
        }
    }
}

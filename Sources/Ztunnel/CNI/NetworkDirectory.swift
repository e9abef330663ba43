/// Which file of a node's configuration directory container runtimes use: the first by name of those that end in
/// `.conflist`, `.conf` or `.json` and can be read. libcni's ConfFiles; CRI-O and containerd do the same.
package enum NetworkDirectory {
    /// A file that runtimes would look at.
    package static func isConfiguration(_ name: String) -> Bool {
        !name.hasPrefix(".") && [".conflist", ".conf", ".json"].contains { name.hasSuffix($0) }
    }

    /// One of them with its content.
    package struct File: Hashable, Sendable {
        package let name: String
        package let bytes: [UInt8]

        package init(name: String, bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
        }

        package var isList: Bool { name.hasSuffix(".conflist") }
    }

    /// What has to be done to the directory. Each write replaces a file as a whole.
    package enum Change: Hashable, Sendable {
        case nothing
        /// There is no file that a plugin can be put into: the network's own plugin has not come yet.
        case wait(reason: String)
        case write(name: String, bytes: [UInt8])
        case remove(name: String)
    }

    /// The change that puts our plugin into the primary network. A single configuration becomes a list of its own,
    /// whose name comes before it, and stays as it is.
    package static func installation(in files: [File], _ settings: PluginSettings) -> Change {
        var reasons: [String] = []
        for file in files.sorted(by: { $0.name < $1.name }) where isConfiguration(file.name) {
            do throws(NetworkListError) {
                let wanted = try list(of: file, files).installing(settings)
                let name = listName(of: file.name) ?? file.name
                return file.isList && wanted.bytes == file.bytes ? .nothing : .write(name: name, bytes: wanted.bytes)
            } catch {
                reasons.append("\(file.name): \(error)")
            }
        }
        return .wait(reason: reasons.isEmpty ? "no network configuration yet" : reasons.joined(separator: "; "))
    }

    /// What a file says, or what the single configuration says that it was made of.
    private static func list(of file: File, _ files: [File]) throws(NetworkListError) -> NetworkList {
        guard file.isList else { return try NetworkList(ofOne: file.bytes) }
        let source = files.first(where: { listName(of: $0.name) == file.name })
        guard let source else { return try NetworkList(file.bytes) }
        return try NetworkList(ofOne: source.bytes)
    }

    /// The changes that take it out of every file again. A list that was made of a single configuration goes.
    package static func removal(from files: [File]) -> [Change] {
        files.sorted { $0.name < $1.name }.compactMap { file in
            guard file.isList, let list = try? NetworkList(file.bytes) else { return nil }
            if files.contains(where: { listName(of: $0.name) == file.name }) { return .remove(name: file.name) }
            let clean = list.removing()
            return clean == list ? nil : .write(name: file.name, bytes: clean.bytes)
        }
    }

    /// `10-net.conf` and `10-net.json` become `10-net-apus.conflist`; `nil` for lists.
    private static func listName(of name: String) -> String? {
        guard !name.hasSuffix(".conflist"), let dot = name.lastIndex(of: ".") else { return nil }
        return "\(name[..<dot])-apus.conflist"
    }
}

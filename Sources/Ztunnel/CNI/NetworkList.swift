/// A network configuration list of a node (CNI specification 1.0, section 1), as somebody else wrote it: our plugin is
/// put behind the others and taken out again, and no other byte changes.
package struct NetworkList: Hashable, Sendable {
    package let bytes: [UInt8]
    private let root: JSONSpan
    private let plugins: JSONSpan

    /// Reads a list (`.conflist`).
    package init(_ bytes: [UInt8]) throws(NetworkListError) {
        let root = try Self.object(bytes)
        guard let plugins = root["plugins"], let elements = plugins.elements, !elements.isEmpty else {
            throw .noPlugins
        }
        guard elements.allSatisfy({ $0["type"]?.text?.isEmpty == false }) else { throw .noType }
        (self.bytes, self.root, self.plugins) = (bytes, root, plugins)
    }

    /// Makes a list of one plugin's configuration (`.conf`), which stands in it as it was. Name and version are those
    /// of the configuration.
    package init(ofOne configuration: [UInt8]) throws(NetworkListError) {
        let root = try Self.object(configuration)
        guard root["type"]?.text?.isEmpty == false else { throw .noType }
        var text = Array("{\n".utf8)
        for key in ["cniVersion", "name"] {
            guard let value = root[key] else { continue }
            text += Array("  \(JSONSpan.quoted(key)): ".utf8) + configuration[value.range] + Array(",\n".utf8)
        }
        text += Array("  \"plugins\": [\n    ".utf8) + configuration[root.range] + Array("\n  ]\n}\n".utf8)
        try self.init(text)
    }

    private static func object(_ bytes: [UInt8]) throws(NetworkListError) -> JSONSpan {
        let root: JSONSpan
        do {
            root = try JSONSpan(reading: bytes)
        } catch {
            throw .notJSON(error.description)
        }
        guard root.isObject else { throw .notJSON("expected an object, found \(root.kind)") }
        return root
    }

    /// `name`; empty when it has none.
    package var name: String { root["name"]?.text ?? "" }

    /// What stands where our plugin is. A list has it once, last and with these settings, or it needs repair.
    package enum State: Hashable, Sendable {
        case installed, absent, differs
    }

    /// Whether our plugin stands as `installing` would put it.
    package func state(of settings: PluginSettings) -> State {
        let elements = plugins.elements ?? []
        let own = elements.indices.filter { isOurs(elements[$0]) }
        guard let last = own.last else { return .absent }
        let isInPlace = own.count == 1 && last == elements.count - 1
        guard isInPlace, Array(bytes[elements[last].range]) == Array(settings.json.utf8) else { return .differs }
        return .installed
    }

    /// With our plugin behind all others. Where it stands last already, only its settings change.
    package func installing(_ settings: PluginSettings) -> NetworkList {
        if state(of: settings) == .installed { return self }
        let clean = removing()
        guard let last = clean.plugins.elements?.last else { return self }
        let text = Array((Self.separator + settings.json).utf8)
        var changed = clean.bytes
        changed.insert(contentsOf: text, at: last.range.upperBound)
        return reread(changed)
    }

    /// Without our plugin: byte for byte what it was before `installing`. A list of nothing else stays as it is.
    package func removing() -> NetworkList {
        guard let elements = plugins.elements else { return self }
        guard let index = elements.lastIndex(where: isOurs), elements.count > 1 else { return self }
        var changed = bytes
        // With what separates it from its neighbour.
        if index > 0 {
            changed.removeSubrange(elements[index - 1].range.upperBound..<elements[index].range.upperBound)
        } else {
            changed.removeSubrange(elements[0].range.lowerBound..<elements[1].range.lowerBound)
        }
        let rest = reread(changed)
        return rest == self ? self : rest.removing()
    }

    /// Between the last plugin and ours.
    private static let separator = ",\n    "

    private func isOurs(_ element: JSONSpan) -> Bool { element["type"]?.text == PluginSettings.type }

    /// A list that was changed between its values can be read again.
    private func reread(_ changed: [UInt8]) -> NetworkList { (try? NetworkList(changed)) ?? self }
}

/// Why a file is no network configuration list that a plugin can be put into.
package enum NetworkListError: Error, Hashable, Sendable, CustomStringConvertible {
    case notJSON(String)
    case noPlugins
    case noType

    package var description: String {
        switch self {
        case .notJSON(let reason): return "not the JSON of a network configuration: \(reason)"
        case .noPlugins: return "expected a list of plugins with at least one, found none"
        case .noType: return "expected a type in each plugin, found one without"
        }
    }
}

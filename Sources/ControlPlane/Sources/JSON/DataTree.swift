package import MeshModel

/// Why bytes or a text are no tree of data, as a clause: `is not valid YAML: …`.
package struct DataTreeError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
}

/// A value of JSON or YAML to look into.
package struct DataTree: Hashable, Sendable {
    let node: DataNode

    init(_ node: DataNode) { self.node = node }

    /// Reads one value of JSON. Time and memory are bounded by the number of bytes.
    package static func json(_ bytes: [UInt8]) throws(DataTreeError) -> DataTree {
        do {
            return DataTree(try JSONText.value(bytes))
        } catch {
            throw DataTreeError(description: "is not valid JSON at byte \(error.offset): \(error.reason)")
        }
    }

    /// Reads one document of YAML, with the bounds of resource files.
    package static func yaml(_ text: String) throws(DataTreeError) -> DataTree {
        guard text.utf8.count <= ResourceFileLimits.fileBytesMax else {
            throw DataTreeError(description: "has more than \(ResourceFileLimits.fileBytesMax) bytes")
        }
        do {
            let documents = try YAMLText.documents(text)
            return DataTree(documents.first ?? DataNode(line: 1, content: .null))
        } catch {
            throw DataTreeError(description: "line \(error.line): \(error.reason)")
        }
    }

    /// A field of a mapping; `nil` when it is absent or null, or when this is no mapping.
    package subscript(key: String) -> DataTree? {
        guard case .map(let entries) = node.content, let entry = entries.first(where: { $0.key == key }),
            entry.value.content != .null
        else { return nil }
        return DataTree(entry.value)
    }

    /// The scalar as it is written; `nil` for a list, a mapping and null.
    package var text: String? {
        guard case .scalar(let text, _) = node.content else { return nil }
        return text
    }

    /// The parts of a list; `nil` for what is none.
    package var items: [DataTree]? {
        guard case .list(let items) = node.content else { return nil }
        return items.map { DataTree($0) }
    }

    /// The same without lines and with the types of JSON: what YAML writes without quotes is a number or a bool when
    /// JSON writes these so, and a text otherwise. Of a key that is written twice, the first counts.
    package var value: JSONValue {
        switch node.content {
        case .null: return .null
        case .scalar(let text, false): return .string(text)
        case .scalar("true", _): return true
        case .scalar("false", _): return false
        case .scalar(let text, _): return JSONText.isNumber(Array(text.utf8)[...]) ? .number(text) : .string(text)
        case .list(let items): return .array(items.map { DataTree($0).value })
        case .map(let entries):
            return .object(Dictionary(entries.map { ($0.key, DataTree($0.value).value) }) { first, _ in first })
        }
    }

    /// Whether it is a mapping.
    package var isMap: Bool {
        guard case .map = node.content else { return false }
        return true
    }
}

extension ResourceFile {
    /// One object of an API server, read by the decoders of files.
    /// - Parameters:
    ///   - object: items of lists do not say their kind themselves, so it is given.
    ///   - source: stands in findings in place of a file's path.
    package static func decode(
        _ object: DataTree, apiVersion: String, kind: String, source: String
    ) -> Contents {
        var decoder = ResourceDecoder(file: source)
        guard case .map(let entries) = object.node.content else {
            decoder.decode(object.node)
            return decoder.contents
        }
        func scalar(_ key: String, _ text: String) -> DataNode.Entry {
            DataNode.Entry(key: key, line: 0, value: DataNode(line: 0, content: .scalar(text, isPlain: false)))
        }
        let own = entries.filter { $0.key != "apiVersion" && $0.key != "kind" }
        let whole = [scalar("apiVersion", apiVersion), scalar("kind", kind)] + own
        decoder.decode(DataNode(line: 0, content: .map(whole)))
        return decoder.contents
    }
}

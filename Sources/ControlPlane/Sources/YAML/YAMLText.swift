import Yams

/// Why a text is not usable YAML, and where.
struct YAMLRejection: Error, Hashable, Sendable {
    let line: Int
    let reason: String
}

/// Text of any number of YAML documents (JSON is YAML) as values.
enum YAMLText {
    /// All documents or none: half a file is no state to be in.
    static func documents(_ text: String) throws(YAMLRejection) -> [DataNode] {
        try YAMLGuard.check(text)
        do {
            // The basic resolver leaves scalars as they are written; which are numbers is for their reader to say.
            let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
            var expansion = YAMLExpansion(nodesLeft: max(ResourceFileLimits.expandedNodesMin, text.utf8.count))
            var documents: [DataNode] = []
            while let root = try parser.nextRoot() {
                documents.append(try expansion.convert(root, depth: 0))
            }
            return documents
        } catch let rejection as YAMLRejection {
            throw rejection
        } catch let error as YamlError {
            throw rejection(error)
        } catch {
            throw YAMLRejection(line: 1, reason: "cannot be read as YAML")
        }
    }

    private static func rejection(_ error: YamlError) -> YAMLRejection {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let scene = context.map { " \($0.text) (line \($0.mark.line))" } ?? ""
            return YAMLRejection(line: mark.line, reason: "is not valid YAML:\(scene) \(problem)")
        case .reader(let problem, let offset, _, let yaml):
            let line = 1 + yaml.prefix(offset ?? 0).count(where: \.isNewline)
            return YAMLRejection(line: line, reason: "is not valid YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            let keys = duplicates.prefix(5).joined(separator: ", ")
            return YAMLRejection(line: context.mark.line, reason: "has a key twice in one mapping: \(keys)")
        case .memory:
            return YAMLRejection(line: 1, reason: "needs more memory than there is")
        case .no, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            return YAMLRejection(line: 1, reason: "cannot be read as YAML")
        }
    }
}

/// Copies the parser's tree. Aliases share nodes there and are expanded here, within a budget.
private struct YAMLExpansion {
    var nodesLeft: Int

    mutating func convert(_ node: Node, depth: Int) throws(YAMLRejection) -> DataNode {
        let line = node.mark?.line ?? 1
        nodesLeft -= 1
        guard nodesLeft >= 0 else {
            throw YAMLRejection(line: line, reason: "aliases expand to too many values; write them out")
        }
        guard depth <= ResourceFileLimits.nestingMax else {
            let reason = "is nested too deeply: expected at most \(ResourceFileLimits.nestingMax) levels"
            throw YAMLRejection(line: line, reason: reason)
        }
        switch node {
        case .scalar(let scalar):
            let isPlain = scalar.style == .plain || scalar.style == .any
            if isPlain, ["", "~", "null", "Null", "NULL"].contains(scalar.string) {
                return DataNode(line: line, content: .null)
            }
            return DataNode(line: line, content: .scalar(scalar.string, isPlain: isPlain))
        case .sequence(let sequence):
            var items: [DataNode] = []
            items.reserveCapacity(sequence.count)
            for item in sequence {
                items.append(try convert(item, depth: depth + 1))
            }
            return DataNode(line: line, content: .list(items))
        case .mapping(let mapping):
            return DataNode(line: line, content: .map(try entries(mapping, depth: depth)))
        case .alias:
            throw YAMLRejection(line: line, reason: "has an alias that cannot be resolved")
        }
    }

    private mutating func entries(_ mapping: Node.Mapping, depth: Int) throws(YAMLRejection) -> [DataNode.Entry] {
        var entries: [DataNode.Entry] = []
        var merged: [DataNode.Entry] = []
        entries.reserveCapacity(mapping.count)
        for (key, value) in mapping {
            let line = key.mark?.line ?? 1
            guard case .scalar(let scalar) = key else {
                throw YAMLRejection(line: line, reason: "has a key that is no text: expected NAME: VALUE")
            }
            let converted = try convert(value, depth: depth + 1)
            if scalar.string == "<<", scalar.style == .plain {
                merged += Self.mergeable(converted)
            } else {
                entries.append(DataNode.Entry(key: scalar.string, line: line, value: converted))
            }
        }
        guard !merged.isEmpty else { return entries }
        // What the mapping says itself goes before what it merges, and earlier merges before later ones.
        var present = Set(entries.map(\.key))
        for entry in merged where present.insert(entry.key).inserted {
            entries.append(entry)
        }
        return entries
    }

    private static func mergeable(_ node: DataNode) -> [DataNode.Entry] {
        switch node.content {
        case .map(let entries): return entries
        case .list(let items): return items.flatMap { mergeable($0) }
        case .null, .scalar: return []
        }
    }
}

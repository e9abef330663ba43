import ControlTranslate

/// Reads one mapping field by field. It remembers which fields were asked for, so that the others can be reported, and
/// collects what did not have the expected form.
struct MapReader {
    /// Path from the resource's root; empty at the root.
    let path: String
    let line: Int
    private(set) var problems: [FieldProblem] = []
    private let entries: [DataNode.Entry]
    private var isAsked: [Bool]

    /// Not a mapping: reads as an empty one, with a problem.
    init(_ node: DataNode, path: String) {
        self.path = path
        line = node.line
        switch node.content {
        case .map(let entries):
            self.entries = entries
        case .null:
            entries = []
        case .scalar, .list:
            entries = []
            problems = [FieldProblem(line: line, field: path, reason: "expected a mapping, found \(node.summary)")]
        }
        isAsked = Array(repeating: false, count: entries.count)
    }

    /// Path of a field of this mapping.
    func field(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    mutating func complain(_ line: Int, _ field: String, _ reason: String) {
        problems.append(FieldProblem(line: line, field: field, reason: reason))
    }

    /// Takes over what another reader, of a part of this mapping, complained about.
    mutating func absorb(_ other: MapReader) {
        problems += other.problems
    }

    /// The field's value; `nil` when it is absent or null.
    mutating func node(_ key: String) -> DataNode? {
        guard let index = entries.firstIndex(where: { $0.key == key }) else { return nil }
        isAsked[index] = true
        let value = entries[index].value
        return value.content == .null ? nil : value
    }

    /// Whether the field is written at all, null included.
    mutating func has(_ key: String) -> Bool {
        guard let index = entries.firstIndex(where: { $0.key == key }) else { return false }
        isAsked[index] = true
        return true
    }

    mutating func text(_ key: String) -> String? {
        guard let node = node(key) else { return nil }
        guard case .scalar(let text, _) = node.content else {
            complain(node.line, field(key), "expected text, found \(node.summary)")
            return nil
        }
        return text
    }

    mutating func flag(_ key: String) -> Bool? {
        guard let node = node(key) else { return nil }
        if case .scalar(let text, isPlain: true) = node.content {
            if ["true", "True", "TRUE"].contains(text) { return true }
            if ["false", "False", "FALSE"].contains(text) { return false }
        }
        complain(node.line, field(key), "expected true or false, found \(node.summary)")
        return nil
    }

    mutating func integer(_ key: String, _ range: ClosedRange<Int>) -> Int? {
        guard let node = node(key) else { return nil }
        if case .scalar(let text, isPlain: true) = node.content, let value = Int(text), range.contains(value) {
            return value
        }
        let expected = "expected a number from \(range.lowerBound) to \(range.upperBound)"
        complain(node.line, field(key), "\(expected), found \(node.summary)")
        return nil
    }

    /// 1...65535.
    mutating func port(_ key: String) -> UInt16? {
        integer(key, 1...65535).flatMap { UInt16(exactly: $0) }
    }

    /// Each entry as written, with its line.
    mutating func texts(_ key: String) -> [AuthorizationPolicyResource.Value]? {
        guard let nodes = list(key) else { return nil }
        var values: [AuthorizationPolicyResource.Value] = []
        for (index, node) in nodes.enumerated() {
            let place = "\(field(key))[\(index)]"
            if case .scalar(let text, _) = node.content {
                values.append(AuthorizationPolicyResource.Value(text, line: node.line, field: place))
            } else {
                complain(node.line, place, "expected text, found \(node.summary)")
            }
        }
        return values
    }

    mutating func list(_ key: String) -> [DataNode]? {
        guard let node = node(key) else { return nil }
        guard case .list(let items) = node.content else {
            complain(node.line, field(key), "expected a list, found \(node.summary)")
            return nil
        }
        return items
    }

    mutating func map(_ key: String) -> MapReader? {
        node(key).map { MapReader($0, path: field(key)) }
    }

    mutating func maps(_ key: String) -> [MapReader] {
        (list(key) ?? []).enumerated().map { MapReader($1, path: "\(field(key))[\($0)]") }
    }

    /// A mapping from text to text, such as labels. Numbers and bools count as the text they are written with.
    mutating func labels(_ key: String) -> [String: String]? {
        guard let node = node(key) else { return nil }
        guard case .map(let entries) = node.content else {
            complain(node.line, field(key), "expected a mapping, found \(node.summary)")
            return nil
        }
        var labels: [String: String] = [:]
        labels.reserveCapacity(entries.count)
        for entry in entries {
            switch entry.value.content {
            case .scalar(let text, _): labels[entry.key] = text
            case .null: labels[entry.key] = ""
            case .list, .map:
                complain(entry.line, "\(field(key)).\(entry.key)", "expected text, found \(entry.value.summary)")
            }
        }
        return labels
    }

    /// All keys with the lines of their values, for mappings whose keys are data.
    var all: [DataNode.Entry] { entries }

    /// Known fields that the mesh has no use for.
    mutating func skip(_ keys: Set<String>) {
        for (index, entry) in entries.enumerated() where keys.contains(entry.key) {
            isAsked[index] = true
        }
    }

    /// A problem for each field that nobody asked for.
    mutating func complainAboutTheRest(_ reason: String = "is not a known field") {
        for (index, entry) in entries.enumerated() where !isAsked[index] {
            complain(entry.line, field(entry.key), reason)
        }
    }
}

import Foundation
import Yams

/// The directory that apusd reads, as a place to change single resources in. Documents that are not changed keep their
/// text; one that is changed is written anew, without its comments.
struct ResourceFolder {
    let path: String

    /// A document of a file, by its place there.
    struct Document {
        let file: String
        let place: Int
        var node: Node

        /// A text at this path of keys.
        func text(_ keys: String...) -> String? {
            var found: Node? = node
            for key in keys { found = found?.mapping?[Node(key)] }
            return found?.scalar?.string
        }
    }

    private static let separator = "---"

    /// All documents of a kind, in the order of their files.
    func documents(kind: String) throws -> [Document] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: path).sorted()
        return names.filter(Self.isRead)
            .flatMap { file in
                let parts = (try? parts(of: file)) ?? []
                return parts.enumerated().compactMap { place, text -> Document? in
                    guard let node = try? Yams.compose(yaml: text) else { return nil }
                    let document = Document(file: file, place: place, node: node)
                    return document.text("kind") == kind ? document : nil
                }
            }
    }

    /// As apusd reads the tree.
    private static func isRead(_ name: String) -> Bool {
        guard !name.split(separator: "/").contains(where: { $0.hasPrefix(".") }) else { return false }
        return [".yaml", ".yml", ".json"].contains { name.hasSuffix($0) }
    }

    /// Puts the document's text in the place of what is there.
    func replace(_ document: Document) throws {
        var parts = try parts(of: document.file)
        guard parts.indices.contains(document.place) else { throw CommandFailure("apus: \(document.file) has changed") }
        parts[document.place] = try Yams.serialize(node: document.node)
        try write(document.file, parts)
    }

    /// Takes the document out; a file without any other goes.
    func remove(_ document: Document) throws {
        var parts = try parts(of: document.file)
        guard parts.indices.contains(document.place) else { throw CommandFailure("apus: \(document.file) has changed") }
        parts.remove(at: document.place)
        let isEmpty = parts.allSatisfy { $0.allSatisfy(\.isWhitespace) }
        if isEmpty {
            try FileManager.default.removeItem(atPath: "\(path)/\(document.file)")
        } else {
            try write(document.file, parts)
        }
    }

    /// A file of its own; one of that name is replaced as a whole.
    func write(_ file: String, _ parts: [String]) throws {
        let text = parts.map { $0.hasSuffix("\n") || $0.isEmpty ? $0 : "\($0)\n" }
            .joined(separator: "\(Self.separator)\n")
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(file)"), options: .atomic)
    }

    private func parts(of file: String) throws -> [String] {
        let text = try String(contentsOfFile: "\(path)/\(file)", encoding: .utf8)
        var parts = [""]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line == Self.separator || line.hasPrefix("\(Self.separator) ") {
                parts.append("")
            } else {
                parts[parts.count - 1] += "\(line)\n"
            }
        }
        // The text's last line end is no line of its own.
        if let last = parts.last, last.hasSuffix("\n\n") { parts[parts.count - 1].removeLast() }
        return parts
    }
}

/// The label of a namespace that names its waypoint.
struct NamespaceEnrolment {
    let folder: ResourceFolder
    let namespace: String

    private static let label = "istio.io/use-waypoint"
    private static let mode = "istio.io/dataplane-mode"

    /// What the label says now.
    func waypoint() throws -> String? { try document()?.text("metadata", "labels", Self.label) }

    /// Whether its pods are captured at all.
    func isAmbient() throws -> Bool { try document()?.text("metadata", "labels", Self.mode) == "ambient" }

    /// Writes the label, or takes it away. A namespace that nobody wrote gets a file of its own.
    func set(_ waypoint: String?) throws {
        guard var document = try document() else {
            guard let waypoint else { return }
            let text = """
                apiVersion: v1
                kind: Namespace
                metadata:
                  name: \(namespace)
                  labels:
                    \(Self.label): \(waypoint)

                """
            return try folder.write("namespace-\(namespace).yaml", [text])
        }
        var metadata = document.node.mapping?[Node("metadata")] ?? Node([(Node, Node)]())
        var labels = metadata.mapping?[Node("labels")] ?? Node([(Node, Node)]())
        if labels.mapping == nil { labels = Node([(Node, Node)]()) }
        labels.mapping?[Node(Self.label)] = waypoint.map { Node($0) }
        metadata.mapping?[Node("labels")] = labels
        document.node.mapping?[Node("metadata")] = metadata
        try folder.replace(document)
    }

    private func document() throws -> ResourceFolder.Document? {
        try folder.documents(kind: "Namespace").first { $0.text("metadata", "name") == namespace }
    }
}

import Foundation
import Yams

/// The directory in which apusd says what became of resources.
struct StatusFolder {
    /// `nil`: nobody said where it is.
    let path: String?

    /// The `status` that apusd wrote for a resource.
    func status(_ kind: String, _ namespace: String, _ name: String) -> Node? {
        guard let path else { return nil }
        let file = "\(path)/\(kind)/\(namespace)/\(name).yaml"
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else { return nil }
        return (try? Yams.compose(yaml: text))??.mapping?[Node("status")]
    }
}

/// A resource as it was written, with the status that apusd gives it.
struct ShownResource {
    let kind: String
    let namespace: String
    let name: String
    /// In which file of the directory it stands.
    let file: String
    /// The whole of it.
    let node: Node
    /// Of apusd alone.
    private let status: Node?

    init(_ document: ResourceFolder.Document, _ statuses: StatusFolder) {
        kind = document.text("kind") ?? ""
        name = document.text("metadata", "name") ?? ""
        namespace = document.text("metadata", "namespace") ?? "default"
        file = document.file
        status = statuses.status(kind, namespace, name)
        var node = document.node
        if let status {
            var merged = node.mapping?[Node("status")] ?? Node([(Node, Node)]())
            for (key, value) in status.mapping ?? [:] { merged.mapping?[key] = value }
            node.mapping?[Node("status")] = merged
        }
        self.node = node
    }

    /// A condition of the status; of a route, of one parent.
    struct Condition: Equatable {
        let type, status, message: String
    }

    var conditions: [Condition] {
        let parents = status?["parents"]?.sequence.map(Array.init) ?? []
        let lists = [status?["conditions"]] + parents.map { $0["conditions"] }
        return lists.compactMap(\.self).flatMap { $0.sequence.map(Array.init) ?? [] }.map { entry in
            func word(_ key: String) -> String { entry[key]?.scalar?.string ?? "" }
            return Condition(type: word("type"), status: word("status"), message: word("message"))
        }
    }

    /// `True` where all parents say so; empty where nobody asked for anything.
    func state(of type: String) -> String {
        guard let status else { return isJudged ? "<unknown>" : "" }
        let states = Set(conditions.filter { $0.type == type }.map(\.status))
        if states.isEmpty { return status["parents"]?.sequence?.isEmpty == true ? "<none>" : "<unknown>" }
        return states.count == 1 ? states.first ?? "" : "False"
    }

    /// Services that ask for no waypoint have no status.
    private var isJudged: Bool { !["Service", "ServiceEntry"].contains(kind) }

    /// What apusd says of what is not as it should be, else what it says at all.
    var message: String {
        let told = conditions.filter { !$0.message.isEmpty }
        return (told.first { $0.status != "True" } ?? told.first)?.message ?? ""
    }

    var addresses: [String] {
        (status?["addresses"]?.sequence.map(Array.init) ?? []).compactMap { $0["value"]?.scalar?.string }
    }

    // MARK: - Fields

    private func node(_ keys: [String]) -> Node? {
        keys.reduce(Optional(node)) { found, key in found?.mapping?[Node(key)] }
    }

    /// A text at this path of keys.
    subscript(_ keys: String...) -> String? { node(keys)?.scalar?.string }

    /// How many there are in a list.
    func count(_ keys: String...) -> Int { node(keys)?.sequence?.count ?? 0 }

    /// Texts of a list.
    func list(_ keys: String...) -> [String] {
        (node(keys)?.sequence.map(Array.init) ?? []).compactMap { $0.scalar?.string }
    }

    /// Each object of a list as `A/B:C`.
    func list(_ keys: String..., each fields: [String]) -> [String] {
        (node(keys)?.sequence.map(Array.init) ?? []).map { Self.joined(fields, of: $0) }
    }

    /// An object as `A/B:C`; empty when it is not there.
    func joined(_ fields: [String], at keys: String...) -> String {
        node(keys).map { Self.joined(fields, of: $0) } ?? ""
    }

    private static func joined(_ fields: [String], of object: Node) -> String {
        var text = ""
        for (index, field) in fields.enumerated() {
            guard let word = object[field]?.scalar?.string else { continue }
            text += (index == 0 || text.isEmpty ? "" : index == 1 ? "/" : ":") + word
        }
        return text
    }
}

/// Resources as text for other tools.
enum GetText {
    /// One document for each.
    static func yaml(_ resources: [ShownResource]) throws -> String {
        try resources.map { try Yams.serialize(node: $0.node) }.joined(separator: "---\n")
    }

    /// The resource itself, or a list of them as `kubectl` writes it.
    static func json(_ resources: [ShownResource], isOne: Bool) throws -> String {
        let items = resources.map(\.node.any)
        let list: Any = ["apiVersion": "v1", "kind": "List", "items": items] as [String: Any]
        let value = isOne ? items.first ?? list : list
        guard JSONSerialization.isValidJSONObject(value) else {
            throw CommandFailure("apus get: what is written there has no form in JSON; try -o yaml")
        }
        let options: JSONSerialization.WritingOptions = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try JSONSerialization.data(withJSONObject: value, options: options), as: UTF8.self)
    }
}

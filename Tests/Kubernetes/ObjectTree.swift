import Foundation
import Yams

/// A tree of JSON or YAML, to be compared.
indirect enum ObjectTree: Hashable, Sendable, Codable {
    case null
    case bool(Bool)
    case number(Double)
    case text(String)
    case list([ObjectTree])
    case object([String: ObjectTree])

    struct Unreadable: Error {
        let text: String
    }

    init(json: String) throws {
        self = try JSONDecoder().decode(ObjectTree.self, from: Data(json.utf8))
    }

    /// The documents of a YAML text.
    static func documents(yaml: String) throws -> [ObjectTree] {
        try Yams.load_all(yaml: yaml).map { try ObjectTree($0) }
    }

    private init(_ yaml: Any) throws {
        switch yaml {
        case is NSNull: self = .null
        case let value as String: self = .text(value)
        case let value as Bool: self = .bool(value)
        case let value as Int: self = .number(Double(value))
        case let value as Double: self = .number(value)
        case let value as [Any]: self = .list(try value.map { try ObjectTree($0) })
        case let value as [String: Any]: self = .object(try value.mapValues { try ObjectTree($0) })
        default: throw Unreadable(text: "\(yaml)")
        }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([ObjectTree].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: ObjectTree].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        case .list(let values): try container.encode(values)
        case .object(let values): try container.encode(values)
        }
    }

    func json() throws -> String { String(decoding: try JSONEncoder().encode(self), as: UTF8.self) }

    /// What stands at a path of keys.
    subscript(_ keys: String...) -> ObjectTree? {
        var found: ObjectTree? = self
        for key in keys {
            guard case .object(let values) = found else { return nil }
            found = values[key]
        }
        return found
    }

    var text: String? {
        guard case .text(let text) = self else { return nil }
        return text
    }

    /// A number without a fraction.
    var count: Int? {
        guard case .number(let number) = self else { return nil }
        return Int(exactly: number)
    }

    var items: [ObjectTree] {
        guard case .list(let items) = self else { return [] }
        return items
    }

    var texts: [String] { items.compactMap(\.text) }

    /// Members of an object.
    var members: [String: ObjectTree] {
        guard case .object(let members) = self else { return [:] }
        return members
    }

    /// The same with another value for a key of the outermost object.
    func with(_ key: String, _ value: ObjectTree) -> ObjectTree {
        guard case .object(var values) = self else { return self }
        values[key] = value
        return .object(values)
    }

    /// Paths of what `whole` lacks of this, or has otherwise; items of lists are compared by their places.
    func missing(in whole: ObjectTree?, at path: String = "") -> [String] {
        switch (self, whole) {
        case (.object(let mine), .object(let theirs)):
            return mine.flatMap { $1.missing(in: theirs[$0], at: "\(path).\($0)") }
        case (.list(let mine), .list(let theirs)) where mine.count == theirs.count:
            return zip(mine, theirs).enumerated().flatMap { $1.0.missing(in: $1.1, at: "\(path)[\($0)]") }
        default: return self == whole ? [] : [path]
        }
    }
}

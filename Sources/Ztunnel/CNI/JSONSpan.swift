internal import MeshModel

/// A value of JSON (RFC 8259) that knows where it stands in its text, so that the text can be changed in one place and
/// stay as its owner wrote it everywhere else.
package struct JSONSpan: Hashable, Sendable {
    package struct Member: Hashable, Sendable {
        package let key: String
        /// The opening quote of the key.
        package let start: Int
        package let value: JSONSpan
    }

    package indirect enum Content: Hashable, Sendable {
        case object([Member])
        case array([JSONSpan])
        case string(String)
        /// A number as written.
        case number(String)
        case bool(Bool)
        case null
    }

    /// Bytes of the text.
    package let range: Range<Int>
    package let content: Content

    /// A member of an object; `nil` when it is absent or this is no object.
    package subscript(key: String) -> JSONSpan? {
        guard case .object(let members) = content else { return nil }
        return members.first { $0.key == key }?.value
    }

    /// The text; `nil` for anything but a string.
    package var text: String? {
        if case .string(let text) = content { return text }
        return nil
    }

    /// The elements; `nil` for anything but an array.
    package var elements: [JSONSpan]? {
        if case .array(let elements) = content { return elements }
        return nil
    }

    /// Whether it is an object.
    package var isObject: Bool {
        if case .object = content { return true }
        return false
    }

    /// What it is, for messages.
    package var kind: String {
        switch content {
        case .object: return "an object"
        case .array: return "an array"
        case .string(let text): return "\"\(text.prefix(64))\""
        case .number(let text): return String(text.prefix(64))
        case .bool(let isTrue): return isTrue ? "true" : "false"
        case .null: return "null"
        }
    }

    /// A text as JSON, in quotes.
    package static func quoted(_ text: String) -> String {
        String(decoding: JSONValue.string(text).json, as: UTF8.self)
    }
}

/// Why bytes are not usable JSON, and where.
package struct JSONSpanError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Bytes before the place.
    package let offset: Int
    package let reason: String

    package var description: String { "\(reason) at byte \(offset)" }
}

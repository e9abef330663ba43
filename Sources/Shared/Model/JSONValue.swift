/// A JSON value, closed: what a token claims, or an object of the Kubernetes API. Of a token it is made by whoever has
/// checked the token, who also bounds its depth and splits claims whose parts are separated by spaces.
package indirect enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    /// As written, so that nothing is rounded.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// The text; `nil` for anything but a string.
    package var text: String? {
        if case .string(let text) = self { return text }
        return nil
    }

    /// A string, or the strings of a list; others are no texts.
    package var texts: [String] {
        switch self {
        case .string(let text): return [text]
        case .array(let elements): return elements.compactMap(\.text)
        case .null, .bool, .number, .object: return []
        }
    }
}

/// The payload of a token whose signature, issuer and dates were checked; there is no other way into policy.
package struct TokenClaims: Hashable, Sendable {
    package let values: [String: JSONValue]

    package init(_ values: [String: JSONValue]) { self.values = values }

    /// `iss`; `nil` unless it is a text.
    package var issuer: String? { values["iss"]?.text }

    /// `sub`; `nil` unless it is a text.
    package var subject: String? { values["sub"]?.text }

    /// The value at a path of keys of nested objects.
    package subscript(path path: [String]) -> JSONValue? {
        guard let first = path.first, var value = values[first] else { return nil }
        for key in path.dropFirst() {
            guard case .object(let members) = value, let member = members[key] else { return nil }
            value = member
        }
        return value
    }
}

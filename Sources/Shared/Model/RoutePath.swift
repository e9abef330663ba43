/// A path as a route writes it, after the rules of the Gateway API: begins with `/`; no empty or dot segments before
/// the last; no escaped slash, query, fragment or control character; at most 1,024 bytes.
package struct RoutePath: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    /// - Throws: ``RouteValueError/path(_:)``.
    package init(_ text: String) throws(RouteValueError) {
        guard text.hasPrefix("/"), Self.isWritable(text) else { throw .path(text) }
        let segments = text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let isDots = { (part: Substring.UTF8View) in part.elementsEqual(".".utf8) || part.elementsEqual("..".utf8) }
        guard !segments.contains(where: isDots), !segments.dropLast().contains(where: \.isEmpty) else {
            throw .path(text)
        }
        self.text = text
    }

    /// The root, which every path lies below.
    package static let root = RoutePath(unchecked: "/")

    private init(unchecked text: String) { self.text = text }

    package var description: String { text }

    /// Printable, without query, fragment or escaped slash.
    fileprivate static func isWritable(_ text: String) -> Bool {
        let forbidden = Array("?#\\\"<>^`{|} ".utf8)
        let isForbidden = { (byte: UInt8) in byte <= 0x20 || byte >= 0x7f || forbidden.contains(byte) }
        return text.utf8.count <= 1024 && !text.utf8.contains(where: isForbidden) && hasWholeEscapes(text)
    }

    /// Every `%` begins an escape, and none is a slash or NUL.
    private static func hasWholeEscapes(_ text: String) -> Bool {
        for part in text.split(separator: "%", omittingEmptySubsequences: false).dropFirst() {
            let digits = part.prefix(2)
            guard digits.count == 2, digits.allSatisfy(\.isHexDigit), digits.allSatisfy(\.isASCII) else { return false }
            guard digits != "00", digits.lowercased() != "2f" else { return false }
        }
        return true
    }
}

/// How a redirect or a rewrite changes the path; the query stays.
package enum PathReplacement: Hashable, Sendable {
    case full(ReplacementPath)
    /// In place of the prefix that matched.
    case prefix(ReplacementPath)
}

/// A path to be written into a request or a location: empty, or begins with `/`; printable, at most 1,024 bytes.
package struct ReplacementPath: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    /// - Throws: ``RouteValueError/path(_:)``.
    package init(_ text: String) throws(RouteValueError) {
        guard text.isEmpty || text.hasPrefix("/"), RoutePath.isWritable(text) else { throw .path(text) }
        self.text = text
    }

    package var description: String { text }
}

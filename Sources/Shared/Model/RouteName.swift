/// A DNS name without a wildcard, in lower case, at most 253 bytes.
package struct DomainName: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    /// - Throws: ``RouteValueError/hostname(_:)``.
    package init(_ text: some StringProtocol) throws(RouteValueError) {
        let lower = text.lowercased()
        let labels = lower.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let isValid = labels.allSatisfy { label in
            (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                && label.allSatisfy(Self.isLabelByte)
        }
        guard lower.utf8.count <= 253, isValid else { throw .hostname(String(text)) }
        self.text = lower
    }

    package var description: String { text }

    private static func isLabelByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }
}

/// A hostname of a route.
package enum RouteHostname: Hashable, Sendable {
    case exact(DomainName)
    /// `*.DOMAIN`: one label or more in front of the domain, never the domain itself.
    case wildcard(below: DomainName)

    /// - Throws: ``RouteValueError/hostname(_:)``.
    package init(_ text: String) throws(RouteValueError) {
        if text.hasPrefix("*.") {
            self = .wildcard(below: try DomainName(text.dropFirst(2)))
        } else {
            self = .exact(try DomainName(text))
        }
    }
}

/// The name of a header field or a cookie: an HTTP token (RFC 9110, 5.6.2), at most 256 bytes.
package struct HTTPToken: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    /// - Throws: ``RouteValueError/token(_:)``.
    package init(_ text: String) throws(RouteValueError) {
        guard (1...256).contains(text.utf8.count), text.utf8.allSatisfy(Self.isTokenByte) else { throw .token(text) }
        self.text = text
    }

    package var description: String { text }

    /// Whether a byte may stand in a token.
    package static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: symbols.contains(byte)
        }
    }

    private static let symbols = Array("!#$%&'*+-.^_`|~".utf8)
}

/// The name of a header field, in lower case; pseudo-headers are none.
package struct HeaderName: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    /// - Throws: ``RouteValueError/token(_:)``.
    package init(_ text: String) throws(RouteValueError) { self.text = try HTTPToken(text.lowercased()).text }

    package var description: String { text }
}

/// A header field to be written: no control character can be smuggled in by it.
package struct HeaderField: Hashable, Sendable {
    package let name: HeaderName
    /// Without white space around it.
    package let value: String

    /// - Throws: ``RouteValueError/headerValue(_:)``.
    package init(_ name: HeaderName, _ value: String) throws(RouteValueError) {
        let isControl = { (byte: UInt8) in (byte < 0x20 && byte != UInt8(ascii: "\t")) || byte == 0x7f }
        guard !value.utf8.contains(where: isControl) else { throw .headerValue(value) }
        let isBlank = { (byte: Character) in byte == " " || byte == "\t" }
        var trimmed = value[...]
        while trimmed.first.map(isBlank) == true { trimmed.removeFirst() }
        while trimmed.last.map(isBlank) == true { trimmed.removeLast() }
        self.name = name
        self.value = String(trimmed)
    }
}

/// A pattern of path segments: `{*}` is exactly one segment with something in it, `{**}` any text, slashes included.
package struct PathTemplate: Hashable, Sendable {
    package enum Segment: Hashable, Sendable {
        case literal(String)
        /// `{*}`
        case one
        /// `{**}`
        case rest
    }

    /// What stands behind each slash; the last one is an empty literal when the pattern ends in a slash.
    package let segments: [Segment]

    /// `nil` unless it begins with a slash, has an operator, `{**}` is the last one, operators fill their segments, and
    /// all the rest are characters of RFC 3986's pchar without `*`.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count > 1, parts[0].isEmpty else { return nil }
        var segments: [Segment] = []
        var hasOperator = false
        for part in parts.dropFirst() {
            switch part {
            case "{*}", "{**}":
                guard !segments.contains(.rest) else { return nil }
                segments.append(part == "{*}" ? .one : .rest)
                hasOperator = true
            default:
                let isLast = segments.count == parts.count - 2
                guard Self.isLiteral(part), isLast || !part.isEmpty else { return nil }
                segments.append(.literal(String(part)))
            }
        }
        guard hasOperator else { return nil }
        self.segments = segments
    }

    private static func isLiteral(_ text: some StringProtocol) -> Bool {
        text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                return true
            default:
                return "-._~%!$&'()+,;=:@".utf8.contains(byte)
            }
        }
    }
}

extension PathTemplate: CustomStringConvertible {
    package var description: String {
        segments.map { segment in
            switch segment {
            case .literal(let text): return "/\(text)"
            case .one: return "/{*}"
            case .rest: return "/{**}"
            }
        }.joined()
    }
}

internal import MeshModel
package import MeshPolicy

/// What the check of tokens looks at in a request.
package struct TokenRequest: Sendable {
    package let method: ArraySlice<UInt8>
    /// What follows the `?` of the target, as received; empty: nothing.
    package let query: ArraySlice<UInt8>
    package let headers: any RequestHeaders

    package init(method: ArraySlice<UInt8>, query: ArraySlice<UInt8>, headers: any RequestHeaders) {
        self.method = method
        self.query = query
        self.headers = headers
    }

    /// A browser's question before a request to another origin, which never carries a token.
    var isPreflight: Bool {
        method.elementsEqual("OPTIONS".utf8) && !headers.values(of: "origin").isEmpty
            && !headers.values(of: "access-control-request-method").isEmpty
    }

    /// Every token at this place.
    func tokens(at location: TokenLocation) -> [ArraySlice<UInt8>] {
        switch location {
        case .header(let name, let prefix):
            headers.values(of: name).compactMap { Self.token($0, behind: Array(prefix.utf8)) }
        case .parameter(let name):
            query.split(separator: UInt8(ascii: "&")).compactMap {
                Self.value($0, of: Array(name.utf8), isEncoded: true)
            }
        case .cookie(let name):
            headers.values(of: "cookie").flatMap { $0.split(separator: UInt8(ascii: ";")) }.compactMap {
                Self.value($0.drop { $0 == UInt8(ascii: " ") }, of: Array(name.utf8), isEncoded: false)
            }
        }
    }

    /// Whether a parameter of a query is the one that is meant by a name.
    /// - Parameter text: its name as written.
    package static func isParameter(_ text: ArraySlice<UInt8>, named name: String) -> Bool {
        decoded(text).elementsEqual(name.utf8)
    }

    /// The longest run of a token's characters behind the first prefix; without a prefix the value is the token.
    private static func token(_ value: ArraySlice<UInt8>, behind prefix: [UInt8]) -> ArraySlice<UInt8>? {
        guard !prefix.isEmpty else { return value }
        var start = value.startIndex
        while value.endIndex - start >= prefix.count {
            if value[start..<start + prefix.count].elementsEqual(prefix) {
                let rest = value[(start + prefix.count)...]
                return rest.prefix { Base64URL.isTokenByte($0) }
            }
            start += 1
        }
        return nil
    }

    private static func value(
        _ pair: ArraySlice<UInt8>, of name: [UInt8], isEncoded: Bool
    ) -> ArraySlice<UInt8>? {
        guard let sign = pair.firstIndex(of: UInt8(ascii: "=")) else { return nil }
        let (found, value) = (pair[..<sign], pair[(sign + 1)...])
        guard isEncoded else { return found.elementsEqual(name) ? value : nil }
        return decoded(found).elementsEqual(name) ? decoded(value)[...] : nil
    }

    /// Percent escapes undone once; what is no escape stays.
    private static func decoded(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2, let high = digit(rest[rest.startIndex]),
                let low = digit(rest[rest.startIndex + 1]) {
                bytes.append(high << 4 | low)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return bytes
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        Character(Unicode.Scalar(byte)).hexDigitValue.flatMap { UInt8(exactly: $0) }
    }
}

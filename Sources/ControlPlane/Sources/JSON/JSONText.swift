/// Why bytes are not usable JSON, and where.
struct JSONRejection: Error, Hashable, Sendable {
    /// Bytes before the place.
    let offset: Int
    let reason: String
}

/// One value of JSON (RFC 8259) as the tree that the decoders take, without a detour by the YAML parser. Lines are 0:
/// what machines send has none. Of a key that is written twice, the first counts.
struct JSONText {
    private let bytes: [UInt8]
    private var position = 0
    private var valuesLeft = ResourceFileLimits.separatorsMax

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The value that the bytes are, with nothing but white space around it.
    static func value(_ bytes: [UInt8]) throws(JSONRejection) -> DataNode {
        var text = JSONText(bytes)
        text.skipSpace()
        let node = try text.value(depth: 0)
        text.skipSpace()
        guard text.position == bytes.count else { throw text.rejection("expected the end after the value") }
        return node
    }

    private func rejection(_ reason: String) -> JSONRejection { JSONRejection(offset: position, reason: reason) }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    /// Takes the byte, past white space on both sides, if it is next.
    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard next == byte else { return false }
        position += 1
        skipSpace()
        return true
    }

    private mutating func value(depth: Int) throws(JSONRejection) -> DataNode {
        guard depth <= ResourceFileLimits.nestingMax else {
            throw rejection("is nested too deeply: expected at most \(ResourceFileLimits.nestingMax) levels")
        }
        valuesLeft -= 1
        guard valuesLeft >= 0 else { throw rejection("has more than \(ResourceFileLimits.separatorsMax) values") }
        switch next {
        case UInt8(ascii: "{"): return DataNode(line: 0, content: .map(try entries(depth: depth)))
        case UInt8(ascii: "["): return DataNode(line: 0, content: .list(try items(depth: depth)))
        case UInt8(ascii: "\""): return DataNode(line: 0, content: .scalar(try string(), isPlain: false))
        case .some: return DataNode(line: 0, content: try word())
        case nil: throw rejection("expected a value, found the end")
        }
    }

    private mutating func entries(depth: Int) throws(JSONRejection) -> [DataNode.Entry] {
        var entries: [DataNode.Entry] = []
        position += 1
        if take(UInt8(ascii: "}")) { return entries }
        repeat {
            guard next == UInt8(ascii: "\"") else { throw rejection("expected a key in quotes") }
            let key = try string()
            guard take(UInt8(ascii: ":")) else { throw rejection("expected a colon after the key") }
            entries.append(DataNode.Entry(key: key, line: 0, value: try value(depth: depth + 1)))
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw rejection("expected a comma or the end of the mapping") }
        return entries
    }

    private mutating func items(depth: Int) throws(JSONRejection) -> [DataNode] {
        var items: [DataNode] = []
        position += 1
        if take(UInt8(ascii: "]")) { return items }
        repeat { items.append(try value(depth: depth + 1)) } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw rejection("expected a comma or the end of the list") }
        return items
    }

    /// A number, `true`, `false` or `null`.
    private mutating func word() throws(JSONRejection) -> DataNode.Content {
        let start = position
        while let byte = next, Self.isWordByte(byte) { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        switch text {
        case "null": return .null
        case "true", "false": return .scalar(text, isPlain: true)
        default:
            guard Self.isNumber(bytes[start..<position]) else {
                throw JSONRejection(offset: start, reason: "expected a value")
            }
            return .scalar(text, isPlain: true)
        }
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (0x61...0x7a).contains(byte | 0x20)
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") || byte == UInt8(ascii: ".")
    }

    /// RFC 8259, section 6.
    static func isNumber(_ text: ArraySlice<UInt8>) -> Bool {
        var rest = text
        func isDigit(_ byte: UInt8?) -> Bool { byte.map { (0x30...0x39).contains($0) } ?? false }
        func digits() -> Bool {
            let isAny = isDigit(rest.first)
            rest = rest.drop { isDigit($0) }
            return isAny
        }
        if rest.first == UInt8(ascii: "-") { rest.removeFirst() }
        // No zero stands before other digits.
        if rest.first == UInt8(ascii: "0") { rest.removeFirst() } else if !digits() { return false }
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            guard digits() else { return false }
        }
        if let sign = rest.first, sign | 0x20 == UInt8(ascii: "e") {
            rest.removeFirst()
            if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
            guard digits() else { return false }
        }
        return rest.isEmpty
    }
}

extension JSONText {
    /// Stands on the opening quote, ends behind the closing one.
    private mutating func string() throws(JSONRejection) -> String {
        position += 1
        let start = position
        // Most strings have no escapes and are taken in one piece.
        while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { position += 1 }
        if next == UInt8(ascii: "\"") {
            let text = try validated(bytes[start..<position], at: start)
            position += 1
            return text
        }
        var unescaped = Array(bytes[start..<position])
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return try validated(unescaped[...], at: start)
            case UInt8(ascii: "\\"): unescaped += try escape()
            case ..<0x20: throw JSONRejection(offset: position - 1, reason: "has a control character in a string")
            default: unescaped.append(byte)
            }
        }
        throw rejection("expected the end of a string")
    }

    private func validated(_ text: ArraySlice<UInt8>, at start: Int) throws(JSONRejection) -> String {
        guard let string = String(validating: text, as: UTF8.self) else {
            throw JSONRejection(offset: start, reason: "has a string that is not UTF-8")
        }
        return string
    }

    /// What stands behind a backslash.
    private mutating func escape() throws(JSONRejection) -> [UInt8] {
        guard let byte = next else { throw rejection("expected the end of a string") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0c]
        case UInt8(ascii: "n"): return [0x0a]
        case UInt8(ascii: "r"): return [0x0d]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return Array(String(Character(try scalar())).utf8)
        default: throw JSONRejection(offset: position - 1, reason: "has an unknown escape in a string")
        }
    }

    private mutating func scalar() throws(JSONRejection) -> Unicode.Scalar {
        let first = try codeUnit()
        if let scalar = Unicode.Scalar(UInt32(first)) { return scalar }
        guard UTF16.isLeadSurrogate(first), next == UInt8(ascii: "\\"), position + 1 < bytes.count,
            bytes[position + 1] == UInt8(ascii: "u")
        else { throw rejection("has half a surrogate pair in a string") }
        position += 2
        let second = try codeUnit()
        guard UTF16.isTrailSurrogate(second) else { throw rejection("has half a surrogate pair in a string") }
        return UTF16.decode(UTF16.EncodedScalar([first, second]))
    }

    private mutating func codeUnit() throws(JSONRejection) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw rejection("expected four hexadecimal digits")
            }
            value = value << 4 | UInt16(digit)
            position += 1
        }
        return value
    }
}

extension JSONSpan {
    /// More than any network configuration has.
    package static let bytesMax = 1 << 20
    /// Levels of arrays and objects.
    static let nestingMax = 64

    /// The one value that the bytes are, with nothing but white space around it. An object that has a key twice is
    /// refused: two readers could take different ones.
    package init(reading bytes: [UInt8]) throws(JSONSpanError) {
        guard bytes.count <= Self.bytesMax else {
            throw JSONSpanError(offset: Self.bytesMax, reason: "expected at most \(Self.bytesMax) bytes")
        }
        var reader = SpanReader(bytes)
        self = try reader.whole()
    }
}

private struct SpanReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func error(_ reason: String) -> JSONSpanError { JSONSpanError(offset: position, reason: reason) }

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

    mutating func whole() throws(JSONSpanError) -> JSONSpan {
        skipSpace()
        let value = try self.value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw error("expected the end after the value") }
        return value
    }

    private mutating func value(depth: Int) throws(JSONSpanError) -> JSONSpan {
        guard depth <= JSONSpan.nestingMax else { throw error("is nested too deeply") }
        let start = position
        let content: JSONSpan.Content
        switch next {
        case UInt8(ascii: "{"): content = .object(try members(depth: depth))
        case UInt8(ascii: "["): content = .array(try elements(depth: depth))
        case UInt8(ascii: "\""): content = .string(try string())
        case .some: content = try word()
        case nil: throw error("expected a value, found the end")
        }
        return JSONSpan(range: start..<position, content: content)
    }

    private mutating func members(depth: Int) throws(JSONSpanError) -> [JSONSpan.Member] {
        position += 1
        skipSpace()
        var members: [JSONSpan.Member] = []
        var seen: Set<String> = []
        if next != UInt8(ascii: "}") {
            repeat {
                guard next == UInt8(ascii: "\"") else { throw error("expected a key in quotes") }
                let start = position
                let key = try string()
                guard seen.insert(key).inserted else { throw error("has the key \"\(key.prefix(64))\" twice") }
                guard take(UInt8(ascii: ":")) else { throw error("expected a colon after the key") }
                members.append(JSONSpan.Member(key: key, start: start, value: try value(depth: depth + 1)))
            } while take(UInt8(ascii: ","))
        }
        try close(UInt8(ascii: "}"))
        return members
    }

    private mutating func elements(depth: Int) throws(JSONSpanError) -> [JSONSpan] {
        position += 1
        skipSpace()
        var elements: [JSONSpan] = []
        if next != UInt8(ascii: "]") {
            repeat { elements.append(try value(depth: depth + 1)) } while take(UInt8(ascii: ","))
        }
        try close(UInt8(ascii: "]"))
        return elements
    }

    /// The bracket belongs to the value, white space behind it does not.
    private mutating func close(_ bracket: UInt8) throws(JSONSpanError) {
        skipSpace()
        guard next == bracket else { throw error("expected a comma or \(Character(Unicode.Scalar(bracket)))") }
        position += 1
    }

    private mutating func word() throws(JSONSpanError) -> JSONSpan.Content {
        let start = position
        while let byte = next, Self.isWordByte(byte) { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        switch text {
        case "null": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        default:
            guard Self.isNumber(text) else { throw JSONSpanError(offset: start, reason: "expected a value") }
            return .number(text)
        }
    }

    /// RFC 8259, section 6.
    private static func isNumber(_ text: String) -> Bool {
        func isDigits(_ part: Substring) -> Bool { !part.isEmpty && part.utf8.allSatisfy { (48...57).contains($0) } }
        let parts = text.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
        if parts.count == 2 {
            let exponent = parts[1].first == "+" || parts[1].first == "-" ? parts[1].dropFirst() : parts[1]
            guard isDigits(exponent) else { return false }
        }
        let mantissa = parts[0].first == "-" ? parts[0].dropFirst() : parts[0]
        let halves = mantissa.split(separator: ".", omittingEmptySubsequences: false)
        guard halves.count <= 2, halves.allSatisfy(isDigits) else { return false }
        return halves[0] == "0" || halves[0].first != "0"
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (0x61...0x7a).contains(byte | 0x20) || "+-.".utf8.contains(byte)
    }
}

extension SpanReader {
    /// Stands on the opening quote, ends behind the closing one.
    private mutating func string() throws(JSONSpanError) -> String {
        let start = position
        position += 1
        var content: [UInt8] = []
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: content, as: UTF8.self) else {
                    throw JSONSpanError(offset: start, reason: "has a string that is not UTF-8")
                }
                return text
            case UInt8(ascii: "\\"): content += try escape()
            case ..<0x20: throw JSONSpanError(offset: position - 1, reason: "has a control character in a string")
            default: content.append(byte)
            }
        }
        throw error("expected the end of a string")
    }

    private mutating func escape() throws(JSONSpanError) -> [UInt8] {
        guard let byte = next else { throw error("expected the end of a string") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0c]
        case UInt8(ascii: "n"): return [0x0a]
        case UInt8(ascii: "r"): return [0x0d]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return try scalar()
        default: throw error("has an unknown escape in a string")
        }
    }

    private mutating func scalar() throws(JSONSpanError) -> [UInt8] {
        var units = [try codeUnit()]
        if UTF16.isLeadSurrogate(units[0]), bytes[position...].starts(with: "\\u".utf8) {
            position += 2
            units.append(try codeUnit())
        }
        guard let text = String(validating: units, as: UTF16.self) else {
            throw error("has half a surrogate pair in a string")
        }
        return Array(text.utf8)
    }

    private mutating func codeUnit() throws(JSONSpanError) -> UInt16 {
        let digits = bytes[position...].prefix(4)
        guard digits.count == 4, digits.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
            let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw error("expected four hexadecimal digits") }
        position += 4
        return unit
    }
}

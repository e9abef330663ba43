extension PatternParser {
    /// Behind a backslash outside of a class.
    /// - Returns: whether a repetition may follow.
    mutating func parseEscape(into parts: inout [PatternNode]) throws(PatternError) -> Bool {
        if skip("Q") {
            takeQuoted(into: &parts)
            return true
        }
        let assertions: [(StaticString, Pattern.Assertion)] = [
            ("A", .start), ("z", .end), ("b", .wordBoundary), ("B", .noWordBoundary),
        ]
        for (letter, assertion) in assertions where skip(letter) {
            parts.append(.assert(assertion))
            return true
        }
        parts.append(.set(folded(try takeEscapedSet())))
        return true
    }

    /// Literal text up to `\E` or the end.
    private mutating func takeQuoted(into parts: inout [PatternNode]) {
        while index < bytes.count, !skip("\\E") { parts.append(takeCharacter()) }
    }

    /// Behind a backslash: a class such as `\d`, or one byte.
    private mutating func takeEscapedSet() throws(PatternError) -> ByteSet {
        guard let byte = peek else { throw .malformed("\\ at the end") }
        index += 1
        switch byte {
        case UInt8(ascii: "d"): return .digits
        case UInt8(ascii: "D"): return ByteSet.digits.inverted
        case UInt8(ascii: "w"): return .word
        case UInt8(ascii: "W"): return ByteSet.word.inverted
        case UInt8(ascii: "s"): return .space
        case UInt8(ascii: "S"): return ByteSet.space.inverted
        case UInt8(ascii: "t"): return ByteSet("\t")
        case UInt8(ascii: "n"): return ByteSet("\n")
        case UInt8(ascii: "r"): return ByteSet("\r")
        case UInt8(ascii: "f"): return ByteSet("\u{c}")
        case UInt8(ascii: "v"): return ByteSet("\u{b}")
        case UInt8(ascii: "a"): return ByteSet("\u{7}")
        case UInt8(ascii: "x"): return ByteSet([try takeHexadecimal()])
        default:
            guard byte < 0x80, !ByteSet.word.contains(byte) || byte == UInt8(ascii: "_") else {
                throw .unsupported("\\\(Character(UnicodeScalar(byte)))")
            }
            return ByteSet([byte])
        }
    }

    /// `7F` or `{7F}`, ASCII only.
    private mutating func takeHexadecimal() throws(PatternError) -> UInt8 {
        let isBraced = skip("{")
        let digits = bytes[index...].prefix { $0.hexadecimalValue != nil }.prefix(isBraced ? 8 : 2)
        index += digits.count
        guard isBraced ? !digits.isEmpty && skip("}") : digits.count == 2,
            let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw .malformed("\\x at \(index)") }
        guard let byte = UInt8(exactly: value), byte < 0x80 else { throw .unsupported("\\x above 7F") }
        return byte
    }

    /// Behind the opening bracket of a class.
    mutating func parseClass() throws(PatternError) -> ByteSet {
        let isInverted = skip("^")
        var set = ByteSet()
        var isFirst = true
        while isFirst || peek != UInt8(ascii: "]") {
            isFirst = false
            let low = try takeClassMember()
            guard let first = low.only, bytes[index...].first == UInt8(ascii: "-"),
                index + 1 < bytes.count, bytes[index + 1] != UInt8(ascii: "]")
            else {
                set = set.union(low)
                continue
            }
            index += 1
            guard let last = try takeClassMember().only, first <= last else {
                throw .malformed("range at \(index)")
            }
            set = set.union(ByteSet(first...last))
        }
        index += 1
        // Case is folded before a class is turned round: [^a] with the flag i takes neither a nor A.
        set = folded(set)
        return isInverted ? set.inverted : set
    }

    private mutating func takeClassMember() throws(PatternError) -> ByteSet {
        guard let byte = peek else { throw .malformed("[ without ]") }
        if skip("[:") { return try takeNamedClass() }
        index += 1
        if byte == UInt8(ascii: "\\") { return try takeEscapedSet() }
        guard byte < 0x80 else { throw .unsupported("characters outside of ASCII in a class") }
        return ByteSet([byte])
    }

    /// Behind `[:`.
    private mutating func takeNamedClass() throws(PatternError) -> ByteSet {
        let isInverted = skip("^")
        let letters = ByteSet.lower.union(.upper)
        let graph = ByteSet(0x21...0x7e)
        let names: [(StaticString, ByteSet)] = [
            ("alnum:]", letters.union(.digits)), ("alpha:]", letters), ("ascii:]", ByteSet(0...0x7f)),
            ("blank:]", ByteSet(" \t")), ("cntrl:]", ByteSet(0...0x1f).union(ByteSet([0x7f]))), ("digit:]", .digits),
            ("graph:]", graph), ("lower:]", .lower), ("print:]", graph.union(ByteSet(" "))),
            ("punct:]", ByteSet(graph.bytes.filter { !ByteSet.word.contains($0) || $0 == UInt8(ascii: "_") })),
            ("space:]", ByteSet.space.union(ByteSet("\u{b}"))), ("upper:]", .upper), ("word:]", .word),
            ("xdigit:]", ByteSet.digits.union(ByteSet("abcdefABCDEF"))),
        ]
        for (name, set) in names where skip(name) { return isInverted ? set.inverted : set }
        throw .unsupported("class [: at \(index)")
    }
}

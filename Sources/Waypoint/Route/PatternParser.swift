/// Reads the dialect of ``Pattern``.
struct PatternParser {
    static let depthMax = 64
    /// Most repetitions a count may ask for, as in RE2.
    private static let repetitionsMax = 1000

    private struct Flags {
        var foldsCase = false
        var dotTakesNewline = false
    }

    let bytes: [UInt8]
    var index = 0
    private var flags = Flags()
    private var depth = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    mutating func parse() throws(PatternError) -> PatternNode {
        let node = try parseChoice()
        guard index == bytes.count else { throw .malformed(") without (") }
        return node
    }

    var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

    mutating func skip(_ text: StaticString) -> Bool {
        let wanted = Array(text.description.utf8)
        guard bytes[index...].starts(with: wanted) else { return false }
        index += wanted.count
        return true
    }

    /// Alternatives up to the end or a closing parenthesis. Flags that they set end with them.
    private mutating func parseChoice() throws(PatternError) -> PatternNode {
        depth += 1
        guard depth <= Self.depthMax else { throw .tooDeep }
        let outer = flags
        var alternatives: [PatternNode] = []
        repeat { alternatives.append(try parseSequence()) } while skip("|")
        flags = outer
        depth -= 1
        return alternatives.count == 1 ? alternatives[0] : .choice(alternatives)
    }

    private mutating func parseSequence() throws(PatternError) -> PatternNode {
        var parts: [PatternNode] = []
        while let byte = peek, byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
            let isRepeatable = try parseAtoms(into: &parts)
            try parseRepetition(&parts, isRepeatable: isRepeatable)
        }
        return .sequence(parts)
    }

    /// Puts behind `parts` what the next characters stand for.
    /// - Returns: whether a repetition may follow.
    private mutating func parseAtoms(into parts: inout [PatternNode]) throws(PatternError) -> Bool {
        let byte = bytes[index]
        switch byte {
        case UInt8(ascii: "("): return try parseGroup(into: &parts)
        case UInt8(ascii: "["):
            index += 1
            parts.append(.set(try parseClass()))
        case UInt8(ascii: "."):
            index += 1
            parts.append(.set(flags.dotTakesNewline ? .all : ByteSet("\n").inverted))
        case UInt8(ascii: "^"):
            index += 1
            parts.append(.assert(.start))
        case UInt8(ascii: "$"):
            index += 1
            parts.append(.assert(.end))
        case UInt8(ascii: "\\"):
            index += 1
            return try parseEscape(into: &parts)
        case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"):
            throw .malformed("nothing to repeat at \(index)")
        default: parts.append(takeCharacter())
        }
        return true
    }

    /// One character; of several bytes when it is not ASCII.
    mutating func takeCharacter() -> PatternNode {
        var units: [PatternNode] = []
        repeat {
            units.append(.set(folded(ByteSet([bytes[index]]))))
            index += 1
        } while peek.map { $0 & 0xc0 == 0x80 } == true
        return units.count == 1 ? units[0] : .sequence(units)
    }

    func folded(_ set: ByteSet) -> ByteSet { flags.foldsCase ? set.foldingCase : set }

    private mutating func parseGroup(into parts: inout [PatternNode]) throws(PatternError) -> Bool {
        index += 1
        let outer = flags
        if skip("?P<") || (bytes[index...].starts(with: "?<".utf8) && !isLookBehind && skip("?<")) {
            guard let end = bytes[index...].firstIndex(of: UInt8(ascii: ">")), end > index,
                bytes[index..<end].allSatisfy(ByteSet.word.contains)
            else { throw .malformed("name of a group at \(index)") }
            index = end + 1
        } else if skip("?") {
            guard try parseFlags() else { return false }
        }
        let group = try parseChoice()
        guard skip(")") else { throw .malformed("( without )") }
        flags = outer
        parts.append(group)
        return true
    }

    private var isLookBehind: Bool {
        bytes[index...].starts(with: "?<=".utf8) || bytes[index...].starts(with: "?<!".utf8)
    }

    /// Behind `(?`.
    /// - Returns: whether a group follows; otherwise the flags hold to the end of the group around them.
    private mutating func parseFlags() throws(PatternError) -> Bool {
        var isOn = true
        while let byte = peek {
            index += 1
            switch byte {
            case UInt8(ascii: "i"): flags.foldsCase = isOn
            case UInt8(ascii: "s"): flags.dotTakesNewline = isOn
            // Greed decides what a group captures, never whether the whole matches.
            case UInt8(ascii: "U"): continue
            case UInt8(ascii: "-"): isOn = false
            case UInt8(ascii: ":"): return true
            case UInt8(ascii: ")"): return false
            default: throw .unsupported("(?\(Character(UnicodeScalar(byte)))")
            }
        }
        throw .malformed("( without )")
    }

    /// `*`, `+`, `?`, `{m}`, `{m,}`, `{m,n}` for the last part, each perhaps with a `?` that changes nothing here.
    private mutating func parseRepetition(
        _ parts: inout [PatternNode], isRepeatable: Bool
    ) throws(PatternError) {
        guard let range = try takeRepetition() else { return }
        guard isRepeatable, let part = parts.popLast() else { throw .malformed("nothing to repeat at \(index)") }
        _ = skip("?")
        parts.append(.repeated(part, minimum: range.minimum, maximum: range.maximum))
        guard try takeRepetition() == nil else { throw .malformed("repetition of a repetition at \(index)") }
    }

    private mutating func takeRepetition() throws(PatternError) -> (minimum: Int, maximum: Int?)? {
        if skip("*") { return (0, nil) }
        if skip("+") { return (1, nil) }
        if skip("?") { return (0, 1) }
        let start = index
        // As in RE2, a brace that begins no count is a brace.
        guard skip("{"), let minimum = takeNumber() else {
            index = start
            return nil
        }
        var maximum: Int? = minimum
        if skip(",") { maximum = takeNumber() }
        guard skip("}") else {
            index = start
            return nil
        }
        guard minimum <= Self.repetitionsMax, maximum ?? minimum <= Self.repetitionsMax else { throw .tooLarge }
        guard minimum <= maximum ?? minimum else { throw .malformed("counts at \(start)") }
        return (minimum, maximum)
    }

    private mutating func takeNumber() -> Int? {
        let digits = bytes[index...].prefix(while: ByteSet.digits.contains)
        guard !digits.isEmpty else { return nil }
        index += digits.count
        return digits.count > 4 ? Self.repetitionsMax + 1 : Int(String(decoding: digits, as: UTF8.self))
    }
}

/// Looks at the text before the YAML parser does. The parser compares the keys of a mapping by their whole content,
/// so a key that is a collection of aliases would cost exponential time, and nested explicit keys quadratic time.
/// Resources have neither. The look is coarse: it may refuse a text where such signs stand inside of strings.
enum YAMLGuard {
    static func check(_ text: String) throws(YAMLRejection) {
        let signs = Signs(bytes: text.utf8.span)
        guard signs.separators <= ResourceFileLimits.separatorsMax else {
            let reason = "has more than \(ResourceFileLimits.separatorsMax) values: split it"
            throw YAMLRejection(line: 1, reason: reason)
        }
        let explicitKeys = signs.explicitKeys
        guard explicitKeys * text.utf8.count <= ResourceFileLimits.explicitKeyBytesMax else {
            let reason = "has \(explicitKeys) keys written with \"? \": expected NAME: VALUE"
            throw YAMLRejection(line: signs.explicitKeyLine, reason: reason)
        }
        guard signs.hasAnchor, signs.hasAlias else { return }
        if let line = signs.aliasKeyLine ?? (explicitKeys > 0 ? signs.explicitKeyLine : nil) {
            throw YAMLRejection(line: line, reason: "has an alias in a key: write the key out")
        }
    }

    private struct Signs {
        var separators = 0
        var explicitKeys = 0
        var explicitKeyLine = 1
        var hasAnchor = false
        var hasAlias = false
        var aliasKeyLine: Int?

        init(bytes: Span<UInt8>) {
            var line = 1
            var lineHasAlias = false
            for index in bytes.indices {
                let byte = bytes[index]
                switch byte {
                case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                    if byte == UInt8(ascii: "\n") { line += 1 }
                    lineHasAlias = false
                    separators += 1
                case UInt8(ascii: ","): separators += 1
                case UInt8(ascii: "&"):
                    if Self.isName(bytes, index) { hasAnchor = true }
                case UInt8(ascii: "*"):
                    if Self.isName(bytes, index) {
                        hasAlias = true
                        lineHasAlias = true
                    }
                case UInt8(ascii: ":"):
                    if lineHasAlias, aliasKeyLine == nil, Self.endsKey(bytes, index) { aliasKeyLine = line }
                case UInt8(ascii: "?"):
                    if Self.isIndicator(bytes, index) {
                        explicitKeys += 1
                        explicitKeyLine = line
                    }
                default: break
                }
            }
        }

        /// The sign opens the name of an anchor or alias: it stands where a token begins, and after the name one ends.
        private static func isName(_ bytes: Span<UInt8>, _ sign: Int) -> Bool {
            if sign > 0, !isSpace(bytes[sign - 1]), !"[{,:".utf8.contains(bytes[sign - 1]) { return false }
            var end = sign + 1
            while isNameByte(bytes, end) {
                end += 1
            }
            guard end > sign + 1 else { return false }
            return end == bytes.count || isSpace(bytes[end]) || "?:,]}%@`".utf8.contains(bytes[end])
        }

        /// What such a name is made of.
        private static func isNameByte(_ bytes: Span<UInt8>, _ index: Int) -> Bool {
            guard index < bytes.count else { return false }
            let byte = bytes[index]
            return byte >= 0x80 || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }

        private static func isSpace(_ byte: UInt8) -> Bool { byte <= UInt8(ascii: " ") }

        /// Stands where a token begins and has a blank after it.
        private static func isIndicator(_ bytes: Span<UInt8>, _ index: Int) -> Bool {
            let endsHere = index + 1 == bytes.count || isSpace(bytes[index + 1])
            guard endsHere, index > 0 else { return endsHere }
            let before = bytes[index - 1]
            return isSpace(before) || "[{,".utf8.contains(before)
        }

        /// The colon ends a key that is a collection or an alias: before it, past blanks, stands a bracket, or a name
        /// that a `*` opens.
        private static func endsKey(_ bytes: Span<UInt8>, _ colon: Int) -> Bool {
            var index = colon - 1
            while index >= 0, bytes[index] == UInt8(ascii: " ") || bytes[index] == UInt8(ascii: "\t") {
                index -= 1
            }
            guard index >= 0 else { return false }
            if bytes[index] == UInt8(ascii: "]") || bytes[index] == UInt8(ascii: "}") { return true }
            while index >= 0, isNameByte(bytes, index) {
                index -= 1
            }
            return index >= 0 && bytes[index] == UInt8(ascii: "*")
        }
    }
}

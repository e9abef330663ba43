/// Blanks out what is no code. Understands line and nested block comments, plain, raw and multi-line strings, and
/// interpolations in them (whose contents are code and stay).
enum SwiftScanner {
    static func code(_ text: String) -> String {
        var scanner = Scan(text: Array(text.utf8))
        scanner.scanCode(until: nil)
        return String(decoding: scanner.output, as: UTF8.self)
    }

    private struct Scan {
        let text: [UInt8]
        var output: [UInt8] = []
        var index = 0

        /// Bytes at which comments, strings and parentheses begin or end.
        private static let beginnings = Array("/\"#()".utf8)

        init(text: [UInt8]) {
            self.text = text
            output.reserveCapacity(text.count)
        }

        func has(_ wanted: String) -> Bool { text[index...].starts(with: wanted.utf8) }

        mutating func keep() {
            output.append(text[index])
            index += 1
        }

        mutating func blank(_ count: Int = 1) {
            for _ in 0..<count where index < text.count {
                output.append(text[index] == UInt8(ascii: "\n") ? text[index] : UInt8(ascii: " "))
                index += 1
            }
        }

        /// Until the parenthesis that closes an interpolation, or the end.
        mutating func scanCode(until closing: UInt8?) {
            var depth = 0
            while index < text.count {
                if !Self.beginnings.contains(text[index]) {
                    keep()
                } else if has("//") {
                    while index < text.count, text[index] != UInt8(ascii: "\n") { blank() }
                } else if has("/*") {
                    scanBlockComment()
                } else if text[index] == UInt8(ascii: "\"") || text[index] == UInt8(ascii: "#"), startsString() {
                    scanString()
                } else {
                    if text[index] == UInt8(ascii: "(") { depth += 1 }
                    if text[index] == UInt8(ascii: ")") {
                        if closing != nil, depth == 0 { return }
                        depth -= 1
                    }
                    keep()
                }
            }
        }

        mutating func scanBlockComment() {
            var depth = 0
            repeat {
                if has("/*") {
                    depth += 1
                    blank(2)
                } else if has("*/") {
                    depth -= 1
                    blank(2)
                } else {
                    blank()
                }
            } while depth > 0 && index < text.count
        }

        func startsString() -> Bool {
            var ahead = index
            while ahead < text.count, text[ahead] == UInt8(ascii: "#") { ahead += 1 }
            return ahead < text.count && text[ahead] == UInt8(ascii: "\"")
        }

        mutating func scanString() {
            var hashes = ""
            while has("#") {
                hashes += "#"
                keep()
            }
            let isMultiline = has("\"\"\"")
            let end = (isMultiline ? "\"\"\"" : "\"") + hashes
            for _ in 0..<(isMultiline ? 3 : 1) { keep() }
            while index < text.count {
                if has("\\\(hashes)(") {
                    blank(hashes.utf8.count + 1)
                    keep()
                    scanCode(until: UInt8(ascii: ")"))
                    if index < text.count { keep() }
                } else if hashes.isEmpty, has("\\") {
                    blank(2)
                } else if has(end) {
                    for _ in end.utf8 { keep() }
                    return
                } else if !isMultiline, has("\n") {
                    return
                } else {
                    blank()
                }
            }
        }
    }
}

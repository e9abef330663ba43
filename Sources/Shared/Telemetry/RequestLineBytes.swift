/// Values of peers in Envoy's line: what they hold can neither end a field nor a line.
extension [UInt8] {
    /// A field without quotes, and the space behind it. White space and control characters become underscores.
    mutating func append(plain text: String?) {
        guard let text, !text.isEmpty else { return append(text: "- ") }
        for byte in text.utf8.prefix(TelemetryLimits.logValueBytesMax) {
            append(byte <= 0x20 || byte == 0x7f || byte == UInt8(ascii: "\"") ? UInt8(ascii: "_") : byte)
        }
        append(UInt8(ascii: " "))
    }

    /// A field in quotes, and the space behind it.
    mutating func append(quotedField text: String?) {
        append(UInt8(ascii: "\""))
        append(escaped: text, escapesSpaces: false)
        append(text: "\" ")
    }

    /// Text between quotes: what could end them or the line is written `\xHH`.
    mutating func append(escaped text: String?, escapesSpaces: Bool) {
        guard let text, !text.isEmpty else { return append(UInt8(ascii: "-")) }
        for byte in text.utf8.prefix(TelemetryLimits.logValueBytesMax) {
            switch byte {
            case 0..<0x20, 0x7f, UInt8(ascii: "\""), UInt8(ascii: "\\"): append(hexEscaped: byte)
            case 0x20 where escapesSpaces: append(hexEscaped: byte)
            default: append(byte)
            }
        }
    }

    private mutating func append(hexEscaped byte: UInt8) {
        let digits = Array("0123456789abcdef".utf8)
        append(text: "\\x")
        append(digits[Int(byte >> 4)])
        append(digits[Int(byte & 15)])
    }

    /// As `append(rfc3339:)`, with milliseconds, as Envoy writes times.
    mutating func append(rfc3339Milliseconds microseconds: Int64) {
        append(rfc3339: microseconds)
        removeLast(4)
        append(UInt8(ascii: "Z"))
    }
}

internal import MeshModel

/// Text as bytes of a log line, written without Foundation and without intermediate strings.
extension [UInt8] {
    mutating func append(text: String) { append(contentsOf: text.utf8) }

    mutating func append(decimal value: Int) {
        if value < 0 { append(UInt8(ascii: "-")) }
        append(digitsOf: value.magnitude, width: 1)
    }

    /// Zero-padded to `width` digits; `value` is not negative.
    mutating func append(decimal value: Int, width: Int) { append(digitsOf: value.magnitude, width: width) }

    private mutating func append(digitsOf value: UInt, width: Int) {
        var (rest, first) = (value, count)
        repeat {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0 || count - first < width
        var last = count - 1
        while first < last {
            swapAt(first, last)
            (first, last) = (first + 1, last - 1)
        }
    }

    /// As its description, without making one.
    mutating func append(_ address: TransportAddress) {
        if address.ip.family == .v4 {
            for shift in stride(from: UInt64(24), to: 0, by: -8) {
                append(decimal: Int(address.ip.low >> shift & 255))
                append(UInt8(ascii: "."))
            }
            append(decimal: Int(address.ip.low & 255))
        } else {
            append(text: "[\(address.ip)]")
        }
        append(UInt8(ascii: ":"))
        append(decimal: Int(address.port))
    }

    /// As its description, without making one.
    mutating func append(_ identity: Identity) {
        append(text: "spiffe://")
        append(text: identity.trustDomain)
        append(text: "/ns/")
        append(text: identity.namespace)
        append(text: "/sa/")
        append(text: identity.serviceAccount)
    }

    /// A JSON string with its quotes (RFC 8259 section 7). DEL is escaped too: terminals act on it.
    mutating func append(quoted text: String, bytesMax: Int = TelemetryLimits.logValueBytesMax) {
        append(UInt8(ascii: "\""))
        defer { append(UInt8(ascii: "\"")) }
        // Nearly every value is like this; copying it whole is several times faster.
        if text.utf8.count <= bytesMax, text.utf8.allSatisfy(Self.needsNoEscape) { return append(text: text) }
        var written = 0
        for byte in text.utf8 {
            // Cut only between characters: a continuation byte of UTF-8 still belongs to what was written.
            if written >= bytesMax, byte & 0xc0 != 0x80 {
                append(text: "...")
                break
            }
            append(escaped: byte)
            written += 1
        }
    }

    private static func needsNoEscape(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") && byte != 0x7f
    }

    private mutating func append(escaped byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): append(text: "\\\"")
        case UInt8(ascii: "\\"): append(text: "\\\\")
        case UInt8(ascii: "\n"): append(text: "\\n")
        case UInt8(ascii: "\r"): append(text: "\\r")
        case UInt8(ascii: "\t"): append(text: "\\t")
        case 0..<0x20, 0x7f:
            append(text: "\\u00")
            append(hexDigit: byte >> 4)
            append(hexDigit: byte & 15)
        default: append(byte)
        }
    }

    mutating func append(hexDigit value: UInt8) {
        append(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10)
    }

    /// `2026-01-31T23:59:59.000001Z` (RFC 3339, UTC). Years before 0 and after 9999 are clamped to their ends.
    mutating func append(rfc3339 microseconds: Int64) {
        let clamped = Swift.min(Swift.max(microseconds, -62_167_219_200_000_000), 253_402_300_799_999_999)
        let micros = Int(clamped)
        let day = micros.flooredQuotient(by: 86_400_000_000)
        let inDay = micros - day * 86_400_000_000
        let date = CivilDate(dayOfUnixTime: day)
        append(decimal: date.year, width: 4)
        append(UInt8(ascii: "-"))
        append(decimal: date.month, width: 2)
        append(UInt8(ascii: "-"))
        append(decimal: date.day, width: 2)
        append(UInt8(ascii: "T"))
        append(decimal: inDay / 3_600_000_000, width: 2)
        append(UInt8(ascii: ":"))
        append(decimal: inDay / 60_000_000 % 60, width: 2)
        append(UInt8(ascii: ":"))
        append(decimal: inDay / 1_000_000 % 60, width: 2)
        append(UInt8(ascii: "."))
        append(decimal: inDay % 1_000_000, width: 6)
        append(UInt8(ascii: "Z"))
    }
}

/// A day of the Gregorian calendar.
struct CivilDate: Hashable {
    let year: Int
    let month: Int
    let day: Int

    /// Days since 1970-01-01. Counted in 400-year eras that begin on 1 March, so the leap day is a year's last.
    init(dayOfUnixTime: Int) {
        let shifted = dayOfUnixTime + 719_468
        let era = shifted.flooredQuotient(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }
}

extension Int {
    fileprivate func flooredQuotient(by divisor: Int) -> Int {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}

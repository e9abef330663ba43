/// Readers of single setting values. Each gives `nil` for what it cannot read, and never guesses.
package enum SettingText {
    /// `10s`, `5m`, `1h30m`, `100ms`: whole numbers with units d, h, m, s, ms, us from large to small, each at most
    /// once. At most 100 years.
    package static func duration(_ text: String) -> Duration? {
        let microsecondsByUnit: [(unit: String, microseconds: Int64)] = [
            ("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1000), ("us", 1),
        ]
        var rest = text.utf8[...]
        var units = microsecondsByUnit[...]
        var total: Int64 = 0
        repeat {
            let digits = rest.prefix { (48...57).contains($0) }
            rest = rest.dropFirst(digits.count)
            let letters = rest.prefix { (97...122).contains($0) }
            rest = rest.dropFirst(letters.count)
            guard let number = Int64(String(Substring(digits))),
                let index = units.firstIndex(where: { $0.unit.utf8.elementsEqual(letters) })
            else { return nil }
            let (part, overflowsPart) = number.multipliedReportingOverflow(by: units[index].microseconds)
            let (sum, overflowsSum) = total.addingReportingOverflow(part)
            guard !overflowsPart, !overflowsSum, sum <= 36_525 * 86_400_000_000 else { return nil }
            total = sum
            units = units[(index + 1)...]
        } while !rest.isEmpty
        return .microseconds(total)
    }

    /// `true` or `false`.
    package static func bool(_ text: String) -> Bool? {
        switch text {
        case "true": return true
        case "false": return false
        default: return nil
        }
    }

    /// A whole decimal number without sign.
    package static func number(_ text: String) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int(text)
    }

    /// Bytes: a whole number, or one with Ki, Mi or Gi (optionally followed by B).
    package static func size(_ text: String) -> Int? {
        let digits = text.utf8.prefix { (48...57).contains($0) }
        guard let number = number(String(Substring(digits))) else { return nil }
        let factor: Int
        switch String(text.dropFirst(digits.count)) {
        case "", "B": factor = 1
        case "Ki", "KiB": factor = 1 << 10
        case "Mi", "MiB": factor = 1 << 20
        case "Gi", "GiB": factor = 1 << 30
        default: return nil
        }
        let (bytes, overflows) = number.multipliedReportingOverflow(by: factor)
        return overflows ? nil : bytes
    }
}

extension MapReader {
    /// A duration as Istio takes it: numbers, perhaps with decimals, each with a unit of h, m, s, ms, us or ns.
    mutating func time(_ key: String) -> Duration? {
        guard let line = node(key)?.line, let text = text(key) else { return nil }
        if let duration = Self.time(text) { return duration }
        complain(line, field(key), "expected a duration such as 10s or 1.5s, found \"\(text.prefix(64))\"")
        return nil
    }

    static func time(_ text: String) -> Duration? {
        if text == "0" { return .zero }
        guard !text.isEmpty, text.utf8.count <= 64 else { return nil }
        var rest = text[...]
        var total = Duration.zero
        while !rest.isEmpty {
            let digits = rest.prefix { "0123456789.".contains($0) }
            let unit = rest.dropFirst(digits.count).prefix { "hmsun".contains($0) }
            guard let number = Double(digits), number.isFinite, let seconds = units[String(unit)],
                number * seconds < 1e9
            else { return nil }
            total += .nanoseconds(Int64((number * seconds * 1e9).rounded()))
            guard total < .seconds(1_000_000_000) else { return nil }
            rest = rest.dropFirst(digits.count + unit.count)
        }
        return total
    }

    private static let units: [String: Double] = [
        "h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9,
    ]

    /// A number that may have decimals.
    mutating func number(_ key: String, _ range: ClosedRange<Double>) -> Double? {
        // Istio's wrappers of numbers are written as plain numbers too.
        guard let line = node(key)?.line, let text = text(key) else { return nil }
        if let number = Double(text), range.contains(number) { return number }
        let expected = "expected a number from \(range.lowerBound) to \(range.upperBound)"
        complain(line, field(key), "\(expected), found \"\(text.prefix(64))\"")
        return nil
    }

    /// Known fields that are not heeded: a problem for each that is written.
    mutating func refuse(_ keys: [String], _ reason: String) {
        for key in keys {
            if let line = node(key)?.line { complain(line, field(key), reason) }
        }
    }
}

extension IPAddress: CustomStringConvertible, LosslessStringConvertible {
    /// Parses dotted IPv4 or RFC 4291 IPv6 text (with `::` and a dotted tail). No zone index, no brackets, no
    /// leading zeros in IPv4.
    package init?(_ text: some StringProtocol) {
        if text.utf8.contains(UInt8(ascii: ":")) {
            guard let parsed = Self.parseV6(Array(text.utf8)) else { return nil }
            self = parsed
        } else {
            guard let bits = Self.parseV4(text.utf8) else { return nil }
            self.init(v4: bits)
        }
    }

    package init?(_ description: String) {
        self.init(description[...])
    }

    /// Canonical text: dotted IPv4, RFC 5952 IPv6.
    package var description: String {
        switch family {
        case .v4:
            return "\(low >> 24 & 255).\(low >> 16 & 255).\(low >> 8 & 255).\(low & 255)"
        case .v6:
            return Self.describeV6(groups)
        }
    }

    private var groups: [UInt16] {
        (0..<8).map { index in
            let half = index < 4 ? high : low
            return UInt16(truncatingIfNeeded: half >> UInt64(48 - 16 * (index % 4)))
        }
    }

    private static func parseV4(_ text: some Collection<UInt8>) -> UInt32? {
        var bits: UInt32 = 0
        var parts = 0
        var value: UInt32 = 0
        var digits = 0
        for byte in text {
            if byte == UInt8(ascii: ".") {
                guard digits > 0, parts < 3 else { return nil }
                bits = bits << 8 | value
                (parts, value, digits) = (parts + 1, 0, 0)
                continue
            }
            // No leading zeros: some readers take them for octal.
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), digits == 0 || value > 0 else { return nil }
            value = value * 10 + UInt32(byte - UInt8(ascii: "0"))
            digits += 1
            guard value <= 255 else { return nil }
        }
        guard parts == 3, digits > 0 else { return nil }
        return bits << 8 | value
    }

    private static func parseV6(_ text: [UInt8]) -> IPAddress? {
        guard text.count <= 45 else { return nil }
        let colon = UInt8(ascii: ":")
        var gap: Int?
        for index in text.indices.dropLast() where text[index] == colon && text[index + 1] == colon {
            guard gap == nil else { return nil }
            gap = index
        }
        let head: [UInt16]
        let tail: [UInt16]
        if let gap {
            guard let left = parseGroups(text[..<gap], isEnd: false), let right = parseGroups(text[(gap + 2)...])
            else { return nil }
            guard left.count + right.count <= 7, !text[(gap + 2)...].starts(with: [colon]) else { return nil }
            (head, tail) = (left, right)
        } else {
            guard let all = parseGroups(text[...]), all.count == 8 else { return nil }
            (head, tail) = (all, [])
        }
        let groups = head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail
        let high = groups[..<4].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
        let low = groups[4...].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
        return IPAddress(v6High: high, low: low)
    }

    /// Dotted IPv4 may stand only at the end of the whole address.
    private static func parseGroups(_ text: ArraySlice<UInt8>, isEnd: Bool = true) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if isEnd, index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                guard let bits = parseV4(part) else { return nil }
                groups += [UInt16(truncatingIfNeeded: bits >> 16), UInt16(truncatingIfNeeded: bits)]
                continue
            }
            guard (1...4).contains(part.count), let digits = String(validating: part, as: UTF8.self),
                digits.allSatisfy(\.isHexDigit), let value = UInt16(digits, radix: 16)
            else { return nil }
            groups.append(value)
        }
        return groups.count <= 8 ? groups : nil
    }

    private static func describeV6(_ groups: [UInt16]) -> String {
        if groups[..<5].allSatisfy({ $0 == 0 }), groups[5] == 0xffff {
            return "::ffff:\(groups[6] >> 8).\(groups[6] & 255).\(groups[7] >> 8).\(groups[7] & 255)"
        }
        var best = 0..<0
        var index = 0
        while index < 8 {
            var end = index
            while end < 8, groups[end] == 0 { end += 1 }
            if end - index > best.count { best = index..<end }
            index = max(end, index + 1)
        }
        let text = { (part: ArraySlice<UInt16>) in part.map { String($0, radix: 16) }.joined(separator: ":") }
        guard best.count >= 2 else { return text(groups[...]) }
        return text(groups[..<best.lowerBound]) + "::" + text(groups[best.upperBound...])
    }
}

/// Integers with a prefix of some bits. Source: RFC 7541 section 5.1.
enum HPACKInteger {
    /// Indexes, lengths and table sizes of any block are below it.
    static let maximum = 1 << 28

    /// Reads one whose first byte is at `place`, which moves behind it.
    /// - Parameter prefixBits: 1 to 7; the bits before them are another's.
    static func read(
        _ input: Span<UInt8>, _ place: inout Int, prefixBits: Int
    ) throws(FieldBlockError) -> Int {
        guard place < input.count else { throw .truncated }
        let limit = (1 << prefixBits) - 1
        var value = Int(input[place]) & limit
        place += 1
        guard value == limit else { return value }
        // Zeros may follow without end: what is read is bounded by the shift.
        var shift = 0
        while true {
            guard place < input.count else { throw .truncated }
            guard shift <= 28 else { throw .integerTooLarge }
            let byte = input[place]
            place += 1
            value += Int(byte & 0x7f) << shift
            guard value <= maximum else { throw .integerTooLarge }
            guard byte & 0x80 != 0 else { return value }
            shift += 7
        }
    }

    /// Writes one.
    /// - Parameter pattern: the bits of the first byte before the prefix.
    static func write(_ value: Int, pattern: UInt8, prefixBits: Int, to output: inout [UInt8]) {
        let limit = (1 << prefixBits) - 1
        guard value >= limit else { return output.append(pattern | UInt8(truncatingIfNeeded: value)) }
        output.append(pattern | UInt8(truncatingIfNeeded: limit))
        var rest = value - limit
        while rest >= 0x80 {
            output.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        output.append(UInt8(truncatingIfNeeded: rest))
    }
}

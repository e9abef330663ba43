/// The Huffman code for strings. Codes of one length ascend with their symbols, and longer ones lie behind shorter
/// ones, so that the lengths alone say what every code is. Source: RFC 7541 section 5.2 and appendix B.
/// A class: every string looks at it, and counting one reference is cheaper than four.
final class HuffmanCode: Sendable {
    static let standard = HuffmanCode()

    /// Bits of the code of each byte; the last is that of the end, which no string may hold.
    private static let lengths: [UInt8] = [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
        28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
        5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7,
        7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7,
        7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
        24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
        23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
        21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
        26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
    ]
    private static let end = 256
    private static let bitsMax = 30

    /// Of each symbol, in its low bits.
    private let codes: [UInt32]
    /// By the first 8 bits: the symbol in the low byte and its length above; 0 for those that are longer.
    private let short: [UInt16]
    /// Symbols in the order of their codes.
    private let symbols: [Int]
    /// By length: its first code, the number of its codes, and where their symbols begin.
    private let ranks: [(first: UInt32, count: UInt32, start: Int)]

    private init() {
        let lengths = Self.lengths
        let symbols = lengths.indices.sorted { (lengths[$0], $0) < (lengths[$1], $1) }
        var codes: [UInt32] = Array(repeating: 0, count: lengths.count)
        var short: [UInt16] = Array(repeating: 0, count: 256)
        var ranks: [(first: UInt32, count: UInt32, start: Int)] = Array(
            repeating: (0, 0, 0), count: Self.bitsMax + 1)
        var code: UInt32 = 0
        var bits = 0
        for (place, symbol) in symbols.enumerated() {
            let length = Int(lengths[symbol])
            code <<= UInt32(length - bits)
            bits = length
            if ranks[length].count == 0 { ranks[length] = (code, 0, place) }
            ranks[length].count += 1
            codes[symbol] = code
            if length <= 8 {
                let first = Int(code) << (8 - length)
                for place in first..<(first + (1 << (8 - length))) { short[place] = UInt16(length << 8 | symbol) }
            }
            code += 1
        }
        self.symbols = symbols
        self.codes = codes
        self.short = short
        self.ranks = ranks
    }

    /// Bytes that a string has in this code.
    func encodedCount(_ text: ArraySlice<UInt8>) -> Int {
        let lengths = Self.lengths
        var bits = 0
        for byte in text { bits += Int(lengths[Int(byte)]) }
        return (bits + 7) / 8
    }

    func encode(_ text: ArraySlice<UInt8>, to output: inout [UInt8]) {
        let lengths = Self.lengths
        var window: UInt64 = 0
        var bits = 0
        for byte in text {
            let length = Int(lengths[Int(byte)])
            window = window << UInt64(length) | UInt64(codes[Int(byte)])
            bits += length
            while bits >= 8 {
                bits -= 8
                output.append(UInt8(truncatingIfNeeded: window >> UInt64(bits)))
            }
        }
        guard bits > 0 else { return }
        output.append(UInt8(truncatingIfNeeded: window << UInt64(8 - bits)) | (0xff >> UInt8(bits)))
    }

    /// Appends the bytes of an encoded string.
    func decode(_ input: Span<UInt8>, to output: inout [UInt8]) throws(FieldBlockError) {
        // No code has less than 5 bits.
        try output.append(addingCapacity: input.count * 8 / 5) {
            (bytes: inout OutputSpan<UInt8>) throws(FieldBlockError) in
            try decode(input, into: &bytes)
        }
    }

    private func decode(_ input: Span<UInt8>, into output: inout OutputSpan<UInt8>) throws(FieldBlockError) {
        let short = short
        var window: UInt64 = 0
        var bits = 0
        for place in input.indices {
            window = window << 8 | UInt64(input[place])
            bits += 8
            while bits >= 8 {
                let entry = short[Int((window >> UInt64(bits - 8)) & 0xff)]
                if entry != 0 {
                    output.append(UInt8(truncatingIfNeeded: entry))
                    bits -= Int(entry >> 8)
                } else if let (symbol, length) = try long(window, bits) {
                    output.append(symbol)
                    bits -= length
                } else {
                    break
                }
            }
        }
        // What is left is a last code of less than 8 bits and the first bits of the code for the end.
        while bits > 0 {
            let mask: UInt64 = (1 << UInt64(bits)) - 1
            if bits < 8, window & mask == mask { return }
            guard bits < 8 else { throw .huffman }
            let entry = short[Int((window << UInt64(8 - bits)) & 0xff)]
            let length = Int(entry >> 8)
            guard length > 0, length <= bits else { throw .huffman }
            output.append(UInt8(truncatingIfNeeded: entry))
            bits -= length
        }
    }

    /// The first code of a window, one of more than 8 bits; `nil`: it needs more of them.
    private func long(_ window: UInt64, _ bits: Int) throws(FieldBlockError) -> (UInt8, Int)? {
        var length = 9
        while length <= min(bits, Self.bitsMax) {
            let code = UInt32(truncatingIfNeeded: (window >> UInt64(bits - length)) & ((1 << UInt64(length)) - 1))
            let rank = ranks[length]
            if rank.count > 0, code >= rank.first, code - rank.first < rank.count {
                let symbol = symbols[rank.start + Int(code - rank.first)]
                guard symbol != Self.end else { throw .huffman }
                return (UInt8(truncatingIfNeeded: symbol), length)
            }
            length += 1
        }
        guard bits < Self.bitsMax else { throw .huffman }
        return nil
    }
}

/// Lines of a stream that comes in pieces, each at most so long. A last line without an end is not one.
struct LineSplitter: Sendable {
    private var rest: [UInt8] = []
    private let lineBytesMax: Int

    init(lineBytesMax: Int) { self.lineBytesMax = lineBytesMax }

    /// The lines that the piece completes, without their ends. After an error nothing more can be read.
    mutating func feed(_ piece: some Sequence<UInt8>) throws(APIFailure) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        for part in Array(piece).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            if part.offset > 0 {
                if !rest.isEmpty { lines.append(rest) }
                rest = []
            }
            guard rest.count + part.element.count <= lineBytesMax else { throw .tooLarge(lineBytesMax) }
            rest += part.element
        }
        return lines
    }
}

/// Finds where a head, or trailers, end, and checks every byte on the way. What it says of a byte does not depend on
/// how many came with it: input in pieces is judged as input in one.
struct HeadScanner {
    enum Progress: Hashable {
        case incomplete
        /// - Parameter count: bytes, with the empty line.
        case complete(count: Int)
    }

    /// Places behind the CR and LF of each line but the empty one.
    private(set) var lineEnds: [Int] = []
    private var scanned = 0
    private var lineStart = 0
    /// Lines that are no fields: the first one of a head.
    private let startLines: Int

    init(startLines: Int) { self.startLines = startLines }

    mutating func reset() {
        lineEnds.removeAll(keepingCapacity: true)
        scanned = 0
        lineStart = 0
    }

    /// Goes on where it stopped.
    /// - Parameter bytes: from the first byte of the head on, each time.
    mutating func scan(
        _ bytes: Span<UInt8>, bytesMax: Int, limits: HTTPLimits
    ) throws(HTTPFault) -> Progress {
        var place = scanned
        // CR at the last byte of a limit has its LF behind it.
        let end = min(bytes.count, bytesMax - 1)
        while true {
            // What lies behind the limit of the first line is not looked at before that line has ended.
            let isStartLine = lineEnds.count < startLines
            let stop = isStartLine ? min(end, limits.startLineBytesMax - 1) : end
            while place < stop, !bytes[place].isControl { place += 1 }
            scanned = place
            guard place < stop else {
                guard place < limits.startLineBytesMax - 1 || !isStartLine else { throw .startLineTooLong }
                guard place < bytesMax - 1 else { throw .headTooLarge }
                return .incomplete
            }
            guard bytes[place] == 0x0d else { throw bytes[place] == 0x0a ? .bareLineFeed : .controlCharacter }
            guard place + 1 < bytes.count else { return .incomplete }
            guard bytes[place + 1] == 0x0a else { throw .bareCarriageReturn }
            let next = place + 2
            if place == lineStart { return .complete(count: next) }
            guard lineEnds.count < startLines + limits.fieldsMax else { throw .tooManyFields }
            lineEnds.append(next)
            lineStart = next
            place = next
        }
    }
}

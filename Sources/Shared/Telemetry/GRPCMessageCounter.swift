/// Counts the messages in a body of gRPC as it passes, piece by piece. Each is preceded by a byte of flags and its
/// length in four bytes. Source: gRPC over HTTP2, Length-Prefixed-Message.
package struct GRPCMessageCounter: Hashable, Sendable {
    /// Messages that have begun.
    package private(set) var messages = 0
    private var prefixBytes = 0
    private var length = 0
    private var left = 0

    package init() {}

    /// The next piece of the body.
    package mutating func pass(_ bytes: some RandomAccessCollection<UInt8>) {
        var place = bytes.startIndex
        while place < bytes.endIndex {
            if left > 0 {
                let skipped = min(left, bytes.distance(from: place, to: bytes.endIndex))
                left -= skipped
                place = bytes.index(place, offsetBy: skipped)
                continue
            }
            // The first byte of the prefix is no part of the length.
            if prefixBytes > 0 { length = length << 8 | Int(bytes[place]) }
            prefixBytes += 1
            place = bytes.index(after: place)
            guard prefixBytes == 5 else { continue }
            messages += 1
            left = length
            (prefixBytes, length) = (0, 0)
        }
    }
}

package import NIOCore

/// Sizes of receive buffers for a TCP channel: grows with full reads, shrinks with small ones.
///
/// NIO keeps a buffer per channel when an allocator says how big the next one is, and such a buffer never shrinks:
/// after one big transfer an idle connection would hold its 512 KiB for good. This one gives no such hint and asks
/// for a fresh buffer per read, so that between reads a channel keeps nothing but its first, small one.
package struct RelayReceiveBuffers: RecvByteBufferAllocator {
    private let minimum: Int
    private let maximum: Int
    private var next: Int
    private var smallReads = 0

    /// Factor between sizes: from 2 KiB to 512 KiB in four full reads.
    private static let step = 4
    /// Reads in a row below the next smaller size before the size goes down; single small reads are part of every
    /// bulk transfer.
    private static let smallReadsToShrink = 4

    package init(_ limits: RelayLimits) {
        self.init(minimum: limits.receiveBufferBytesMinimum, maximum: limits.receiveBufferBytesMaximum)
    }

    init(minimum: Int, maximum: Int) {
        self.minimum = minimum
        self.maximum = maximum
        self.next = minimum
    }

    package func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        allocator.buffer(capacity: next)
    }

    /// Always true: "may grow" is what makes NIO ask for a new buffer.
    package mutating func record(actualReadBytes: Int) -> Bool {
        if actualReadBytes >= next {
            next = min(next * Self.step, maximum)
            smallReads = 0
        } else if actualReadBytes <= next / Self.step, next > minimum {
            smallReads += 1
            if smallReads == Self.smallReadsToShrink {
                next = max(next / Self.step, minimum)
                smallReads = 0
            }
        } else {
            smallReads = 0
        }
        return true
    }

    package func nextBufferSize() -> Int? { nil }
}

/// Number of a stream on its connection: 0 is the connection, odd numbers are opened by the client, 31 bits.
/// Source: RFC 9113 section 5.1.1.
package struct HTTP2StreamID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let value: UInt32

    package init(_ value: UInt32) { self.value = value }

    package static let connection = HTTP2StreamID(0)
    /// Highest number the wire can carry; the first step of a graceful GOAWAY names it.
    package static let last = HTTP2StreamID(0x7fff_ffff)

    package var description: String { "\(value)" }

    package static func < (left: HTTP2StreamID, right: HTTP2StreamID) -> Bool { left.value < right.value }
}

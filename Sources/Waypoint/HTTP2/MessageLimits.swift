package import HBONE
package import NIOCore

/// Bounds of one HTTP/2 connection that carries requests, and of each of its streams.
package struct MessageLimits: Sendable {
    /// Of the protocol.
    package var http2: HTTP2Limits
    /// Bytes of a stream written and not taken by its window above which the stream takes no more.
    package var streamHighWaterBytes = 64 << 10
    /// Bytes that one waiting stream may send before the next gets its turn.
    package var quantumBytes = 64 << 10
    /// Frames of one turn above which they leave before its end, bytes.
    package var turnBytesMaximum = 256 << 10
    /// Memory for the frames of a turn up to this is used again in the next one, bytes.
    package var keptOutputBytesMaximum = 16 << 10
    /// A piece of content at least this long is not copied behind its frame header, bytes.
    package var referencePayloadBytesMinimum = 4 << 10

    /// Time for the peer's SETTINGS after our start: a peer that speaks no HTTP/2 must not be waited for.
    package var settingsTimeout = TimeAmount.seconds(10)
    /// Time for the last frames to leave before the channel is closed over them.
    package var closingTimeout = TimeAmount.seconds(5)

    /// Bounds for one caller, or one endpoint: smaller than those of a tunnel, which carries many.
    package init(role: HTTP2Session.Role) {
        http2 = HTTP2Limits(role: role)
        http2.headerListBytesMax = 64 << 10
        http2.headerListBytesHardMax = 256 << 10
        http2.headerBlockBytesMax = 128 << 10
        http2.concurrentStreamsMax = 200
        http2.openedStreamsMax = 200
        http2.streamWindowBytesMax = 1 << 20
        http2.connectionWindowBytes = 4 << 20
        http2.connectionBufferBytesMax = 16 << 20
    }
}

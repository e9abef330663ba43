package import NIOCore

/// Every bound of one HTTP/2 connection: memory, counts, rates. Set once, at the start of the connection.
package struct HTTP2Limits: Hashable, Sendable {
    // Flow control, bytes that the peer may send.

    /// SETTINGS_INITIAL_WINDOW_SIZE we advertise: what a new stream may send before anything was consumed. Small, so
    /// that all streams a connection may have fit into `connectionBufferBytesMax` together: streams that are not read
    /// then cannot stop the others.
    package var streamWindowBytes = 65_535
    /// A stream whose consumer keeps up grows to this window, doubling each time it consumed a window's worth, as long
    /// as the buffer has room for the windows of all.
    package var streamWindowBytesMax = 4 << 20
    /// Bytes of one stream that one turn of the driver may bring. Only when more than this, and more than half of its
    /// window, was waiting is a consumer taken to be behind: its window grows no more, and shrinks when others need it.
    package var streamBurstBytes = 512 << 10
    /// Most bytes the peer may have in flight on the whole connection.
    package var connectionWindowBytes = 16 << 20
    /// Most bytes handed up as data and not yet credited, all streams of the connection together: the exact bound of
    /// what a peer can make us hold. The connection window is refilled on receipt up to here (so a stalled stream does
    /// not stop its neighbours), above only by consumption. At least `connectionWindowBytes`.
    package var connectionBufferBytesMax = 32 << 20
    /// WINDOW_UPDATE is sent when at least window/share bytes are owed: few frames, and a sender that never stalls.
    package var windowUpdateShare = 4

    // Frames.

    /// SETTINGS_MAX_FRAME_SIZE we advertise. Partial DATA is handed up, so memory does not depend on it.
    package var receivedFrameBytesMax = 1 << 20
    /// Largest DATA payload we send, if the peer allows it: streams of one connection interleave at this grain.
    package var sentFrameBytesMax = 64 << 10

    // Headers.

    /// SETTINGS_MAX_HEADER_LIST_SIZE we advertise; above it a request is answered 431.
    package var headerListBytesMax = 64 << 10
    /// Decoded size at which decoding stops and the connection ends: bounds the work of a compression bomb.
    package var headerListBytesHardMax = 256 << 10
    /// Encoded size of one header block, all its frames together; above it the connection ends.
    package var headerBlockBytesMax = 128 << 10
    /// CONTINUATION frames of one header block: a block fits in few frames unless somebody cuts it to pieces.
    package var continuationFramesMax = 32
    /// Our encoder's dynamic table; the peer's SETTINGS_HEADER_TABLE_SIZE can only lower it.
    package var encoderTableBytesMax = 4096

    // Streams.

    /// Server: SETTINGS_MAX_CONCURRENT_STREAMS we advertise; more are refused (REFUSED_STREAM).
    package var concurrentStreamsMax = 200
    /// Client: most streams we open at a time, whatever the peer allows.
    package var openedStreamsMax = 100
    /// Client: what the peer is taken to allow until its SETTINGS arrive.
    package var assumedPeerStreamsMax = 100
    /// Streams we reset whose late frames are recognised and dropped in silence.
    package var resetStreamsRemembered = 256

    // Rates: counts per `floodWindow`. An honest busy peer stays a factor of ten below.

    package var floodWindow = TimeAmount.seconds(30)
    /// SETTINGS frames.
    package var settingsFramesMax = 200
    /// Entries of one SETTINGS frame; a dozen are defined.
    package var settingsEntriesMax = 64
    /// PING frames besides one for each DATA frame received (senders probe the bandwidth with them).
    package var pingFramesMax = 2_000
    /// PRIORITY frames besides four for each stream opened; we ignore their content.
    package var priorityFramesMax = 2_000
    /// Frames of types we do not know (grease, extensions).
    package var unknownFramesMax = 2_000
    /// DATA frames without payload and END_STREAM.
    package var emptyDataFramesMax = 1_000
    /// WINDOW_UPDATE frames besides one for each `windowUpdateBytesMin` bytes of DATA we sent.
    package var windowUpdateFramesMax = 10_000
    /// DATA bytes of ours that justify one WINDOW_UPDATE of the peer.
    package var windowUpdateBytesMin = 128
    /// Streams that the peer opened and reset before our answer, besides half of those it opened (rapid reset).
    package var earlyResetsMax = 1_000
    /// Frames without payload for closed streams, besides two for each stream opened (frames cross on the wire).
    package var strayFramesMax = 2_000
    /// Streams that the peer made us reset or refuse.
    package var streamErrorsMax = 2_000
    /// 1xx answers besides four for each stream opened.
    package var interimResponsesMax = 1_000
    /// Bytes of control frames we wrote and the peer has not taken; known only if the driver calls `outputFlushed`.
    package var unreadControlBytesMax = 1 << 20

    /// The limits of Istio's ztunnel for one role.
    package init(role: HTTP2Session.Role) {
        switch role {
        case .client:
            headerListBytesMax = 16 << 10
            headerListBytesHardMax = 64 << 10
            headerBlockBytesMax = 32 << 10
        case .server:
            break
        }
    }

    /// Text for him who set them if the limits contradict the protocol or each other; nil when they are sound.
    package var problem: String? {
        let windows = 65_535...Int(Int32.max)
        guard windows.contains(streamWindowBytes) else { return "streamWindowBytes must be 65535...2147483647" }
        guard windows.contains(streamWindowBytesMax), streamWindowBytesMax >= streamWindowBytes else {
            return "streamWindowBytesMax must be streamWindowBytes...2147483647"
        }
        guard windows.contains(connectionWindowBytes) else { return "connectionWindowBytes must be 65535...2147483647" }
        guard connectionBufferBytesMax >= connectionWindowBytes else {
            return "connectionBufferBytesMax must be at least connectionWindowBytes"
        }
        let frames = 16_384...16_777_215
        guard frames.contains(receivedFrameBytesMax) else { return "receivedFrameBytesMax must be 16384...16777215" }
        guard (1...16_777_215).contains(sentFrameBytesMax) else { return "sentFrameBytesMax must be 1...16777215" }
        guard headerListBytesMax > 0, headerListBytesHardMax >= headerListBytesMax, headerBlockBytesMax > 0 else {
            return "headerListBytesHardMax must be at least headerListBytesMax, both above 0"
        }
        guard (1...65_535).contains(concurrentStreamsMax), openedStreamsMax > 0, assumedPeerStreamsMax > 0 else {
            return "stream counts must be above 0 and concurrentStreamsMax at most 65535"
        }
        guard streamBurstBytes >= 0 else { return "streamBurstBytes must not be below 0" }
        guard windowUpdateShare > 0, windowUpdateBytesMin > 0, resetStreamsRemembered > 0 else {
            return "windowUpdateShare, windowUpdateBytesMin and resetStreamsRemembered must be above 0"
        }
        return nil
    }
}

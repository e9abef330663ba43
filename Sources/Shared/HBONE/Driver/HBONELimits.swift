package import NIOCore

/// What one tunnel connection may hold and how long it waits. The HTTP/2 machine's own limits are inside.
package struct HBONELimits: Sendable {
    /// Frames, windows, header sizes, stream counts.
    package var http2: HTTP2Limits
    /// Time for the peer's SETTINGS after our start. A peer that took TLS but does not speak HTTP/2 must not keep
    /// waiters.
    package var settingsTimeout = TimeAmount.seconds(10)
    /// Quiet time before a PING: after start, then after each acknowledgement. As Istio's ztunnel and waypoints.
    package var keepAliveInterval = TimeAmount.seconds(10)
    /// A PING unanswered for so long means the peer is gone. As Istio's ztunnel and waypoints.
    package var keepAliveTimeout = TimeAmount.seconds(20)
    /// Unflushed bytes of one loop turn after which the connection flushes before the turn ends, so that a turn
    /// with many busy streams neither grows without bound nor writes past the socket's willingness.
    package var turnBytesMaximum = 512 << 10
    /// First and largest receive buffer of the tunnel's channel. Large reads save turns of the loop on busy tunnels;
    /// an idle one keeps the small.
    package var receiveBufferBytesMinimum = 4 << 10
    package var receiveBufferBytesMaximum = 256 << 10
    /// Bytes queued in the tunnel's channel at which streams stop sending, and at which they go on. Latency of a small
    /// stream behind a bulk one is at most this much plus what the kernel holds.
    package var channelHighWaterBytes = 1 << 20
    package var channelLowWaterBytes = 256 << 10
    /// Bytes one blocked stream may send before the next blocked one has its turn.
    package var roundRobinQuantumBytes = 64 << 10
    /// Payload from which DATA goes to the channel without being copied behind its frame header; TLS gathers less
    /// than a record (16 KiB) into one anyway. Only with peers that take frames of this size.
    package var referencePayloadBytesMinimum = 32 << 10
    /// Size to which the buffer for outgoing frames is kept between turns; more is given back, so that idle
    /// connections stay small.
    package var keptOutputBytesMaximum = 8 << 10

    package init(role: HTTP2Session.Role) {
        self.http2 = HTTP2Limits(role: role)
        // One frame per read of a busy relay. Streams interleave by turns and quanta, not by frames.
        http2.sentFrameBytesMax = 512 << 10
    }
}

/// What one relayed TCP channel may hold.
package struct RelayLimits: Sendable {
    /// First receive buffer, and the one an idle or small-request connection has.
    package var receiveBufferBytesMinimum = 2 << 10
    /// Receive buffer of a busy connection: fewer system calls; measured 5 to 10 % of bulk CPU against 64 KiB.
    package var receiveBufferBytesMaximum = 512 << 10
    /// Bytes waiting in the channel at which credit and reads of the counterpart stop, and at which they go on.
    package var channelHighWaterBytes = 512 << 10
    package var channelLowWaterBytes = 128 << 10

    package init() {}
}

/// Sizes and times of one pod's client connections on one loop.
package struct PoolLimits: Sendable {
    /// Streams on one connection, as ztunnel's POOL_MAX_STREAMS_PER_CONNECTION; the peer's own limit also holds.
    package var streamsPerConnectionMaximum = 100
    /// Requests that may wait for dials of one key. More is a peer that does not answer: refuse, do not collect.
    package var waitingRequestsPerKeyMaximum = 1024
    /// Keys one pod may hold. Each costs a TLS connection; a scan over many addresses must not take the node's memory.
    package var keysMaximum = 4096
    /// Time without streams after which a connection is closed; ztunnel's POOL_UNUSED_RELEASE_TIMEOUT.
    package var idleTimeout = TimeAmount.minutes(5)

    package init() {}
}

/// What is known of one stream that is not over, or is over while its bytes are still held above.
///
///     open ──END_STREAM sent──▶ receiveOnly ──END_STREAM received──▶ over
///       └───END_STREAM received─▶ sendOnly ──END_STREAM sent─────────▶ over        RST_STREAM either way: over
struct StreamRecord {
    enum Phase {
        case open
        case sendOnly
        case receiveOnly
        case over

        var isSendOpen: Bool { self == .open || self == .sendOnly }
        var isReceiveOpen: Bool { self == .open || self == .receiveOnly }

        var afterSentEnd: Phase { self == .open ? .receiveOnly : .over }
        var afterReceivedEnd: Phase { self == .open ? .sendOnly : .over }
    }

    var phase: Phase
    /// The final response was sent (server) or received (client).
    var isAnswered = false
    /// Bytes we may send; below zero after the peer lowered its initial window.
    var sendWindowBytes: Int
    /// Bytes the peer may still send.
    var receiveWindowBytes: Int
    /// What the receive window is refilled to.
    var windowTargetBytes: Int
    /// Announced or handed up, and not credited.
    var unconsumedBytes = 0
    var consumedSinceGrowthBytes = 0
    /// Its part of the window budget's pool.
    var pooledBytes = 0
    /// Messages: the content that the peer announced.
    var content = Content.any

    /// How much content the peer may still send.
    enum Content: Hashable {
        /// Nothing was announced.
        case any
        /// HEAD was asked: the answer will have none.
        case none
        /// Bytes still to come.
        case left(Int)
    }

    /// What the peer may still make us hold of this stream beyond the first window. That of a stream which is over may
    /// be another's already.
    func bytesBeyond(firstWindow: Int) -> Int {
        switch phase {
        case .open, .receiveOnly: max(windowTargetBytes, receiveWindowBytes + unconsumedBytes) - firstWindow
        case .sendOnly: max(0, unconsumedBytes - firstWindow)
        case .over: unconsumedBytes
        }
    }
}

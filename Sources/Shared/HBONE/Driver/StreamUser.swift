import NIOCore

/// Who takes the bytes of a joined stream: a relay, or a channel of its own. A closed list, so that the byte path of
/// relays pays for a comparison and not for a call through a protocol.
enum StreamUser {
    case relay(Relay)
    case channel(StreamChannelCore)

    /// The user stands in its connection's list of those to be flushed.
    var needsFlush: Bool {
        switch self {
        case .relay(let relay): relay.needsFlush
        case .channel(let core): core.needsFlush
        }
    }

    /// The user stands in its connection's queue of blocked senders.
    var isQueuedToSend: Bool {
        get {
            switch self {
            case .relay(let relay): relay.isQueuedToSend
            case .channel(let core): core.isQueuedToSend
            }
        }
        nonmutating set {
            switch self {
            case .relay(let relay): relay.isQueuedToSend = newValue
            case .channel(let core): core.isQueuedToSend = newValue
            }
        }
    }

    /// The stream it is joined to; `nil` after its end.
    var streamID: HTTP2StreamID? {
        switch self {
        case .relay(let relay):
            if case .tunnel(_, let id) = relay.counterpart { id } else { nil }
        case .channel(let core): core.hasEnded ? nil : core.id
        }
    }

    var hasHeldBytes: Bool {
        switch self {
        case .relay(let relay): relay.hasHeldBytes
        case .channel(let core): core.hasHeldBytes
        }
    }

    /// DATA of the stream.
    func receive(_ bytes: ByteBuffer, creditBytes: Int) {
        switch self {
        case .relay(let relay): relay.receive(bytes, creditBytes: creditBytes)
        case .channel(let core): core.receive(bytes, creditBytes: creditBytes)
        }
    }

    /// The connection has read all that there was; what came may be passed on.
    func flushIfNeeded() {
        switch self {
        case .relay(let relay): relay.flushIfNeeded()
        case .channel(let core): core.flushIfNeeded()
        }
    }

    /// The tunnel takes bytes again, about this many.
    func resumeSending(limit: Int) {
        switch self {
        case .relay(let relay): relay.resumeSending(limit: limit)
        case .channel(let core): core.resumeSending(limit: limit)
        }
    }

    /// The peer ended the stream in its direction.
    func tunnelEnded() {
        switch self {
        case .relay(let relay): relay.tunnelEnded()
        case .channel(let core): core.tunnelEnded()
        }
    }

    /// The peer reset the stream.
    func tunnelReset(_ code: HTTP2ErrorCode) {
        switch self {
        case .relay(let relay): relay.tunnelReset(code)
        case .channel(let core): core.tunnelReset(code)
        }
    }

    /// The connection that carried the stream ended.
    func tunnelClosed(_ reason: HBONECloseReason) {
        switch self {
        case .relay(let relay): relay.tunnelClosed(reason)
        case .channel(let core): core.tunnelClosed(reason)
        }
    }
}

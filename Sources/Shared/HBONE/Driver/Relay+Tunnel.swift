import DequeModule
import NIOCore

/// The relay as its counterpart sees it: the tunnel connection or the other relay calls these.
extension Relay {
    /// DATA of the stream. Flushed by the connection at the end of its read.
    func receive(_ buffer: ByteBuffer, creditBytes: Int) {
        uncreditedBytes += creditBytes
        if output == .open {
            write(buffer)
        } else {
            // The peer may not send after its end; whatever this is, it holds no window.
            returnCredit()
        }
    }

    /// Gives flow-control credit back for what the channel has taken. While its queue is above the water mark the
    /// credit stays here, and the peer stops at the window.
    func returnCredit() {
        guard uncreditedBytes > 0, case .tunnel(let connection, let id) = counterpart else { return }
        let bytes = uncreditedBytes
        uncreditedBytes = 0
        connection.credit(id, bytes)
    }

    /// The tunnel can take bytes again: held ones first, at most about `limit`, then the end or new reads.
    func resumeSending(limit: Int) {
        passHeldOn(limit: limit)
        settleInputEnd()
        requestRead()
    }

    var hasHeldBytes: Bool { !held.isEmpty }

    /// Moves held bytes to the counterpart until it takes no more, or `limit` bytes went.
    func passHeldOn(limit: Int) {
        switch counterpart {
        case .waiting, .ended: return
        case .tunnel(let connection, let id):
            var left = limit
            while left > 0, var buffer = held.popFirst() {
                let before = buffer.readableBytes
                let isLast = held.isEmpty && input == .ended
                connection.send(.relay(self), id, &buffer, endStream: isLast, limit: left)
                left -= before - buffer.readableBytes
                if buffer.readableBytes > 0 {
                    held.prepend(buffer)
                    return
                }
                if isLast {
                    input = .delivered
                    finishIfDone()
                }
            }
            if !held.isEmpty { connection.wait(.relay(self)) }
        case .peer(let other):
            while let buffer = held.popFirst() { other.write(buffer) }
            other.flushIfNeeded()
        }
    }

    /// The peer ended the stream.
    func tunnelEnded() {
        endOutput()
    }

    /// The peer reset the stream. NO_ERROR and CANCEL are an end of its data and a refusal of ours, not a failure:
    /// RFC 9113, section 8.1, for the one, Istio's ztunnel for both.
    func tunnelReset(_ code: HTTP2ErrorCode) {
        guard code == .noError || code == .cancel else {
            finish(.error(.receive(.counterpart, .stream(code))), channel: .abort, counterpart: .leave)
            return
        }
        input = .refused
        held.removeAll()
        endOutput()
        finishIfDone()
    }

    /// The connection that carried the stream ended.
    func tunnelClosed(_ reason: HBONECloseReason) {
        switch reason {
        case .cut(let cut): finish(.cut(cut), channel: .abort, counterpart: .leave)
        case .drainDeadline: finish(.cut(.drainDeadline), channel: .abort, counterpart: .leave)
        default: finish(.error(.receive(.counterpart, .tunnel(reason))), channel: .abort, counterpart: .leave)
        }
    }

    /// The other relay of the pair ended without order.
    func counterpartFailed(_ reason: RelayEnd.Reason) {
        switch reason {
        case .completed: counterpartFailed(.disconnected)
        case .error(.receive(_, let fault)):
            finish(.error(.receive(.counterpart, fault)), channel: .abort, counterpart: .leave)
        case .error(.send(_, let fault)):
            finish(.error(.send(.counterpart, fault)), channel: .abort, counterpart: .leave)
        case .cut: finish(reason, channel: .abort, counterpart: .leave)
        }
    }

    func counterpartFailed(_ fault: RelayFault) {
        finish(.error(.receive(.counterpart, fault)), channel: .abort, counterpart: .leave)
    }
}

extension Relay {
    /// Bytes of this connection waiting in this process, both directions: held for the counterpart, and in the
    /// channel's queue. For metrics and tests, not for the byte path.
    package var queuedBytes: Int {
        let held = held.reduce(0) { $0 + $1.readableBytes }
        let written = try? context?.channel.syncOptions?.getOption(ChannelOptions.bufferedWritableBytes)
        return held + (written ?? 0)
    }
}

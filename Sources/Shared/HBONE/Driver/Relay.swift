import DequeModule
package import NIOCore

/// The TCP side of one proxied connection: the last handler of a TCP channel. It copies between the channel and its
/// counterpart, a tunnel stream or another relay, with back-pressure, half-close and byte counts.
///
/// ```
/// waiting --join--> tunnel / peer --both directions done--> ended
///    \------------------ error, cut, gone --------------------^
/// ```
/// Put it into the pipeline in the channel's initializer (it turns automatic reads off). What arrives before `join`
/// is held. Everything happens on the channel's loop; both relays of a pair are on the same one. Not Sendable.
package final class Relay: ChannelInboundHandler, RemovableChannelHandler {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    /// What the channel's bytes go to.
    enum Counterpart {
        case waiting
        case tunnel(HBONEConnection, HTTP2StreamID)
        case peer(Relay)
        case ended
    }

    /// Channel to counterpart.
    enum Input {
        case open
        /// The channel's peer sent its end; held bytes may still be here.
        case ended
        /// The end, and all before it, was passed on.
        case delivered
        /// The counterpart takes no more; what comes is dropped.
        case refused
    }

    /// Counterpart to channel.
    enum Output {
        case open
        /// The counterpart ended; bytes may still be in the channel.
        case ending
        /// All written and shut down.
        case ended
    }

    var counterpart = Counterpart.waiting
    var input = Input.open
    var output = Output.open
    var context: ChannelHandlerContext?
    /// Bytes of the channel that the counterpart did not take yet. One read's worth, except after an early end of
    /// input: then NIO hands over the whole socket buffer, whatever we asked for.
    var held = Deque<ByteBuffer>()
    /// Received flow-control bytes which the channel has not taken far enough to give back.
    var uncreditedBytes = 0
    var isActive = false
    var isWritable = true
    /// A read is asked for and has brought nothing yet.
    var isReading = false
    /// The channel finished reading without bytes: the peer's end. NIO says no more of it once our output is shut.
    var sawEndOfInput = false
    var hasReadBytes = false
    var needsFlush = false
    /// Stands in the tunnel connection's queue of blocked senders.
    var isQueuedToSend = false

    private let limits: RelayLimits
    private var onEnd: ((RelayEnd) -> Void)?

    /// Bytes read from the channel so far.
    package internal(set) var bytesFromChannel = 0
    /// Bytes handed to the channel so far.
    package internal(set) var bytesToChannel = 0

    /// - Parameter onEnd: called exactly once, on the loop, when both directions are done or the relay was cut.
    package init(limits: RelayLimits = RelayLimits(), onEnd: @escaping (RelayEnd) -> Void) {
        self.limits = limits
        self.onEnd = onEnd
    }

    /// True after `onEnd`.
    package var hasEnded: Bool {
        if case .ended = counterpart { true } else { false }
    }

    /// Copies between the channel and this stream from now on. An accepted or answered stream, not yet joined.
    /// If the relay has ended meanwhile, the stream is reset.
    package func join(_ stream: HBONEStream) {
        guard case .waiting = counterpart else {
            precondition(hasEnded, "a relay is joined once")
            stream.reset(.connectError)
            return
        }
        precondition(context != nil, "a relay is in its channel's pipeline before it is joined")
        counterpart = .tunnel(stream.connection, stream.id)
        stream.connection.attach(.relay(self), to: stream.id)
        begin()
    }

    /// Copies between the two channels from now on. If one of them has ended meanwhile, the other is cut.
    package func join(_ other: Relay) {
        guard case .waiting = counterpart, case .waiting = other.counterpart else {
            precondition(hasEnded || other.hasEnded, "a relay is joined once")
            counterpartFailed(.disconnected)
            other.counterpartFailed(.disconnected)
            return
        }
        counterpart = .peer(other)
        other.counterpart = .peer(self)
        begin()
        other.begin()
    }

    /// Ends the relay now; both sides are reset. Without effect after the end.
    package func close(_ reason: RelayEnd.Reason) {
        finish(reason, channel: .abort, counterpart: .abort)
    }

    /// Starts the flow after a join: what was held first, then reads.
    func begin() {
        guard !hasEnded else { return }
        passHeldOn(limit: .max)
        settleInputEnd()
        requestRead()
    }

    /// Asks the channel for bytes if the counterpart can take them.
    func requestRead() {
        guard isActive, !isReading, input == .open, held.isEmpty, let context else { return }
        switch counterpart {
        case .waiting, .ended: return
        case .tunnel(let connection, _): guard connection.takesBytes else { return connection.wait(.relay(self)) }
        case .peer(let other): guard other.isWritable, other.output == .open else { return }
        }
        isReading = true
        context.read()
    }

    /// What happens to a side when the relay finishes.
    enum Fate { case leave, close, abort }

    /// Both directions over, orderly?
    func finishIfDone() {
        guard input == .delivered || input == .refused, output == .ended else { return }
        if case .peer(let other) = counterpart, other.output != .ended { return }
        finish(.completed, channel: input == .refused ? .close : .leave, counterpart: .leave)
    }

    /// Ends the relay now and resets the other side alone; the channel lives on, for somebody else's handlers. What was
    /// held is lost.
    package func leaveChannel() {
        finish(.completed, channel: .leave, counterpart: .abort)
        guard let context else { return }
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    /// The only way to the end; the first call wins.
    func finish(_ reason: RelayEnd.Reason, channel: Fate, counterpart fate: Fate) {
        let former = counterpart
        if case .ended = former { return }
        counterpart = .ended
        held.removeAll()
        let report = onEnd
        onEnd = nil
        switch former {
        case .waiting, .ended: break
        case .tunnel(let connection, let id):
            connection.detach(id, reset: fate == .abort ? .connectError : nil)
        case .peer(let other):
            if fate == .abort { other.counterpartFailed(reason) }
        }
        uncreditedBytes = 0
        switch channel {
        case .leave: break
        case .close: context?.close(mode: .all, promise: nil)
        case .abort: abortChannel()
        }
        report?(RelayEnd(
            bytesFromChannel: UInt64(bytesFromChannel), bytesToChannel: UInt64(bytesToChannel), reason: reason))
    }

    func configure(_ channel: any Channel) {
        guard let options = channel.syncOptions else { return }
        // A channel that is closed already refuses options; its end is reported by the handler's own events.
        try? options.setOption(ChannelOptions.autoRead, value: false)
        try? options.setOption(ChannelOptions.allowRemoteHalfClosure, value: true)
        try? options.setOption(ChannelOptions.maxMessagesPerRead, value: 1)
        try? options.setOption(ChannelOptions.recvAllocator, value: RelayReceiveBuffers(limits))
        try? options.setOption(ChannelOptions.writeBufferWaterMark, value: .init(
            low: limits.channelLowWaterBytes, high: limits.channelHighWaterBytes))
    }
}

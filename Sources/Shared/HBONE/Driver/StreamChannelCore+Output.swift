import DequeModule
import NIOCore
import Synchronization

/// What the pipeline writes, and how the stream ends.
extension StreamChannelCore {
    var hasHeldBytes: Bool { flushedCount > 0 }

    func resumeSending(limit: Int) {
        push(limit: limit)
    }

    func enqueue(_ bytes: ByteBuffer, _ promise: EventLoopPromise<Void>?) {
        guard !hasEnded else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        guard output == .open else {
            promise?.fail(ChannelError.outputClosed)
            return
        }
        if promise == nil, bytes.readableBytes <= Self.gatheredBytesMaximum, joinsLastWrite {
            writes[writes.count - 1].bytes.writeImmutableBuffer(bytes)
        } else {
            writes.append(Write(bytes: bytes, promise: promise))
        }
        outgoingBytes += bytes.readableBytes
        if outgoingBytes > waterMark.high { setWritable(false) }
    }

    /// Encoders write heads and chunk sizes piece by piece; each on its own would cost a frame.
    private static let gatheredBytesMaximum = 4 << 10

    private var joinsLastWrite: Bool {
        guard writes.count > flushedCount, let last = writes.last else { return false }
        return last.promise == nil && last.bytes.readableBytes <= Self.gatheredBytesMaximum
    }

    func flushWrites() {
        flushedCount = writes.count
        push(limit: .max)
    }

    /// Gives flushed writes to the tunnel until it takes no more, or `limit` bytes went; behind the last the end.
    func push(limit: Int) {
        guard !isPushing, !hasEnded else { return }
        isPushing = true
        var left = limit
        while flushedCount > 0, left > 0, var write = writes.popFirst() {
            let before = write.bytes.readableBytes
            // An end without bytes needs no window; it goes out below.
            let isLast = before > 0 && writes.isEmpty && output == .ending
            if before > 0 {
                connection.send(.channel(self), id, &write.bytes, endStream: isLast, limit: left)
            }
            let sent = before - write.bytes.readableBytes
            left -= sent
            outgoingBytes -= sent
            guard write.bytes.readableBytes == 0 else {
                writes.prepend(write)
                break
            }
            flushedCount -= 1
            if isLast { output = .ended }
            write.promise?.succeed(())
            if hasEnded { break }
        }
        isPushing = false
        guard !hasEnded else { return }
        if flushedCount > 0 { connection.wait(.channel(self)) }
        if outgoingBytes <= waterMark.low { setWritable(true) }
        settleOutputEnd()
    }

    private func settleOutputEnd() {
        guard !hasEnded else { return }
        if output == .ending, writes.isEmpty {
            connection.sendEnd(id)
            output = .ended
        }
        guard output == .ended else { return }
        let promise = endPromise
        endPromise = nil
        promise?.succeed(())
        finishIfDone()
    }

    private func setWritable(_ isWritable: Bool) {
        guard let channel, channel.isWritable != isWritable else { return }
        channel.writability.store(isWritable, ordering: .relaxed)
        channel.pipeline.fireChannelWritabilityChanged()
    }

    func endOutput(_ promise: EventLoopPromise<Void>?) {
        guard output == .open else {
            promise?.fail(ChannelError.outputClosed)
            return
        }
        output = .ending
        endPromise = promise
        flushWrites()
        channel?.pipeline.fireUserInboundEventTriggered(ChannelEvent.outputClosed)
    }

    func endInput(_ promise: EventLoopPromise<Void>?) {
        input = .delivered
        held.removeAll()
        connection.credit(id, incomingBytes)
        incomingBytes = 0
        promise?.succeed(())
        finishIfDone()
    }

    /// Both directions over, orderly?
    func finishIfDone() {
        guard input == .delivered, output == .ended, writes.isEmpty else { return }
        end(nil)
    }

    /// The pipeline closes: orderly when nothing is left to send, else a reset.
    func close(_ promise: EventLoopPromise<Void>?) {
        guard !hasEnded else {
            promise?.fail(ChannelError.alreadyClosed)
            return
        }
        guard writes.isEmpty else { return end(.connectError, promise) }
        if output == .open { connection.sendEnd(id) }
        output = .ended
        end(input == .open ? .noError : nil, promise)
    }

    func abort(_ code: HTTP2ErrorCode) {
        end(code)
    }

    /// The stream broke: the pipeline hears why, then its end.
    func fail(_ error: HBONEError) {
        guard !hasEnded else { return }
        channel?.pipeline.fireErrorCaught(error)
        end(nil)
    }

    func failWrites(_ error: ChannelError) {
        let orphans = writes
        writes.removeAll()
        (flushedCount, outgoingBytes) = (0, 0)
        for write in orphans { write.promise?.fail(error) }
    }

    /// The only way to the end; the first call wins.
    /// - Parameter code: what the peer is told; `nil` when the stream is over for it too.
    func end(_ code: HTTP2ErrorCode?, _ promise: EventLoopPromise<Void>? = nil) {
        guard !hasEnded else {
            promise?.succeed(())
            return
        }
        hasEnded = true
        held.removeAll()
        incomingBytes = 0
        connection.detach(id, reset: code)
        failWrites(.ioOnClosedChannel)
        let ending = endPromise
        endPromise = nil
        ending?.fail(ChannelError.ioOnClosedChannel)
        guard let channel else {
            promise?.succeed(())
            return
        }
        self.channel = nil
        channel.activity.store(false, ordering: .relaxed)
        promise?.succeed(())
        channel.pipeline.fireChannelInactive()
        channel.pipeline.fireChannelUnregistered()
        // Handlers may be in the middle of something: they are taken out after this turn's calls.
        channel.eventLoop.assumeIsolated().execute {
            self.removeHandlers(pipeline: channel.pipeline)
            channel.closePromise.succeed(())
        }
    }
}

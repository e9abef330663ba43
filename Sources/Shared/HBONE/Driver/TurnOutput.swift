package import NIOCore

/// Frames of a connection on their way into its channel: collected during a turn of the loop, given to the channel in
/// as few pieces as possible, and flushed once at the end of the turn. Of one connection, on its loop.
package final class TurnOutput {
    /// Frames of this turn which the channel has not been given yet.
    package var frames = ByteBuffer()
    /// Bytes given to the channel since its last flush.
    private var unflushedBytes = 0
    /// Bytes flushed that nobody has been told of as taken.
    private var unconfirmedBytes = 0
    private var isFlushScheduled = false
    private let keptBytesMaximum: Int

    /// - Parameter keptBytesMaximum: memory of frames up to this is used again in the next turn, bytes.
    package init(keptBytesMaximum: Int) { self.keptBytesMaximum = keptBytesMaximum }

    /// Bytes that are to be flushed.
    package var waitingBytes: Int { frames.readableBytes + unflushedBytes }

    /// Calls for the end of the turn, once: tasks run after the turn's events.
    package func schedule(on loop: any EventLoop, _ endTurn: @escaping () -> Void) {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        loop.assumeIsolated().execute {
            self.isFlushScheduled = false
            endTurn()
        }
    }

    /// Moves the collected frames into the channel's queue.
    package func pass(to context: ChannelHandlerContext) {
        guard frames.readableBytes > 0 else { return }
        // Taken out first: what a write sets off may add frames.
        let collected = frames
        frames = ByteBuffer()
        unflushedBytes += collected.readableBytes
        context.write(NIOAny(collected), promise: nil)
    }

    /// Writes bytes behind the frames as they are, without copying them.
    package func write(_ payload: ByteBuffer, to context: ChannelHandlerContext) {
        pass(to: context)
        unflushedBytes += payload.readableBytes
        context.write(NIOAny(payload), promise: nil)
    }

    /// Gives the channel all frames and flushes.
    package func flush(to context: ChannelHandlerContext) {
        guard waitingBytes > 0 else { return }
        var collected = frames
        pass(to: context)
        unconfirmedBytes += unflushedBytes
        unflushedBytes = 0
        context.flush()
        // The storage is used again if nobody below holds it, which is so when all was taken; a big one is let go.
        guard frames.readableBytes == 0, collected.storageCapacity <= keptBytesMaximum else { return }
        if collected.modifyIfUniquelyOwned({ $0.clear() }) != nil { frames = collected }
    }

    /// Bytes flushed since the last call. The channel's queue is below its water mark when this is asked: near enough
    /// to "taken by the peer's kernel" for the machine's bound on unread control frames.
    package func takeConfirmed() -> Int {
        defer { unconfirmedBytes = 0 }
        return unconfirmedBytes
    }
}

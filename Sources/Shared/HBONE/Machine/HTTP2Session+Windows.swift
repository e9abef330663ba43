package import NIOCore

// Receive windows. The peer may have `receiveWindowBytes` more in flight; with what is held above that never exceeds
// `connectionBufferBytesMax`, because a window is only refilled as far as both fit.
extension HTTP2Session {
    /// The application consumed bytes of a `data` event (or dropped them). Due for every byte, also after the stream
    /// ended; more than is owed, and streams not known, are passed over.
    package mutating func credit(_ stream: HTTP2StreamID, bytes: Int, output: inout ByteBuffer) {
        guard bytes > 0, !hasFailed, let slot = streams.slot(of: stream) else { return }
        let heldBefore = streams[slot].unconsumedBytes
        let consumed = min(bytes, heldBefore)
        streams[slot].unconsumedBytes -= consumed
        unconsumedBytes -= consumed
        if streams[slot].phase == .over {
            settlePool(slot)
            if streams[slot].unconsumedBytes == 0 { streams.remove(at: slot) }
        } else {
            adapt(slot, heldBefore: heldBefore, consumed: consumed)
            settlePool(slot)
            refillStream(slot, stream, &output)
        }
        refillConnection(&output)
    }

    /// Whatever of this stream was handed up and not credited has been dropped: credits all of it.
    package mutating func discard(_ stream: HTTP2StreamID, output: inout ByteBuffer) {
        guard let slot = streams.slot(of: stream) else { return }
        var bytes = streams[slot].unconsumedBytes
        if case .data(let inFlight) = reading, inFlight.stream == stream, !inFlight.isDropped {
            bytes -= inFlight.remainingBytes
        }
        credit(stream, bytes: bytes, output: &output)
    }

    /// A consumer that keeps up earns a wider window, as far as the budget goes. One that is behind earns nothing, and
    /// gives back when others are short.
    private mutating func adapt(_ slot: Int, heldBefore: Int, consumed: Int) {
        let target = streams[slot].windowTargetBytes
        guard heldBefore <= max(target / 2, limits.streamBurstBytes) else {
            streams[slot].consumedSinceGrowthBytes = 0
            if windowBudget.isPressed {
                streams[slot].windowTargetBytes = max(limits.streamWindowBytes, target / 2)
            }
            return
        }
        guard target < limits.streamWindowBytesMax else { return }
        streams[slot].consumedSinceGrowthBytes += consumed
        guard streams[slot].consumedSinceGrowthBytes >= target else { return }
        streams[slot].consumedSinceGrowthBytes = 0
        let wider = min(target * 2, limits.streamWindowBytesMax)
        guard windowBudget.allows(wider - limits.streamWindowBytes, insteadOf: streams[slot].pooledBytes) else {
            return
        }
        streams[slot].windowTargetBytes = wider
    }

    /// After whatever changed the stream's window, its phase or what is held of it.
    mutating func settlePool(_ slot: Int) {
        let before = streams[slot].pooledBytes
        let after = streams[slot].bytesBeyond(firstWindow: limits.streamWindowBytes)
        streams[slot].pooledBytes = after
        windowBudget.change(from: before, to: after)
    }

    mutating func refillStream(_ slot: Int, _ stream: HTTP2StreamID, _ output: inout ByteBuffer) {
        guard streams[slot].phase.isReceiveOpen else { return }
        let record = streams[slot]
        let owed = record.windowTargetBytes - record.receiveWindowBytes - record.unconsumedBytes
        guard isWorthSending(owed, windowBytes: record.receiveWindowBytes, fullBytes: record.windowTargetBytes) else {
            return
        }
        streams[slot].receiveWindowBytes += owed
        writeWindowUpdate(stream, bytes: owed, output: &output)
    }

    mutating func refillConnection(_ output: inout ByteBuffer) {
        let target = min(limits.connectionWindowBytes, limits.connectionBufferBytesMax - unconsumedBytes)
        let owed = target - receiveWindowBytes
        guard isWorthSending(owed, windowBytes: receiveWindowBytes, fullBytes: limits.connectionWindowBytes) else {
            return
        }
        receiveWindowBytes += owed
        writeWindowUpdate(.connection, bytes: owed, output: &output)
    }

    /// Few updates while the peer has room; smaller ones when it is about to run dry.
    private func isWorthSending(_ owed: Int, windowBytes: Int, fullBytes: Int) -> Bool {
        if owed * limits.windowUpdateShare >= fullBytes { return owed > 0 }
        return owed > windowBytes && owed * limits.windowUpdateShare * 4 >= fullBytes
    }
}

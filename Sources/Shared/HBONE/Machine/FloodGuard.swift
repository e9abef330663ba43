import NIOCore

/// Counts what a peer makes us do against `HTTP2Limits`, per window of time. Work that is honest in itself (DATA,
/// streams) raises the allowance of the frames that go with it.
struct FloodGuard {
    enum Kind {
        case settings, ping, priority, unknown, emptyData, windowUpdate, earlyReset, stray, streamError, interim
    }

    private var windowStart: NIODeadline?
    private var settings = 0
    private var pings = 0
    private var priorities = 0
    private var unknown = 0
    private var emptyData = 0
    private var windowUpdates = 0
    private var earlyResets = 0
    private var strays = 0
    private var streamErrors = 0
    private var interims = 0

    /// Within the window; raised by the session.
    var dataFramesReceived = 0
    var dataBytesSent = 0
    var streamsOpened = 0

    mutating func count(
        _ kind: Kind, limits: HTTP2Limits, now: NIODeadline
    ) throws(HTTP2ConnectionError) {
        roll(limits.floodWindow, now)
        switch kind {
        case .settings:
            settings += 1
            if settings > limits.settingsFramesMax { throw .init(.flood(.settings(count: settings))) }
        case .ping:
            pings += 1
            if pings > limits.pingFramesMax + dataFramesReceived { throw .init(.flood(.pings(count: pings))) }
        case .priority:
            priorities += 1
            let allowed = limits.priorityFramesMax + 4 * streamsOpened
            if priorities > allowed { throw .init(.flood(.priorities(count: priorities))) }
        case .unknown:
            unknown += 1
            if unknown > limits.unknownFramesMax { throw .init(.flood(.unknownFrames(count: unknown))) }
        case .emptyData:
            emptyData += 1
            if emptyData > limits.emptyDataFramesMax { throw .init(.flood(.emptyData(count: emptyData))) }
        case .windowUpdate:
            windowUpdates += 1
            let allowed = limits.windowUpdateFramesMax + dataBytesSent / limits.windowUpdateBytesMin
            if windowUpdates > allowed { throw .init(.flood(.windowUpdates(count: windowUpdates))) }
        case .earlyReset:
            earlyResets += 1
            let allowed = limits.earlyResetsMax + streamsOpened / 2
            if earlyResets > allowed { throw .init(.flood(.earlyResets(count: earlyResets))) }
        case .stray:
            strays += 1
            let allowed = limits.strayFramesMax + 2 * streamsOpened
            if strays > allowed { throw .init(.flood(.strayFrames(count: strays))) }
        case .streamError:
            streamErrors += 1
            if streamErrors > limits.streamErrorsMax { throw .init(.flood(.streamErrors(count: streamErrors))) }
        case .interim:
            interims += 1
            let allowed = limits.interimResponsesMax + 4 * streamsOpened
            if interims > allowed { throw .init(.flood(.interimResponses(count: interims))) }
        }
    }

    private mutating func roll(_ length: TimeAmount, _ now: NIODeadline) {
        if let start = windowStart {
            guard now - start >= length else { return }
            self = FloodGuard()
        }
        windowStart = now
    }
}

/// Knows how many bytes of control frames may lie unread between us and the peer. Exact positions would need a queue;
/// two checkpoints give a bound that is late by at most one of them.
struct OutputLedger {
    private struct Checkpoint {
        var outputBytes: Int
        var controlBytes: Int
    }

    private var outputBytes = 0
    private var controlBytes = 0
    private var flushedBytes: Int?
    private var reached = Checkpoint(outputBytes: 0, controlBytes: 0)
    private var awaited = Checkpoint(outputBytes: 0, controlBytes: 0)

    mutating func wroteControl(_ bytes: Int) {
        outputBytes += bytes
        controlBytes += bytes
    }

    mutating func wroteData(_ bytes: Int) { outputBytes += bytes }

    mutating func flushed(_ bytes: Int) {
        let total = (flushedBytes ?? 0) + bytes
        flushedBytes = total
        guard total >= awaited.outputBytes else { return }
        reached = total >= outputBytes ? Checkpoint(outputBytes: total, controlBytes: controlBytes) : awaited
        awaited = Checkpoint(outputBytes: outputBytes, controlBytes: controlBytes)
    }

    /// 0 as long as nobody reported a flush.
    var unreadControlBytesAtMost: Int { flushedBytes == nil ? 0 : controlBytes - reached.controlBytes }
}

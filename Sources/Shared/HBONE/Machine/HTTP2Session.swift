package import NIOCore

/// One HTTP/2 connection that carries CONNECT tunnels, or requests and responses. No I/O, no clock: bytes and time come
/// in, bytes and events go out. Duties: every frame check of RFC 9113, header compression, flow control both ways,
/// stream states, GOAWAY, and the bounds of `HTTP2Limits`.
///
/// Use: `start` once; feed what arrives to `nextEvent` (messages: `nextMessageEvent`) until it returns nil; flush
/// `output` after each batch of calls.
/// When `nextEvent` throws, GOAWAY is in the output already and the session does nothing more: flush, then close.
///
/// Memory: bytes handed up in `data` events and not yet credited are at most `limits.connectionBufferBytesMax`,
/// whatever the peer does. Streams held are at most twice `limits.concurrentStreamsMax` (open ones, and ended ones
/// whose bytes are still held above). A header block in assembly has at most `limits.headerBlockBytesMax`.
package struct HTTP2Session {
    package enum Role: Hashable, Sendable { case client, server }

    package let role: Role
    package let purpose: HTTP2Purpose
    package let limits: HTTP2Limits
    package internal(set) var diagnostics = HTTP2Diagnostics()

    /// What the next bytes of input are.
    enum Reading {
        case preface
        case frameHeader
        case data(DataInFlight)
        /// Bytes of a frame nobody wants.
        case skip(Int)
    }

    /// A DATA frame whose header was taken; its payload is handed up as it arrives.
    struct DataInFlight {
        var stream: HTTP2StreamID
        var remainingBytes: Int
        var paddingBytes: Int
        var endStream: Bool
        /// The stream ended meanwhile: the rest is dropped.
        var isDropped: Bool
    }

    /// A header block whose CONTINUATION frames are still coming.
    struct HeaderBlock {
        var stream: HTTP2StreamID
        var endStream: Bool
        var bytes: ByteBuffer
        var continuationFrames = 0
    }

    var reading: Reading
    var headerBlock: HeaderBlock?
    var hasReceivedSettings = false
    var unacknowledgedSettings = 0
    package internal(set) var hasFailed = false

    var decoder: FieldBlockDecoder
    var encoder: FieldBlockEncoder

    var streams = StreamTable()
    var resetStreams: ResetMemory
    /// Streams not over yet, of either side.
    package internal(set) var openStreamCount = 0
    /// Client: number of the next stream we open.
    var nextStream: UInt32 = 1
    /// Server: highest number the peer used, and highest we took on.
    var highestPeerStream = HTTP2StreamID.connection
    var highestAcceptedStream = HTTP2StreamID.connection

    var peer = PeerSettings()
    var sendWindowBytes = 65_535
    var receiveWindowBytes: Int
    /// Bytes handed up, or announced by the DATA frame being received, and not yet credited. At most
    /// `limits.connectionBufferBytesMax`.
    package internal(set) var unconsumedBytes = 0
    var windowBudget: WindowBudget

    var sentGoAway: SentGoAway = .none
    var receivedGoAway: HTTP2StreamID?
    /// Debug text of the peer's GOAWAY, cut to a bound; empty when there was none.
    package internal(set) var peerGoAwayText = ""
    /// Streams that the peer's GOAWAY excluded, not yet reported.
    var refusedStreams: [HTTP2StreamID] = []

    var floods = FloodGuard()
    var ledger = OutputLedger()

    enum SentGoAway: Hashable {
        case none
        case graceful
        case exact(last: HTTP2StreamID)
    }

    /// `limits.problem` must be nil.
    package init(role: Role, purpose: HTTP2Purpose = .tunnel, limits: HTTP2Limits) {
        precondition(limits.problem == nil)
        self.role = role
        self.purpose = purpose
        self.limits = limits
        reading = role == .server ? .preface : .frameHeader
        receiveWindowBytes = limits.connectionWindowBytes
        windowBudget = WindowBudget(role: role, limits: limits)
        resetStreams = ResetMemory(capacity: limits.resetStreamsRemembered)
        decoder = FieldBlockDecoder(listBytesMax: limits.headerListBytesHardMax)
        encoder = FieldBlockEncoder(tableBytesMax: limits.encoderTableBytesMax)
        peer.maxConcurrentStreams = limits.assumedPeerStreamsMax
    }

    /// Writes the client's preface, our SETTINGS, and the window of the connection. Once, before anything else.
    package mutating func start(into output: inout ByteBuffer) {
        var settings: [(SettingIdentifier, Int)] = [
            (.initialWindowSize, limits.streamWindowBytes),
            (.maxFrameSize, limits.receivedFrameBytesMax),
            (.maxHeaderListSize, limits.headerListBytesMax),
        ]
        switch role {
        case .client:
            output.writeBytes(Self.preface)
            ledger.wroteControl(Self.preface.count)
            settings.append((.enablePush, 0))
        case .server:
            settings.append((.maxConcurrentStreams, limits.concurrentStreamsMax))
        }
        writeSettings(settings, output: &output)
        unacknowledgedSettings += 1
        let raise = limits.connectionWindowBytes - 65_535
        if raise > 0 { writeWindowUpdate(.connection, bytes: raise, output: &output) }
    }

    static let preface: [UInt8] = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    /// Whether `openStream` would open one now.
    package var canOpenStream: Bool { openRefusal == nil }

    /// As `canOpenStream`. Mutating: to ask a property, another room copies the whole machine first.
    package mutating func canOpenStreamNow() -> Bool { canOpenStream }

    /// As far as known: the assumed value until SETTINGS arrive.
    package var peerMaxConcurrentStreams: Int { peer.maxConcurrentStreams }

    /// We may still send on it: neither ended in our direction nor over. False for streams not known.
    package func isSendOpen(_ stream: HTTP2StreamID) -> Bool {
        guard !hasFailed, let slot = streams.slot(of: stream) else { return false }
        return streams[slot].phase.isSendOpen
    }

    /// How many bytes of the output reached the kernel. Optional; enables `limits.unreadControlBytesMax`, and must then
    /// be called for all bytes.
    package mutating func outputFlushed(bytes: Int) { ledger.flushed(bytes) }
}

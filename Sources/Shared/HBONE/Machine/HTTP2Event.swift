package import NIOCore

/// What the driver must know about bytes it fed to `HTTP2Session.nextEvent`; those of a tunnel's driver.
package enum HTTP2Event: Hashable, Sendable {
    /// The peer's SETTINGS are in force. Any stream may have become sendable; `canOpenStream` may have changed.
    case settingsReceived
    /// The peer confirmed our SETTINGS.
    case settingsAcknowledged
    /// Server: a new stream. Answer with `respond` or `reset`.
    indirect case connectRequest(HTTP2StreamID, ConnectRequest, endStream: Bool)
    /// Server: a new stream that no tunnel can serve. Answer with `respond(status: reason.status, endStream: true)`.
    indirect case badRequest(HTTP2StreamID, HTTP2BadRequest)
    /// Client: the final answer. Interim answers (1xx) are swallowed.
    indirect case response(HTTP2StreamID, ConnectResponse, endStream: Bool)
    /// A piece of DATA, often less than a frame; a slice of the input. It may be empty when `endStream` is set.
    /// Every byte of `creditBytes` must be given back with `credit`, or all at once with `discard`,
    /// also when the stream has ended meanwhile.
    case data(HTTP2StreamID, ByteBuffer, creditBytes: Int, endStream: Bool)
    /// The stream is over: the peer reset it, or the peer's GOAWAY excludes it (`refusedStream`: never processed,
    /// safe to try elsewhere). Bytes still held count until `credit` or `discard`.
    case reset(HTTP2StreamID, HTTP2ErrorCode)
    /// The stream is over: the peer broke a rule on it and we reset it (RST_STREAM is in the output already).
    case streamFailed(HTTP2StreamID, HTTP2StreamError)
    /// `sendableBytes` was 0 because of this stream's window (nil: the connection's) and that window opened.
    case sendWindowOpened(HTTP2StreamID?)
    /// Answer to `ping`.
    case pingAcknowledged(UInt64)
    /// The peer takes no new streams above `lastStream`; text for people is in `peerGoAwayText`. Streams of ours above
    /// it follow as `reset(_, .refusedStream)`.
    case goAway(lastStream: HTTP2StreamID, HTTP2ErrorCode)
}

/// What one connection did so far, as plain counts for metrics and logs.
package struct HTTP2Diagnostics: Hashable, Sendable {
    package var framesReceived = 0
    package var dataFramesReceived = 0
    /// Payload without padding.
    package var dataBytesReceived = 0
    package var dataFramesSent = 0
    package var dataBytesSent = 0
    package var windowUpdatesReceived = 0
    package var windowUpdatesSent = 0
    package var settingsReceived = 0
    package var pingsReceived = 0
    /// RST_STREAM by the peer.
    package var resetsReceived = 0
    /// RST_STREAM by us, whatever the reason.
    package var resetsSent = 0
    /// Streams refused because the peer opened too many or after GOAWAY.
    package var streamsRefused = 0
    /// Streams we reset because the peer broke a rule.
    package var streamErrors = 0
    package var streamsOpened = 0
    /// Frames for closed streams that were dropped.
    package var strayFrames = 0

    package init() {}
}

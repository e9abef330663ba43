/// The peer broke a rule of the connection. GOAWAY with `code` is in the output already: flush it and close.
package struct HTTP2ConnectionError: Error, Hashable, Sendable, CustomStringConvertible {
    package let kind: Kind

    /// What was broken; closed.
    package enum Kind: Hashable, Sendable {
        /// The first bytes are not HTTP/2 with prior knowledge.
        case badPreface
        /// A frame that the protocol forbids here.
        case protocolViolation(Violation)
        /// A frame whose length is not legal for its type.
        case frameSize(type: UInt8, bytes: Int)
        /// More DATA than the window allowed, or a window above 2^31-1.
        case flowControl(FlowViolation)
        /// The header block can't be decoded, so the compression state is lost.
        case headerCompression(FieldBlockError)
        /// A frame on a stream that was closed long ago.
        case streamClosed(HTTP2StreamID)
        /// More of something than an honest peer sends.
        case flood(HTTP2Flood)
    }

    package enum Violation: Hashable, Sendable {
        case firstFrameIsNotSettings(type: UInt8)
        case streamZero(type: UInt8)
        case notStreamZero(type: UInt8, HTTP2StreamID)
        case idleStream(type: UInt8, HTTP2StreamID)
        case wrongParity(HTTP2StreamID)
        case paddingTooLong(type: UInt8)
        case headerBlockInterrupted(type: UInt8, HTTP2StreamID)
        case continuationWithoutHeaders(HTTP2StreamID)
        case pushPromise
        case settingValue(identifier: UInt16, value: UInt32)
        case unexpectedSettingsAcknowledgement
        case windowIncrementZero
        case goAwayRaised(from: HTTP2StreamID, to: HTTP2StreamID)
    }

    package enum FlowViolation: Hashable, Sendable {
        case connectionWindowExceeded(bytes: Int, windowBytes: Int)
        case connectionWindowOverflow
        case initialWindowOverflow
    }

    package init(_ kind: Kind) { self.kind = kind }

    /// What GOAWAY carries.
    package var code: HTTP2ErrorCode {
        switch kind {
        case .badPreface, .protocolViolation: .protocolError
        case .frameSize: .frameSizeError
        case .flowControl: .flowControlError
        case .headerCompression: .compressionError
        case .streamClosed: .streamClosed
        case .flood: .enhanceYourCalm
        }
    }
}

/// The peer broke a rule of one stream; the stream was reset with `code`, the connection lives on.
package enum HTTP2StreamError: Error, Hashable, Sendable {
    /// Header section that RFC 9113 section 8 calls malformed.
    case malformedHeaders(HeaderFault)
    /// DATA or HEADERS after END_STREAM.
    case frameAfterEnd
    /// DATA before the response's headers.
    case dataBeforeResponse
    case windowExceeded(bytes: Int, windowBytes: Int)
    case windowOverflow
    case windowIncrementZero
    case priorityFrameSize(bytes: Int)
    /// Response or trailers above our SETTINGS_MAX_HEADER_LIST_SIZE.
    case headerListTooLarge(bytes: Int, bytesMax: Int)

    package enum HeaderFault: Hashable, Sendable {
        case pseudoAfterField(String)
        case pseudoUnknown(String)
        case pseudoRepeated(String)
        case pseudoMissing(String)
        case pseudoForbidden(String)
        case name(String)
        case value(name: String)
        case connectionSpecific(String)
        case status(String)
        case interimEndsStream
        case trailersWithoutEnd
        // Of messages only.
        /// A field that may stand once.
        case repeated(String)
        /// A pseudo-header field whose value names nothing.
        case target(String)
        /// Host and :authority name two hosts.
        case hostDiffers
        /// No length, or one that this message can't have.
        case contentLength(String)
        /// The content ended these bytes before its announced length.
        case contentIncomplete(Int)
        /// More content than announced, at least these bytes.
        case contentExceeded(Int)
    }

    /// What RST_STREAM carries.
    package var code: HTTP2ErrorCode {
        switch self {
        case .malformedHeaders, .dataBeforeResponse, .windowIncrementZero: .protocolError
        case .frameAfterEnd: .streamClosed
        case .windowExceeded, .windowOverflow: .flowControlError
        case .priorityFrameSize: .frameSizeError
        case .headerListTooLarge: .enhanceYourCalm
        }
    }
}

/// Why `openStream` opened nothing. The connection is unharmed.
package enum HTTP2OpenRefusal: Error, Hashable, Sendable {
    /// Streams are opened by clients only.
    case notAClient
    /// GOAWAY was sent or received, or the connection failed: use another one.
    case connectionClosing
    case tooManyStreams(open: Int, openMax: Int)
    /// 2^30 streams were opened: use another connection.
    case streamIDsExhausted
    /// The peer would refuse it (its SETTINGS_MAX_HEADER_LIST_SIZE).
    case headerListTooLarge(bytes: Int, bytesMax: Int)
    /// A value holds bytes that a header must not hold.
    case headerValue(name: String)
}

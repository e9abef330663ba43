// Texts for people: what was expected, what was found.

extension HTTP2ConnectionError {
    package var description: String {
        switch kind {
        case .badPreface: "expected the HTTP/2 client preface, found other bytes: the peer does not speak HBONE"
        case .protocolViolation(let violation): violation.description
        case .frameSize(let type, let bytes): "\(FrameType.name(type)) frame of \(bytes) bytes is not legal"
        case .flowControl(let violation): violation.description
        case .headerCompression(let error): "header block can't be decoded: \(error)"
        case .streamClosed(let stream): "HEADERS on stream \(stream), which is closed"
        case .flood(let flood): flood.description
        }
    }
}

extension HTTP2ConnectionError.Violation: CustomStringConvertible {
    package var description: String {
        switch self {
        case .firstFrameIsNotSettings(let type): "expected SETTINGS as the first frame, found \(FrameType.name(type))"
        case .streamZero(let type): "\(FrameType.name(type)) needs a stream, found stream 0"
        case .notStreamZero(let type, let stream): "\(FrameType.name(type)) needs stream 0, found stream \(stream)"
        case .idleStream(let type, let stream): "\(FrameType.name(type)) on stream \(stream), which was never opened"
        case .wrongParity(let stream): "clients open odd streams, found HEADERS on stream \(stream)"
        case .paddingTooLong(let type): "\(FrameType.name(type)) has more padding than payload"
        case .headerBlockInterrupted(let type, let stream):
            "expected CONTINUATION of the open header block, found \(FrameType.name(type)) on stream \(stream)"
        case .continuationWithoutHeaders(let stream): "CONTINUATION on stream \(stream) without a header block"
        case .pushPromise: "PUSH_PROMISE, though push is off"
        case .settingValue(let identifier, let value): "setting \(identifier) must not be \(value)"
        case .unexpectedSettingsAcknowledgement: "SETTINGS acknowledged that we did not send"
        case .windowIncrementZero: "WINDOW_UPDATE of the connection by 0"
        case .goAwayRaised(let from, let to): "GOAWAY raised its last stream from \(from) to \(to)"
        }
    }
}

extension HTTP2ConnectionError.FlowViolation: CustomStringConvertible {
    package var description: String {
        switch self {
        case .connectionWindowExceeded(let bytes, let windowBytes):
            "DATA of \(bytes) bytes, but the connection's window has \(windowBytes)"
        case .connectionWindowOverflow: "WINDOW_UPDATE raised the connection's window above 2147483647"
        case .initialWindowOverflow: "SETTINGS raised a stream's window above 2147483647"
        }
    }
}

extension HTTP2StreamError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .malformedHeaders(let fault): "malformed header section: \(fault)"
        case .frameAfterEnd: "frame after the peer had ended the stream"
        case .dataBeforeResponse: "DATA before the response"
        case .windowExceeded(let bytes, let windowBytes):
            "DATA of \(bytes) bytes, but the stream's window has \(windowBytes)"
        case .windowOverflow: "WINDOW_UPDATE raised the stream's window above 2147483647"
        case .windowIncrementZero: "WINDOW_UPDATE by 0"
        case .priorityFrameSize(let bytes): "PRIORITY must have 5 bytes, found \(bytes)"
        case .headerListTooLarge(let bytes, let bytesMax): "header list has \(bytes) bytes, \(bytesMax) are allowed"
        }
    }
}

extension HTTP2StreamError.HeaderFault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .pseudoAfterField(let name): "\(name) after an ordinary field"
        case .pseudoUnknown(let name): "\(name) is not known here"
        case .pseudoRepeated(let name): "\(name) stands twice"
        case .pseudoMissing(let name): "\(name) is missing"
        case .pseudoForbidden(let name): "\(name) must not stand here"
        case .name(let name): "illegal field name \(name)"
        case .value(let name): "illegal bytes in the value of \(name)"
        case .connectionSpecific(let name): "\(name) belongs to HTTP/1"
        case .status(let text): "expected a status of three digits, found \(text)"
        case .interimEndsStream: "an interim response ends the stream"
        case .trailersWithoutEnd: "second header section without END_STREAM"
        case .repeated(let name): "\(name) stands twice"
        case .target(let name): "illegal value of \(name)"
        case .hostDiffers: "Host differs from :authority"
        case .contentLength(let text): "content-length \(text) is not possible here"
        case .contentIncomplete(let bytes): "the content ends \(bytes) bytes too early"
        case .contentExceeded(let bytes): "the content is \(bytes) bytes longer than announced"
        }
    }
}

extension HTTP2OpenRefusal: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notAClient: "servers do not open streams"
        case .connectionClosing: "the connection takes no new streams"
        case .tooManyStreams(let open, let openMax): "\(open) streams are open, \(openMax) are allowed"
        case .streamIDsExhausted: "all stream numbers of the connection were used"
        case .headerListTooLarge(let bytes, let bytesMax):
            "header list has \(bytes) bytes, the peer allows \(bytesMax)"
        case .headerValue(let name): "the value of \(name) holds bytes that a header must not hold"
        }
    }
}

extension FrameType {
    static func name(_ type: UInt8) -> String {
        switch type {
        case data: "DATA"
        case headers: "HEADERS"
        case priority: "PRIORITY"
        case resetStream: "RST_STREAM"
        case settings: "SETTINGS"
        case pushPromise: "PUSH_PROMISE"
        case ping: "PING"
        case goAway: "GOAWAY"
        case windowUpdate: "WINDOW_UPDATE"
        case continuation: "CONTINUATION"
        default: "type \(type)"
        }
    }
}

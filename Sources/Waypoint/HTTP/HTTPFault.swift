package import WaypointRoute

/// Why a message is refused. Behind it nothing more of its connection is read: where the next message would begin is
/// not known for certain. Source: RFC 9112, and RFC 9110 for what is in fields.
package enum HTTPFault: Error, Hashable, Sendable {
    /// LF without CR. RFC 9112 section 2.2 lets a reader take it for the end of a line; two readers may then differ.
    case bareLineFeed
    /// CR without LF.
    case bareCarriageReturn
    /// A byte below 0x20 other than tab, or 0x7f.
    case controlCharacter
    case startLineTooLong
    case headTooLarge
    case tooManyFields
    /// Not `METHOD TARGET VERSION` with one space each.
    case requestLine
    /// Not `VERSION STATUS REASON`.
    case statusLine
    /// HTTP/1.0 and older.
    case oldVersion
    /// Neither 1.1 nor older.
    case unknownVersion
    /// A method, target or host that no request can have.
    case request(RequestError)
    case connect
    /// A byte above 0x7f in a target.
    case targetNotASCII
    /// `*` with a method other than OPTIONS.
    case asterisk
    /// A target with another scheme than the connection's.
    case otherScheme
    /// A line that goes on from the one before (RFC 9112 section 5.2), or white space before the first.
    case foldedLine
    /// No colon, or a name that is no token; white space before the colon makes it none.
    case fieldName
    case hostMissing
    case hostRepeated
    /// `Host` is not the authority of the target.
    case hostDiffers
    case lengthRepeated
    case lengthNoNumber
    case lengthAndEncoding
    /// `Transfer-Encoding` other than exactly `chunked`, or in a message of HTTP/1.0.
    case encoding
    case encodingRepeated
    /// `Expect` other than `100-continue`.
    case expectation
    case chunkSize
    /// No CR and LF behind the bytes of a chunk.
    case chunkEnd
    case chunkExtensions
    case trailersTooLarge
    /// The connection ended within a message.
    case truncated
    /// Bytes of an answer when nothing was asked.
    case unexpectedAnswer
    case tooManyInterimAnswers
    /// 101 where no other protocol was asked for.
    case unexpectedUpgrade

    /// The status of our answer when a request has this fault. An answer with a fault is 502 whichever it is.
    package var status: UInt16 {
        switch self {
        case .request(let error): error.status
        case .startLineTooLong: 414
        case .headTooLarge, .tooManyFields, .trailersTooLarge: 431
        case .oldVersion: 426
        case .unknownVersion: 505
        case .connect: 405
        case .expectation: 417
        default: 400
        }
    }

    /// Short text for people, without anything that a peer has written.
    package var reason: String {
        switch self {
        case .bareLineFeed: "LF without CR"
        case .bareCarriageReturn: "CR without LF"
        case .controlCharacter: "a control character"
        case .startLineTooLong: "first line too long"
        case .headTooLarge: "header fields too large"
        case .tooManyFields: "too many header fields"
        case .requestLine: "not a request line"
        case .statusLine: "not a status line"
        case .oldVersion: "HTTP/1.1 is required"
        case .unknownVersion: "unknown version"
        case .request(let error): error.reason
        case .connect: "CONNECT is not served"
        case .targetNotASCII: "target is not ASCII"
        case .asterisk: "* without OPTIONS"
        case .otherScheme: "scheme is not the connection's"
        case .foldedLine: "a folded line"
        case .fieldName: "not the name of a field"
        case .hostMissing, .hostRepeated: "exactly one Host is needed"
        case .hostDiffers: "Host is not the target's"
        case .lengthRepeated: "more than one Content-Length"
        case .lengthNoNumber: "Content-Length is no number"
        case .lengthAndEncoding: "both Transfer-Encoding and Content-Length"
        case .encoding: "Transfer-Encoding is not chunked"
        case .encodingRepeated: "more than one Transfer-Encoding"
        case .expectation: "unknown expectation"
        case .chunkSize: "not a chunk size"
        case .chunkEnd: "a chunk longer than its size"
        case .chunkExtensions: "chunk extensions too large"
        case .trailersTooLarge: "trailers too large"
        case .truncated: "the message ends early"
        case .unexpectedAnswer: "an answer to no request"
        case .tooManyInterimAnswers: "too many interim answers"
        case .unexpectedUpgrade: "protocol change that nobody asked for"
        }
    }
}

extension RequestError {
    fileprivate var reason: String {
        switch self {
        case .method: "not a method"
        case .scheme: "not a scheme of HTTP"
        case .authority: "not a host"
        case .notOriginForm: "target is no path"
        case .targetTooLong: "target too long"
        case .nul: "NUL in the target"
        case .controlCharacter: "a control character in the target"
        case .fragment: "a fragment in the target"
        case .escape: "a broken escape in the target"
        }
    }
}

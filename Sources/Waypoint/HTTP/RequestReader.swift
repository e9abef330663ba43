package import MeshModel
package import NIOCore
package import WaypointRoute

/// The head of a request and what its connection must know of it.
package struct ReceivedRequest: Hashable, Sendable {
    /// `Content-Length` and `Transfer-Encoding` are among its fields, for policies; writers pass them over.
    package var head: RequestHead
    package let framing: BodyFraming
    /// Another request may follow.
    package let keepsAlive: Bool
    /// Another protocol is asked for. Behind the end of such a request nothing may be read before the answer to it.
    package let upgrades: Bool
    package let expectsContinue: Bool
}

/// What a reader of requests says.
package enum RequestEvent: Hashable, Sendable {
    case head(ReceivedRequest)
    /// A piece of the body, at least one byte.
    case body(ByteBuffer)
    /// The request is whole; with the trailers that may go on.
    case end(HeaderList?)
    /// Not HTTP/1.1: nothing more is said.
    case fault(HTTPFault)
    /// HTTP/2 with prior knowledge (RFC 9113 section 3.4). The preface stays in the buffer; nothing more is said.
    case http2Preface
}

/// Reads the requests of one connection as HTTP/1.1, one event at a time, so that its owner may stop between any two;
/// pure. Strict: what another reader could read differently is a fault.
///
/// ```
/// first -> between <-> body
///    \________\_________\__> over
/// ```
package struct RequestReader {
    private enum State {
        /// No byte of the connection's first request was taken.
        case first
        case between
        case body(BodyReader)
        /// A fault, or the preface of HTTP/2.
        case over
    }

    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    private var state = State.first
    private var scanner = HeadScanner(startLines: 1)
    /// The empty line that RFC 9112 section 2.2 lets stand before a request; a second one is a fault.
    private var wasEmptyLineRead = false
    private let scheme: HTTPScheme
    private let normalization: PathNormalization
    private let limits: HTTPLimits

    /// - Parameter scheme: how the connection came; a target that names another is refused.
    package init(
        scheme: HTTPScheme = .http, normalization: PathNormalization = .base, limits: HTTPLimits = HTTPLimits()
    ) {
        self.scheme = scheme
        self.normalization = normalization
        self.limits = limits
    }

    /// No request is under way: the connection may end.
    package var isBetweenRequests: Bool {
        switch state {
        case .first, .between: true
        case .body, .over: false
        }
    }

    /// The next event; `nil`: more bytes are needed, or nothing more is said.
    /// - Parameter buffer: what has come and was not taken; between two calls bytes are only added to it.
    package mutating func next(from buffer: inout ByteBuffer) -> RequestEvent? {
        do {
            switch state {
            case .first:
                switch Self.preface(in: buffer) {
                case .whole:
                    state = .over
                    return .http2Preface
                case .begun: return nil
                case .absent: return try readHead(from: &buffer)
                }
            case .between: return try readHead(from: &buffer)
            case .body(var body):
                // Else two hold the scanner's memory, and it is copied.
                state = .over
                let piece = try body.next(from: &buffer)
                guard case .end(let trailers)? = piece else {
                    state = .body(body)
                    guard case .bytes(let slice)? = piece else { return nil }
                    return .body(slice)
                }
                state = .between
                return .end(trailers)
            case .over: return nil
            }
        } catch {
            state = .over
            return .fault(error)
        }
    }

    /// The peer sends no more.
    /// - Parameter buffer: what was not taken.
    /// - Returns: the fault when that is within a request.
    package mutating func inputEnded(_ buffer: ByteBuffer) -> RequestEvent? {
        if case .over = state { return nil }
        guard !isBetweenRequests || buffer.readableBytes > 0 else { return nil }
        state = .over
        return .fault(.truncated)
    }

    private enum Preface {
        case absent, begun, whole
    }

    private static func preface(in buffer: ByteBuffer) -> Preface {
        let bytes = buffer.readableBytesUInt8Span
        for place in 0..<min(bytes.count, preface.count) where bytes[place] != preface[place] { return .absent }
        return bytes.count < preface.count ? .begun : .whole
    }

    private mutating func readHead(from buffer: inout ByteBuffer) throws(HTTPFault) -> RequestEvent? {
        if !wasEmptyLineRead, buffer.getInteger(at: buffer.readerIndex, as: UInt8.self) == 0x0d {
            guard let second = buffer.getInteger(at: buffer.readerIndex + 1, as: UInt8.self) else { return nil }
            guard second == 0x0a else { throw .bareCarriageReturn }
            buffer.moveReaderIndex(forwardBy: 2)
            wasEmptyLineRead = true
            // A preface behind it is none, whether it has come already or not.
            state = .between
        }
        switch try scanner.scan(buffer.readableBytesUInt8Span, bytesMax: limits.headBytesMax, limits: limits) {
        case .incomplete:
            return nil
        case .complete(let count):
            guard let bytes = buffer.readBytes(length: count) else { return nil }
            let request = try parse(bytes)
            scanner.reset()
            wasEmptyLineRead = false
            state = .body(BodyReader(request.framing, limits: limits))
            return .head(request)
        }
    }

    private func parse(_ bytes: consuming [UInt8]) throws(HTTPFault) -> ReceivedRequest {
        guard let lineEnd = scanner.lineEnds.first else { throw .requestLine }
        let line = try RequestLine(bytes[..<(lineEnd - 2)], scheme: scheme, normalization: normalization)
        var parser = FieldParser(bytes, fieldCount: scanner.lineEnds.count + 4)
        var start = lineEnd
        for end in scanner.lineEnds.dropFirst() {
            try parser.parseField(start..<(end - 2))
            start = end
        }
        let framing = parser.framing
        guard let place = framing.host else { throw .hostMissing }
        guard !framing.hasUnknownExpectation else { throw .expectation }
        let host: RequestAuthority
        do { host = try RequestAuthority(parser.bytes[place]) } catch { throw .request(error) }
        if let authority = line.authority, !isSame(authority, host) { throw .hostDiffers }
        let body: BodyFraming = framing.isChunked ? .chunked : framing.length.map { .length($0) } ?? .none
        let head = RequestHead(
            method: line.method, scheme: scheme, authority: line.authority ?? host, path: line.path,
            headers: parser.headers())
        return ReceivedRequest(
            head: head, framing: body, keepsAlive: !framing.closes, upgrades: framing.upgrades,
            expectsContinue: framing.expectsContinue && body != .none && body != .length(0))
    }

    private func isSame(_ left: RequestAuthority, _ right: RequestAuthority) -> Bool {
        left.host == right.host && (left.port ?? scheme.defaultPort) == (right.port ?? scheme.defaultPort)
    }
}

internal import MeshModel
package import NIOCore
package import WaypointRoute

/// What an answer says about itself before its body.
package struct ResponseHead: Hashable, Sendable {
    /// 100 to 999.
    package var status: UInt16
    package var headers: HeaderList
    /// Neither content nor trailers follow, and the head said so: of gRPC, it holds the status of the call.
    package var isHeadOnly: Bool

    package init(status: UInt16, headers: HeaderList = HeaderList(), isHeadOnly: Bool = false) {
        self.status = status
        self.headers = headers
        self.isHeadOnly = isHeadOnly
    }

    /// Another answer to the same request follows. 101 is the last one in HTTP.
    package var isInterim: Bool { (100..<200).contains(status) && status != 101 }
}

/// The head of an answer and what its connection must know of it.
package struct ReceivedResponse: Hashable, Sendable {
    /// `Content-Length` and `Transfer-Encoding` are among its fields; writers pass over what is not theirs.
    package var head: ResponseHead
    package let framing: BodyFraming
    /// Another request may be sent on the connection.
    package let keepsAlive: Bool
}

/// What a reader of answers says.
package enum ResponseEvent: Hashable, Sendable {
    /// 1xx: the answer comes after it. It has no end of its own.
    case interim(ResponseHead)
    case head(ReceivedResponse)
    /// A piece of the body, at least one byte.
    case body(ByteBuffer)
    /// The answer is whole; with the trailers that may go on.
    case end(HeaderList?)
    /// 101: what follows in the buffer is no HTTP; nothing more is said.
    case upgraded(ResponseHead)
    /// Not an answer to what was asked: nothing more is said.
    case fault(HTTPFault)
}

/// Reads the answers of one connection as HTTP/1.1, each to the request it was told of; pure, and as strict as
/// ``RequestReader``. Answers of HTTP/1.0 are taken too: many small servers give no others.
///
/// ```
/// idle <-> awaiting -> body -> idle
///    \_________\_________\__> over
/// ```
package struct ResponseReader {
    private enum State {
        case idle
        case awaiting(Question)
        case body(BodyReader)
        case over
    }

    private struct Question {
        let isHead: Bool
        let upgrades: Bool
        var interimAnswers = 0
    }

    private var state = State.idle
    private var scanner = HeadScanner(startLines: 1)
    private let limits: HTTPLimits

    package init(limits: HTTPLimits = HTTPLimits()) { self.limits = limits }

    /// A request goes out whose answer comes next. The one before must have been answered whole.
    /// - Parameter upgrades: the request asks for another protocol.
    package mutating func expectAnswer(to method: RequestMethod, upgrades: Bool = false) {
        switch state {
        case .idle: state = .awaiting(Question(isHead: method == .known(.head), upgrades: upgrades))
        case .awaiting, .body: preconditionFailure("the answer before is not whole")
        case .over: break
        }
    }

    /// Nothing is asked and nothing was wrong.
    package var isIdle: Bool {
        if case .idle = state { true } else { false }
    }

    /// The next event; `nil`: more bytes are needed, or nothing more is said.
    /// - Parameter buffer: what has come and was not taken; between two calls bytes are only added to it.
    package mutating func next(from buffer: inout ByteBuffer) -> ResponseEvent? {
        do {
            switch state {
            case .idle:
                guard buffer.readableBytes > 0 else { return nil }
                throw HTTPFault.unexpectedAnswer
            case .awaiting(let question): return try readHead(to: question, from: &buffer)
            case .body(var body):
                // Else two hold the scanner's memory, and it is copied.
                state = .over
                let piece = try body.next(from: &buffer)
                guard case .end(let trailers)? = piece else {
                    state = .body(body)
                    guard case .bytes(let slice)? = piece else { return nil }
                    return .body(slice)
                }
                state = .idle
                return .end(trailers)
            case .over: return nil
            }
        } catch let fault as HTTPFault {
            state = .over
            return .fault(fault)
        } catch {
            state = .over
            return .fault(.statusLine)
        }
    }

    /// The peer sends no more; asked after ``next(from:)`` had nothing more to say.
    /// - Returns: the end of a body that ends so, the fault of an answer that is cut, or `nil` when none was due.
    package mutating func inputEnded() -> ResponseEvent? {
        switch state {
        case .idle, .over:
            state = .over
            return nil
        case .body(let body) where body.endsWithConnection:
            state = .over
            return .end(nil)
        case .awaiting, .body:
            state = .over
            return .fault(.truncated)
        }
    }

    private mutating func readHead(
        to question: Question, from buffer: inout ByteBuffer
    ) throws(HTTPFault) -> ResponseEvent? {
        switch try scanner.scan(buffer.readableBytesUInt8Span, bytesMax: limits.headBytesMax, limits: limits) {
        case .incomplete:
            return nil
        case .complete(let count):
            guard let bytes = buffer.readBytes(length: count) else { return nil }
            let event = try answer(bytes, to: question)
            scanner.reset()
            return event
        }
    }

    private mutating func answer(
        _ bytes: consuming [UInt8], to question: Question
    ) throws(HTTPFault) -> ResponseEvent {
        guard let lineEnd = scanner.lineEnds.first else { throw .statusLine }
        let line = try StatusLine(bytes[..<(lineEnd - 2)])
        var parser = FieldParser(bytes, fieldCount: scanner.lineEnds.count + 4)
        var start = lineEnd
        for end in scanner.lineEnds.dropFirst() {
            try parser.parseField(start..<(end - 2))
            start = end
        }
        let framing = parser.framing
        // RFC 9112 section 6.1: such a message is taken to be framed wrongly.
        guard line.isCurrent || !framing.isChunked else { throw .encoding }
        let head = ResponseHead(status: line.status, headers: parser.headers())
        if head.status == 101 {
            guard question.upgrades, framing.upgrades, line.isCurrent else { throw .unexpectedUpgrade }
            state = .over
            return .upgraded(head)
        }
        if head.isInterim {
            var question = question
            question.interimAnswers += 1
            guard question.interimAnswers <= limits.interimAnswersMax else { throw .tooManyInterimAnswers }
            state = .awaiting(question)
            return .interim(head)
        }
        let hasNoBody = question.isHead || line.status == 204 || line.status == 304
        let body: BodyFraming =
            hasNoBody ? .none : framing.isChunked ? .chunked : framing.length.map { .length($0) } ?? .untilClose
        state = .body(BodyReader(body, limits: limits))
        let keepsAlive = line.isCurrent && !framing.closes && body != .untilClose
        return .head(ReceivedResponse(head: head, framing: body, keepsAlive: keepsAlive))
    }
}

internal import HBONE
internal import MeshModel
internal import WaypointHTTP
internal import WaypointHTTP2
internal import WaypointRoute

// Messages of HTTP/2 in the form that every version has here, and back.

extension RequestMessage {
    /// The request on a stream, its path made plain. What HTTP/1.1 refuses is refused here too: another reader may get
    /// the request in that form.
    init(_ request: HTTP2RequestHead, isHeadOnly: Bool) throws(LocalReply) {
        let head: RequestHead
        do throws(RequestError) {
            head = try RequestHead(request)
        } catch {
            throw LocalReply(.request(error))
        }
        let limits = HTTPLimits()
        let isTooLarge = head.headers.count > limits.fieldsMax
        guard !isTooLarge, head.headers.byteCount <= limits.headBytesMax else {
            throw LocalReply(.headTooLarge)
        }
        guard head.headers.lines.hasNoControls else { throw LocalReply(.controlCharacter) }
        let length = head.headers.contentLength
        self.init(
            head: head, framing: length.map(BodyFraming.length) ?? (isHeadOnly ? .none : .chunked), version: "HTTP/2")
    }
}

extension ResponseHead {
    /// - Parameters:
    ///   - isHeadOnly: the head ended its stream.
    ///   - isToHead: the request was a HEAD, whose answer has no content whatever it says.
    /// - Returns: the answer, and the framing of its body.
    static func received(
        _ answer: HTTP2ResponseHead, isHeadOnly: Bool, isToHead: Bool
    ) -> (head: ResponseHead, framing: BodyFraming) {
        let headers = HeaderList(answer.fields)
        let length = headers.contentLength
        let framing = length.map(BodyFraming.length) ?? (isHeadOnly && !isToHead ? .length(0) : .chunked)
        let head = ResponseHead(status: UInt16(clamping: answer.status), headers: headers, isHeadOnly: isHeadOnly)
        return (head, framing)
    }

    /// - Parameter isToHead: the request was a HEAD.
    func http2(framing: BodyFraming, isToHead: Bool) -> HTTP2ResponseHead {
        var headers = headers
        // The end of the stream says that there is nothing.
        if case .length(let bytes) = framing, mayTellLength, !isHeadOnly || isToHead || bytes > 0 {
            headers.setContentLength(bytes)
        } else {
            headers.setContentLength(nil)
        }
        return HTTP2ResponseHead(status: Int(status), fields: headers.http2Lines)
    }

    /// Source: RFC 9110 section 8.6.
    private var mayTellLength: Bool { status >= 200 && status != 204 }
}

extension HTTP2RequestHead {
    /// A request as an endpoint gets it.
    init(_ head: RequestHead, framing: BodyFraming) {
        var headers = head.headers
        if case .length(let bytes) = framing {
            headers.setContentLength(bytes)
        } else {
            headers.setContentLength(nil)
        }
        self.init(head, headers: headers)
    }
}

extension HeaderList {
    private static let lengthName = Array("content-length".utf8)[...]

    /// Judged by the connection that it came on.
    fileprivate var contentLength: Int? {
        guard let place = index(of: Self.lengthName) else { return nil }
        return value(at: place).reduce(0) { $0 * 10 + Int($1) - 0x30 }
    }

    /// Leaves this length as the only one, or none.
    fileprivate mutating func setContentLength(_ bytes: Int?) {
        let name = Self.lengthName
        guard let place = index(of: name) else {
            if let bytes { append(name: name, value: Array("\(bytes)".utf8)[...]) }
            return
        }
        let isOnly = index(of: name, from: place + 1) == nil
        if let bytes, isOnly, value(at: place).elementsEqual("\(bytes)".utf8) { return }
        removeAll { $0 == name }
        if let bytes { append(name: name, value: Array("\(bytes)".utf8)[...]) }
    }
}

extension HeaderLines {
    /// No value holds a control but tabs.
    fileprivate var hasNoControls: Bool {
        for place in places {
            let value = bytes.span.extracting(place.value)
            for index in value.indices {
                let byte = value[index]
                guard (byte >= 0x20 && byte != 0x7f) || byte == 0x09 else { return false }
            }
        }
        return true
    }
}

extension CallTarget {
    /// Whether endpoints get HTTP/2: as the port says, and as the caller does where it says nothing.
    func takesHTTP2(fromHTTP2Caller: Bool) -> Bool {
        switch applicationProtocol {
        case .http2, .grpc: true
        case .unknown: fromHTTP2Caller
        case .http11, .tcp, .tls: false
        }
    }
}

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
        for index in 0..<head.headers.count {
            let isLegal = head.headers.value(at: index).allSatisfy { ($0 >= 0x20 && $0 != 0x7f) || $0 == 0x09 }
            guard isLegal else { throw LocalReply(.controlCharacter) }
        }
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
        var headers = HeaderList(answer.fields)
        let length = headers.contentLength
        headers.removeContentLength()
        let framing = length.map(BodyFraming.length) ?? (isHeadOnly && !isToHead ? .length(0) : .chunked)
        let head = ResponseHead(status: UInt16(clamping: answer.status), headers: headers, isHeadOnly: isHeadOnly)
        return (head, framing)
    }

    /// - Parameter isToHead: the request was a HEAD.
    func http2(framing: BodyFraming, isToHead: Bool) -> HTTP2ResponseHead {
        var headers = headers
        headers.removeContentLength()
        var fields = headers.http2Fields
        // The end of the stream says that there is nothing.
        if case .length(let bytes) = framing, mayTellLength, !isHeadOnly || isToHead || bytes > 0 {
            fields.append(HTTP2Field("content-length", "\(bytes)"))
        }
        return HTTP2ResponseHead(status: Int(status), fields: fields)
    }

    /// Source: RFC 9110 section 8.6.
    private var mayTellLength: Bool { status >= 200 && status != 204 }
}

extension HTTP2RequestHead {
    /// A request as an endpoint gets it.
    init(_ head: RequestHead, framing: BodyFraming) {
        var head = head
        head.headers.removeContentLength()
        self.init(head)
        if case .length(let bytes) = framing { fields.append(HTTP2Field("content-length", "\(bytes)")) }
    }
}

extension HeaderList {
    /// Judged by the connection that it came on.
    fileprivate var contentLength: Int? {
        joined("content-length".utf8).flatMap { Int(String(decoding: $0, as: UTF8.self)) }
    }

    fileprivate mutating func removeContentLength() {
        removeAll { $0.elementsEqual("content-length".utf8) }
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

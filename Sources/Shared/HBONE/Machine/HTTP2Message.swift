package import MeshModel

/// What a session carries. A tunnel's frames are the same, but what their header sections may say is not.
package enum HTTP2Purpose: Hashable, Sendable {
    /// CONNECT and nothing else. Source: RFC 9113 section 8.5.
    case tunnel
    /// Requests and responses of users, without CONNECT. Source: RFC 9113 section 8.
    case messages
}

/// A request before its content. Source: RFC 9113 section 8.3.1.
package struct HTTP2RequestHead: Hashable, Sendable {
    package var method: ArraySlice<UInt8>
    package var scheme: ArraySlice<UInt8>
    /// `host` or `host:port`; on receipt from `:authority` or, when there is none, from Host. Never empty on receipt.
    package var authority: ArraySlice<UInt8>
    /// Begins with `/`, or is `*` with OPTIONS.
    package var path: ArraySlice<UInt8>
    /// Without Host. Several Cookie fields were joined. Source: RFC 9113 section 8.2.3.
    package var fields: HeaderLines

    package init(
        method: ArraySlice<UInt8>, scheme: ArraySlice<UInt8>, authority: ArraySlice<UInt8>, path: ArraySlice<UInt8>,
        fields: HeaderLines
    ) {
        self.method = method
        self.scheme = scheme
        self.authority = authority
        self.path = path
        self.fields = fields
    }

    /// As texts, for requests of our own.
    package init(
        method: String, scheme: String = "http", authority: String, path: String, fields: HeaderLines = HeaderLines()
    ) {
        self.init(
            method: Array(method.utf8)[...], scheme: Array(scheme.utf8)[...], authority: Array(authority.utf8)[...],
            path: Array(path.utf8)[...], fields: fields)
    }
}

/// A response before its content, final or interim. Source: RFC 9113 section 8.3.2.
package struct HTTP2ResponseHead: Hashable, Sendable {
    /// 100 to 599, never 101.
    package var status: Int
    package var fields: HeaderLines

    package init(status: Int, fields: HeaderLines = HeaderLines()) {
        self.status = status
        self.fields = fields
    }
}

/// A request that is well-formed HTTP/2, and that we answer ourselves.
package enum HTTP2RefusedRequest: Hashable, Sendable, CustomStringConvertible {
    /// No proxy for everybody.
    case connect
    case headerListTooLarge(bytes: Int, bytesMax: Int)

    /// What it is answered with.
    package var status: Int {
        switch self {
        case .connect: 405
        case .headerListTooLarge: 431
        }
    }

    package var description: String {
        switch self {
        case .connect: "CONNECT is not served"
        case .headerListTooLarge(let bytes, let bytesMax): "header list has \(bytes) bytes, \(bytesMax) are allowed"
        }
    }
}

/// A header section of a message, judged.
package enum HTTP2Section: Hashable, Sendable {
    /// Server: a new stream. Answer with `sendResponse` or `reset`.
    case request(HTTP2RequestHead)
    /// Server: a new stream whose request is not served. Answer with `sendResponse(status: reason.status)`, or `reset`.
    case refused(HTTP2RefusedRequest)
    /// Client: 1xx, another one follows.
    case interim(HTTP2ResponseHead)
    /// Client: the final answer.
    case response(HTTP2ResponseHead)
    /// The end of the content; ends the peer's side of the stream.
    case trailers(HeaderLines)
}

/// What the driver of messages must know about bytes it fed to `HTTP2Session.nextMessageEvent`.
package enum HTTP2MessageEvent: Hashable, Sendable {
    indirect case section(HTTP2StreamID, HTTP2Section, endStream: Bool)
    /// DATA, resets, windows and what concerns the connection. Never a request or response of a tunnel.
    case event(HTTP2Event)
}

/// Why a header section was not sent. The stream and the connection are unharmed.
package enum HTTP2SendRefusal: Error, Hashable, Sendable {
    /// The stream is over, or this section may not stand here: a second answer, trailers without an answer.
    case streamClosed
    /// A name or value that must not stand in a header section of HTTP/2.
    case field(name: String)
}

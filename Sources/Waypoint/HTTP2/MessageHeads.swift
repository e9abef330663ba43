package import HBONE
package import MeshModel
package import WaypointRoute

// Header sections of HTTP/2 as the values that routes look at, and back. Fields keep the memory that they came in.

extension RequestHead {
    /// - Throws: ``RequestError`` for what HTTP/2 allows and no route can look at.
    package init(
        _ head: HTTP2RequestHead, normalization: PathNormalization = .base
    ) throws(RequestError) {
        self.init(
            method: try RequestMethod(head.method), scheme: try HTTPScheme(request: head.scheme),
            authority: try RequestAuthority(head.authority),
            path: try RequestPath(head.path, normalization: normalization), headers: HeaderList(head.fields))
    }
}

extension HTTP2RequestHead {
    /// Without fields that HTTP/2 does not have.
    package init(_ head: RequestHead) { self.init(head, headers: head.headers) }

    /// - Parameter headers: instead of those of the head.
    package init(_ head: RequestHead, headers: HeaderList) {
        self.init(
            method: head.method.bytes, scheme: FieldTable.text(head.scheme), authority: head.authority.bytes[...],
            path: head.path.target[...], fields: headers.http2Lines)
    }
}

extension HeaderList {
    /// Without what HTTP/2 does not have: fields of a connection, and Host, which is the authority.
    /// Source: RFC 9113 section 8.2.2.
    package var http2Lines: HeaderLines {
        var list = self
        if hasName(where: FieldTable.isConnectionSpecific) {
            list.removeAll { FieldTable.isConnectionSpecific($0.span) }
        }
        guard let value = list.joined(FieldTable.te) else { return list.lines }
        if !FieldTable.asksForTrailers(value) {
            list.removeAll { $0 == FieldTable.te }
        } else if value != FieldTable.trailers {
            list.replace(name: FieldTable.te, value: FieldTable.trailers)
        }
        return list.lines
    }
}

/// What fields are to HTTP/2, by name.
enum FieldTable {
    static let te = Array("te".utf8)[...]
    static let trailers = Array("trailers".utf8)[...]
    private static let http = Array("http".utf8)[...]
    private static let https = Array("https".utf8)[...]

    static func text(_ scheme: HTTPScheme) -> ArraySlice<UInt8> {
        switch scheme {
        case .http: http
        case .https: https
        }
    }

    static func isConnectionSpecific(_ name: Span<UInt8>) -> Bool {
        switch name.count {
        case 4: name.isEqual("host")
        case 7: name.isEqual("upgrade")
        case 10: name.isEqual("connection") || name.isEqual("keep-alive")
        case 14: name.isEqual("http2-settings")
        case 16: name.isEqual("proxy-connection")
        case 17: name.isEqual("transfer-encoding")
        default: false
        }
    }

    /// One of the list, whatever else the sender would take.
    static func asksForTrailers(_ value: ArraySlice<UInt8>) -> Bool {
        value.split(separator: UInt8(ascii: ",")).contains { part in
            let word = part.drop { $0 == 0x20 || $0 == 0x09 }.prefix(trailers.count)
            return word.elementsEqual(trailers) { $0 | 0x20 == $1 }
        }
    }
}

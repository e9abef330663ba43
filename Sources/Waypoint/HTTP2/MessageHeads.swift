package import HBONE
internal import MeshModel
package import WaypointRoute

// Header sections of HTTP/2 as the values that routes look at, and back.

extension RequestHead {
    /// - Throws: ``RequestError`` for what HTTP/2 allows and no route can look at.
    package init(
        _ head: HTTP2RequestHead, normalization: PathNormalization = .base
    ) throws(RequestError) {
        self.init(
            method: try RequestMethod(head.method.utf8), scheme: try HTTPScheme(request: head.scheme.utf8),
            authority: try RequestAuthority(head.authority.utf8),
            path: try RequestPath(head.path.utf8, normalization: normalization), headers: HeaderList(head.fields))
    }
}

extension HTTP2RequestHead {
    /// Without fields that HTTP/2 does not have.
    package init(_ head: RequestHead) {
        let method =
            switch head.method {
            case .known(let method): method.rawValue
            case .other(let bytes): String(decoding: bytes, as: UTF8.self)
            }
        self.init(
            method: method, scheme: head.scheme.rawValue,
            authority: String(decoding: head.authority.bytes, as: UTF8.self),
            path: String(decoding: head.path.target, as: UTF8.self), fields: head.headers.http2Fields)
    }
}

extension HeaderList {
    /// In their order.
    package init(_ fields: [HTTP2Field]) {
        self.init()
        reserveCapacity(fields: fields.count, bytes: fields.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count })
        for field in fields { append(name: field.name.utf8, value: field.value.utf8) }
    }

    /// Trailers, without what must not come behind content: framing, routing, who calls.
    /// Source: RFC 9110 section 6.5.1.
    package init(trailers fields: [HTTP2Field]) {
        self.init(fields.filter { !FieldTable.isNoTrailer($0.name) })
    }

    /// Without what HTTP/2 does not have: fields of a connection, and Host, which is the authority. What proves who
    /// somebody is enters no compression table. Source: RFC 9113 section 8.2.2, RFC 7541 section 7.1.3.
    package var http2Fields: [HTTP2Field] {
        var fields: [HTTP2Field] = []
        fields.reserveCapacity(count)
        for index in 0..<count {
            let name = String(decoding: name(at: index), as: UTF8.self)
            let value = String(decoding: value(at: index), as: UTF8.self)
            guard !FieldTable.isConnectionSpecific(name) else { continue }
            if name == "te" {
                guard FieldTable.asksForTrailers(value) else { continue }
                fields.append(HTTP2Field(name, "trailers"))
            } else {
                fields.append(HTTP2Field(name, value, isNeverIndexed: FieldTable.isSecret(name)))
            }
        }
        return fields
    }
}

/// What fields are to HTTP/2, by name.
enum FieldTable {
    static func isConnectionSpecific(_ name: String) -> Bool {
        switch name {
        case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade", "http2-settings", "host":
            true
        default: false
        }
    }

    static func isSecret(_ name: String) -> Bool {
        switch name {
        case "authorization", "proxy-authorization", "cookie", "set-cookie": true
        default: false
        }
    }

    static func isNoTrailer(_ name: String) -> Bool {
        switch name {
        case "content-length", "content-encoding", "content-range", "content-type", "trailer", "te", "expect",
            "max-forwards", "cache-control", "authorization", "cookie", "set-cookie":
            true
        default: isConnectionSpecific(name)
        }
    }

    /// One of the list, whatever else the sender would take.
    static func asksForTrailers(_ value: String) -> Bool {
        value.split(separator: ",").contains { part in
            part.drop { $0 == " " || $0 == "\t" }.lowercased().hasPrefix("trailers")
        }
    }
}

import NIOHPACK

/// A decoded header section of a message, taken apart and judged field by field.
/// Source: RFC 9113 sections 8.1 to 8.3.
struct MessageSection {
    enum Kind { case request, response, trailers }

    private(set) var method: String?
    private(set) var scheme: String?
    private(set) var authority: String?
    private(set) var path: String?
    private(set) var status: String?
    private(set) var host: String?
    private(set) var contentLength: Int?
    private(set) var fields: [HTTP2Field] = []
    private var cookie: Int?

    init(_ headers: HPACKHeaders, _ kind: Kind) throws(FaultFound) {
        fields.reserveCapacity(headers.count)
        var isPastPseudo = false
        for (name, value, indexing) in headers {
            if name.utf8.first == UInt8(ascii: ":") {
                guard !isPastPseudo else { throw FaultFound(.pseudoAfterField(String(name.prefix(32)))) }
                try takePseudo(name, value, kind)
            } else {
                isPastPseudo = true
                try FieldRules.checkField(name, value)
                try take(name, value, isNeverIndexed: indexing.isNever, kind)
            }
        }
    }

    private mutating func takePseudo(_ name: String, _ value: String, _ kind: Kind) throws(FaultFound) {
        try FieldRules.checkValue(name, value)
        switch (kind, name) {
        case (.trailers, _): throw FaultFound(.pseudoForbidden(String(name.prefix(32))))
        case (.request, ":method"): try Self.set(&method, name, value)
        case (.request, ":scheme"): try Self.set(&scheme, name, value)
        case (.request, ":authority"): try Self.set(&authority, name, value)
        case (.request, ":path"): try Self.set(&path, name, value)
        case (.response, ":status"): try Self.set(&status, name, value)
        default: throw FaultFound(.pseudoUnknown(String(name.prefix(32))))
        }
    }

    private mutating func take(
        _ name: String, _ value: String, isNeverIndexed: Bool, _ kind: Kind
    ) throws(FaultFound) {
        switch name {
        case "host" where kind == .request:
            guard host == nil else { throw FaultFound(.repeated(name)) }
            host = value
            return
        case "content-length" where kind != .trailers:
            guard contentLength == nil else { throw FaultFound(.repeated(name)) }
            contentLength = try Self.length(value)
        case "cookie" where kind == .request:
            if let cookie {
                fields[cookie].value += "; " + value
                fields[cookie].isNeverIndexed = fields[cookie].isNeverIndexed || isNeverIndexed
                return
            }
            cookie = fields.count
        default: break
        }
        fields.append(HTTP2Field(name, value, isNeverIndexed: isNeverIndexed))
    }

    private static func set(_ field: inout String?, _ name: String, _ value: String) throws(FaultFound) {
        guard field == nil else { throw FaultFound(.pseudoRepeated(name)) }
        field = value
    }

    /// Digits only. Source: RFC 9110 section 8.6.
    private static func length(_ text: String) throws(FaultFound) -> Int {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(text) else {
            throw FaultFound(.contentLength(String(text.prefix(32))))
        }
        return length
    }
}

extension HPACKIndexing {
    /// Whether the sender forbids every table on the way.
    var isNever: Bool {
        switch self {
        case .neverIndexed: true
        case .indexable, .nonIndexable: false
        }
    }
}

extension HTTP2RequestHead {
    /// `nil`: CONNECT, well-formed.
    init?(_ section: MessageSection) throws(FaultFound) {
        guard let method = section.method else { throw FaultFound(.pseudoMissing(":method")) }
        guard MessageRules.isToken(method) else { throw FaultFound(.target(":method")) }
        if method == "CONNECT" {
            for (name, value) in [(":scheme", section.scheme), (":path", section.path)] where value != nil {
                throw FaultFound(.pseudoForbidden(name))
            }
            return nil
        }
        guard let scheme = section.scheme else { throw FaultFound(.pseudoMissing(":scheme")) }
        guard MessageRules.isScheme(scheme) else { throw FaultFound(.target(":scheme")) }
        guard let path = section.path else { throw FaultFound(.pseudoMissing(":path")) }
        guard MessageRules.isPath(path, method: method) else { throw FaultFound(.target(":path")) }
        guard let authority = section.authority ?? section.host else {
            throw FaultFound(.pseudoMissing(":authority"))
        }
        guard MessageRules.isAuthority(authority) else { throw FaultFound(.target(":authority")) }
        if let host = section.host, !MessageRules.isSame(host, authority) { throw FaultFound(.hostDiffers) }
        self.init(method: method, scheme: scheme, authority: authority, path: path, fields: section.fields)
    }
}

extension HTTP2ResponseHead {
    init(_ section: MessageSection) throws(FaultFound) {
        guard let text = section.status else { throw FaultFound(.pseudoMissing(":status")) }
        guard text.utf8.count == 3, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let status = Int(text),
            (100...599).contains(status), status != 101
        else { throw FaultFound(.status(String(text.prefix(32)))) }
        // Neither may announce content. Source: RFC 9110 section 8.6.
        if let length = section.contentLength, status < 200 || (status == 204 && length > 0) {
            throw FaultFound(.contentLength("\(length)"))
        }
        self.init(status: status, fields: section.fields)
    }
}

/// What the parts of a request's target must look like. Source: RFC 9113 section 8.3.1, RFC 3986 sections 3.1 and 3.3.
enum MessageRules {
    static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    static func isScheme(_ text: String) -> Bool {
        guard let first = text.utf8.first, (0x41...0x5a).contains(first & 0xdf) else { return false }
        return text.utf8.allSatisfy { byte in
            (0x41...0x5a).contains(byte & 0xdf) || (0x30...0x39).contains(byte) || "+-.".utf8.contains(byte)
        }
    }

    /// No user information. Source: RFC 9113 section 8.3.1.
    static func isAuthority(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x21...0x7e).contains($0) && !"@/?#\\".utf8.contains($0) }
    }

    static func isPath(_ text: String, method: String) -> Bool {
        if text == "*" { return method == "OPTIONS" }
        guard text.utf8.first == UInt8(ascii: "/") else { return false }
        return text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "#") }
    }

    /// Names of hosts differ by letters, not by their case.
    static func isSame(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count
            && zip(left.utf8, right.utf8).allSatisfy { lowercased($0) == lowercased($1) }
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }
}

package import MeshModel

/// What a request says about itself before its body, taken apart and checked once.
package struct RequestHead: Hashable, Sendable {
    package var method: RequestMethod
    package var scheme: HTTPScheme
    package var authority: RequestAuthority
    package var path: RequestPath
    /// Without the host, which is the authority.
    package var headers: HeaderList

    package init(
        method: RequestMethod, scheme: HTTPScheme, authority: RequestAuthority, path: RequestPath,
        headers: HeaderList = HeaderList()
    ) {
        self.method = method
        self.scheme = scheme
        self.authority = authority
        self.path = path
        self.headers = headers
    }

    /// A POST with a content type of gRPC: its answers carry the status of the call.
    package var isGRPC: Bool {
        guard method == .known(.post), let type = headers.joined("content-type".utf8) else { return false }
        let name = "application/grpc".utf8
        guard type.starts(with: name) else { return false }
        let end = type.dropFirst(name.count).first
        return end == nil || end == UInt8(ascii: "+") || end == UInt8(ascii: ";")
    }
}

/// Why a request is refused before any route is looked at.
package enum RequestError: Error, Hashable, Sendable {
    /// Not a token, or a known method in other letters than capitals.
    case method
    /// Neither `http` nor `https`.
    case scheme
    /// Empty, too long, or not `HOST[:PORT]`.
    case authority
    /// Does not begin with `/`.
    case notOriginForm
    case targetTooLong
    /// Holds NUL, written out or escaped.
    case nul
    /// Holds a control character or a space.
    case controlCharacter
    /// Holds a fragment.
    case fragment
    /// A `%` without two hexadecimal digits.
    case escape

    /// 400, or 414 for what is only too long.
    package var status: UInt16 { self == .targetTooLong ? 414 : 400 }
}

/// The method of a request.
package enum RequestMethod: Hashable, Sendable {
    case known(HTTPMethod)
    case other([UInt8])

    /// Methods are case-sensitive; one that differs from a known one only in case is a trick and refused.
    /// - Throws: ``RequestError/method``.
    package init(_ bytes: some Collection<UInt8>) throws(RequestError) { try self.init(Array(bytes)[...]) }

    /// As the other, compiled for this type: generic functions are not specialised for other rooms.
    package init(_ bytes: ArraySlice<UInt8>) throws(RequestError) {
        // Nearly always one of the known ones, as it is written.
        for (method, text) in Self.known where text == bytes {
            self = .known(method)
            return
        }
        guard (1...32).contains(bytes.count), bytes.allSatisfy(HTTPToken.isTokenByte) else { throw .method }
        let isTrick = Self.known.contains { _, text in
            text.lazy.map(\.lowercased).elementsEqual(bytes.lazy.map(\.lowercased))
        }
        if isTrick { throw .method }
        self = .other(Array(bytes))
    }

    /// As it is written.
    package var bytes: ArraySlice<UInt8> {
        switch self {
        case .known(let method): Self.known.first { $0.0 == method }?.1 ?? []
        case .other(let bytes): bytes[...]
        }
    }

    /// Each as it is written; made once.
    private static let known: [(HTTPMethod, ArraySlice<UInt8>)] = HTTPMethod.allCases.map {
        ($0, Array($0.rawValue.utf8)[...])
    }
}

extension HTTPScheme {
    /// The scheme of a request, in letters of any case.
    /// - Throws: ``RequestError/scheme``.
    package init(request bytes: some Collection<UInt8>) throws(RequestError) {
        try self.init(request: Array(bytes)[...])
    }

    /// As the other, compiled for this type: generic functions are not specialised for other rooms.
    package init(request bytes: ArraySlice<UInt8>) throws(RequestError) {
        let (http, https) = (HTTPScheme.http.rawValue.utf8, HTTPScheme.https.rawValue.utf8)
        if bytes.elementsEqual(http, by: { $0.lowercased == $1 }) {
            self = .http
        } else if bytes.elementsEqual(https, by: { $0.lowercased == $1 }) {
            self = .https
        } else {
            throw .scheme
        }
    }
}

/// `HOST[:PORT]`: a name, an IPv4 address, or an IPv6 address in brackets.
package struct RequestAuthority: Hashable, Sendable {
    /// As the client wrote it, at most 261 bytes.
    package let bytes: [UInt8]
    /// The host in lower case, without port and without a final dot.
    package let host: [UInt8]
    package let port: UInt16?

    /// - Throws: ``RequestError/authority``; user information is refused too.
    package init(_ text: some Collection<UInt8>) throws(RequestError) { try self.init(Array(text)[...]) }

    /// As the other, compiled for this type: generic functions are not specialised for other rooms.
    package init(_ text: ArraySlice<UInt8>) throws(RequestError) {
        guard (1...261).contains(text.count) else { throw .authority }
        bytes = Array(text)
        var host = bytes[...]
        var digits: ArraySlice<UInt8>?
        if bytes.first == UInt8(ascii: "[") {
            guard let closing = bytes.firstIndex(of: UInt8(ascii: "]")) else { throw .authority }
            host = bytes[...closing]
            let rest = bytes[(closing + 1)...]
            guard rest.isEmpty || rest.first == UInt8(ascii: ":") else { throw .authority }
            digits = rest.isEmpty ? nil : rest.dropFirst()
            guard host.count > 2, host.dropFirst().dropLast().allSatisfy(Self.isAddressByte) else { throw .authority }
        } else {
            if let colon = bytes.firstIndex(of: UInt8(ascii: ":")) {
                host = bytes[..<colon]
                digits = bytes[(colon + 1)...]
            }
            if host.last == UInt8(ascii: ".") { host = host.dropLast() }
            guard !host.isEmpty, host.allSatisfy(Self.isNameByte) else { throw .authority }
        }
        guard host.count <= 255 else { throw .authority }
        self.host = host.map(\.lowercased)
        port = try digits.map(Self.port) ?? nil
    }

    private init(bytes: [UInt8], port: UInt16?) {
        self.bytes = bytes
        host = bytes
        self.port = port
    }

    /// The name of a rewrite.
    package init(_ name: DomainName) { self.init(bytes: Array(name.text.utf8), port: nil) }

    /// Decimal, 1 to 65,535; an empty port is no port (RFC 3986, 3.2.3).
    private static func port(_ digits: ArraySlice<UInt8>) throws(RequestError) -> UInt16? {
        guard !digits.isEmpty else { return nil }
        let isDecimal = digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard isDecimal, let port = UInt16(String(decoding: digits, as: UTF8.self)), port > 0 else { throw .authority }
        return port
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        byte.hexadecimalValue != nil || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
        default: false
        }
    }
}

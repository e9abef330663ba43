package import MeshModel

/// The header fields of a request, as policy asks for them.
package protocol RequestHeaders: Sendable {
    /// Every value of a field, in their order, one for each line that was received: nothing joined, nothing parted.
    /// - Parameter name: in lower case.
    func values(of name: String) -> [ArraySlice<UInt8>]
}

/// All that policy may look at in a request, or in a connection that carries none. Text is bytes as received, since
/// peers need not send Unicode.
package struct RequestFacts: Sendable {
    /// At a waypoint: the client's pod, and the service's address and port.
    package let connection: ConnectionFacts
    /// The client as trusted proxies name it, canonical; the TCP peer where there are none.
    package let remote: IPAddress
    /// What the client asked for in TLS. `nil`, and an empty one, is none.
    package let serverName: String?
    /// `nil` on a connection that carries no HTTP.
    package let http: HTTPFacts?

    package init(
        connection: ConnectionFacts, remote: IPAddress? = nil, serverName: String? = nil, http: HTTPFacts? = nil
    ) {
        self.connection = connection
        self.remote = remote?.canonical ?? connection.source
        self.serverName = serverName.flatMap { $0.isEmpty ? nil : $0 }
        self.http = http
    }
}

/// What only an HTTP request has. A class: every term of a policy looks at it, and counting one reference is cheaper
/// than six.
package final class HTTPFacts: Sendable {
    package let method: ArraySlice<UInt8>
    /// `:authority` or Host, with its port as sent.
    package let authority: ArraySlice<UInt8>
    /// The path as it will be forwarded, without query and fragment.
    package let path: ArraySlice<UInt8>
    package let headers: any RequestHeaders
    /// `nil` without a token that was found valid.
    package let claims: TokenClaims?

    /// - Parameter path: already normalized, once, by the same code that routes and forwards it: policy decodes
    ///   nothing. What follows a `?` or a `#` is cut off.
    package init(
        method: ArraySlice<UInt8>, authority: ArraySlice<UInt8>, path: ArraySlice<UInt8>,
        headers: any RequestHeaders, claims: TokenClaims? = nil
    ) {
        self.method = method
        self.authority = authority
        self.path = path.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        self.headers = headers
        self.claims = claims
    }

    /// The values of a field without the white space around them. The pseudo-header `:authority`, which is also Host,
    /// and `:method` count as fields.
    func values(ofHeader name: String) -> [ArraySlice<UInt8>] {
        switch name {
        case ":authority", "host": return [authority]
        case ":method": return [method]
        default: return headers.values(of: name).map(\.withoutBlanks)
        }
    }
}

extension ArraySlice<UInt8> {
    fileprivate var withoutBlanks: ArraySlice<UInt8> {
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        guard let first = firstIndex(where: { !isBlank($0) }), let last = lastIndex(where: { !isBlank($0) }) else {
            return []
        }
        return self[first...last]
    }
}

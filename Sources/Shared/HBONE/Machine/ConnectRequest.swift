/// What a CONNECT request of HBONE carries. All but the authority is for telemetry only, never for authorization.
/// Source: RFC 9113 section 8.5.
package struct ConnectRequest: Hashable, Sendable {
    /// `host:port` the peer wants to reach; on receipt it parses as `HostPort`.
    package var authority: String
    /// Who the source is, `key=value` list; several header lines are joined with a comma.
    package var baggage: String?
    /// `for="client address"`, optionally the service's host name.
    package var forwarded: String?
    /// W3C trace context, correlates the log lines of both ends.
    package var traceparent: String?
    /// The sender's network id (`x-forwarded-network`).
    package var forwardedNetwork: String?

    package init(
        authority: String, baggage: String? = nil, forwarded: String? = nil, traceparent: String? = nil,
        forwardedNetwork: String? = nil
    ) {
        self.authority = authority
        self.baggage = baggage
        self.forwarded = forwarded
        self.traceparent = traceparent
        self.forwardedNetwork = forwardedNetwork
    }
}

/// The final answer to a CONNECT request. Only 200 opens the tunnel.
package struct ConnectResponse: Hashable, Sendable {
    package var status: Int
    /// Who the destination is, `key=value` list.
    package var baggage: String?

    package init(status: Int, baggage: String? = nil) {
        self.status = status
        self.baggage = baggage
    }
}

/// A request that is well-formed HTTP/2 but that no tunnel can serve. The handler answers it with `status`.
package enum HTTP2BadRequest: Hashable, Sendable, CustomStringConvertible {
    case methodIsNotConnect(String)
    case authorityMissing
    /// Not `host:port`.
    case authorityInvalid(String)
    case headerListTooLarge(bytes: Int, bytesMax: Int)

    /// What the handler answers, with END_STREAM.
    package var status: Int {
        switch self {
        case .methodIsNotConnect, .authorityMissing, .authorityInvalid: 400
        case .headerListTooLarge: 431
        }
    }

    package var description: String {
        switch self {
        case .methodIsNotConnect(let method): "expected method CONNECT, found \(method)"
        case .authorityMissing: "expected a CONNECT authority, found none"
        case .authorityInvalid(let text): "expected a CONNECT authority of the form host:port, found \(text)"
        case .headerListTooLarge(let bytes, let bytesMax):
            "header list has \(bytes) bytes, \(bytesMax) are allowed"
        }
    }
}

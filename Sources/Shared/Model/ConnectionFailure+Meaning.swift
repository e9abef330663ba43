/// What the `response_flags` label of a connection says. Values are the wire texts.
package enum ResponseFlag: String, CaseIterable, Hashable, Sendable {
    /// Nothing to report.
    case none = "-"
    case denied = "DENY"
    case connectFailure = "CONNECT"
    case tlsFailure = "TLS_FAILURE"
    case http2HandshakeFailure = "H2_HANDSHAKE_FAILURE"
    case networkPolicy = "NETWORK_POLICY"
    case identityError = "IDENTITY_ERROR"
    case certificateRevoked = "CERT_REVOKED"
}

extension ConnectionFailure {
    /// The metric label of a connection that ends like this. Errors while copying, and our own drain, carry no flag.
    package var flag: ResponseFlag {
        switch self {
        case .policyRejection, .policyChanged:
            return .denied
        case .bind, .dial, .status, .poolDraining, .http2, .wrongMethod, .invalidAuthority, .noAuthority,
            .addressMismatch, .unknownSource, .unknownWaypoint, .unknownNetworkGateway, .noGatewayAddress,
            .noSuchHostname, .noPortForService, .noAddressForService, .noDestination, .noHealthyUpstream,
            .noServiceForAddress, .noTargetPort, .noResolvedAddress, .dns, .recursion, .unsupported, .limitReached:
            return .connectFailure
        case .hboneDialTimedOut:
            return .networkPolicy
        case .tls, .peerDistrusted:
            return .tlsFailure
        case .http2Handshake:
            return .http2HandshakeFailure
        case .identity:
            return .identityError
        case .certificateRevoked:
            return .certificateRevoked
        case .inputOutput, .receive, .send, .destinationDisconnected, .clientDisconnected, .closing, .drained,
            .drainTimedOut, .trackingFailed:
            return .none
        }
    }

    /// The peer has answered, and does not want it: a status of 400 to 499.
    package var isRefusal: Bool {
        if case .status(let status) = self { (400..<500).contains(status) } else { false }
    }

    /// The peer is a waypoint, and does not know that it is called for this (403, 404; RFC 9110, 15.5.20: 421). It may
    /// hear of that in a moment, or we that it is not.
    package var isMisdirected: Bool {
        if case .status(let status) = self { status == 403 || status == 404 || status == 421 } else { false }
    }

    /// Whether another endpoint may be tried, given that no byte has gone either way. True only where this endpoint
    /// (and not the request, the verdict or ourselves) is at fault.
    package var mayTryAnotherEndpoint: Bool {
        switch self {
        case .dial, .hboneDialTimedOut, .tls, .http2Handshake, .http2, .poolDraining, .noResolvedAddress, .dns:
            return true
        case .status(let status):
            return status == 502 || status == 503 || status == 504
        case .bind, .inputOutput, .identity, .receive, .send, .destinationDisconnected, .clientDisconnected, .closing,
            .policyRejection, .policyChanged, .certificateRevoked, .peerDistrusted, .wrongMethod, .invalidAuthority,
            .noAuthority, .addressMismatch, .unknownSource, .unknownWaypoint, .unknownNetworkGateway, .noGatewayAddress,
            .noSuchHostname, .noPortForService, .noAddressForService, .noDestination, .noHealthyUpstream,
            .noServiceForAddress, .noTargetPort, .recursion, .drained, .drainTimedOut, .trackingFailed,
            .unsupported, .limitReached:
            return false
        }
    }
}

extension ConnectionFailure: CustomStringConvertible {
    /// The `error` field of the access log.
    package var description: String {
        switch self {
        case .bind(let address, let cause): return "failed to bind to address \(address): \(cause)"
        case .inputOutput(let cause): return "io error: \(cause)"
        case .dial(let cause): return "connection failed: \(cause)"
        case .hboneDialTimedOut(let cause):
            return "connection timed out, maybe a NetworkPolicy is blocking HBONE port 15008: \(cause)"
        case .tls(let cause): return "tls error: \(cause)"
        case .http2Handshake(let cause): return "http2 handshake failed: \(cause)"
        case .http2(let cause): return "h2 failed: \(cause)"
        case .status(let status): return "http status: \(Self.describe(status: status))"
        case .poolDraining: return "pool draining"
        case .identity(let cause): return "identity error: \(cause)"
        case .receive(let cause): return "receive: \(cause)"
        case .send(let cause): return "send: \(cause)"
        case .destinationDisconnected: return "destination disconnected before all data was written"
        case .clientDisconnected: return "client disconnected before all data was written"
        case .closing(let cause): return "while closing connection: \(cause)"
        case .policyRejection(let reason): return "connection closed due to policy rejection: \(reason)"
        case .policyChanged: return "connection closed due to policy change"
        case .certificateRevoked: return "connection closed: peer certificate revoked by CRL"
        case .peerDistrusted(let cause): return "connection closed: peer certificate is no longer trusted: \(cause)"
        case .wrongMethod(let found): return "expected method CONNECT, got \(found)"
        case .invalidAuthority(let text): return "invalid CONNECT address \(text)"
        case .noAuthority(let text): return "no valid authority pseudo header: \(text)"
        case .addressMismatch(let local, let requested): return "ip mismatch: \(local) != \(requested)"
        case .drained: return "connection closed due to connection drain"
        case .drainTimedOut: return "connection failed to drain within the timeout"
        case .trackingFailed: return "connection tracking failed"
        case .unsupported(let feature): return "unsupported feature: \(feature)"
        case .limitReached(let limit): return "limit reached: \(limit)"
        case .unknownSource(let workload): return "failed to fetch information about local workload: \(workload)"
        case .unknownWaypoint(let text): return "unknown waypoint: \(text)"
        case .unknownNetworkGateway(let text): return "unknown network gateway: \(text)"
        case .noGatewayAddress(let text): return "no gateway address: \(text)"
        case .noSuchHostname(let hostname): return "no service or workload for hostname: \(hostname)"
        case .noPortForService(let hostname, let port):
            return "requested service \(hostname):\(port) found, but cannot resolve port"
        case .noAddressForService(let hostname): return "requested service \(hostname) found, but has no IP addresses"
        case .noDestination(let workload): return "no valid routing destination for workload: \(workload)"
        case .noHealthyUpstream(let address): return "no healthy upstream: \(address)"
        case .noServiceForAddress(let address): return "no service for target address: \(address)"
        case .noTargetPort(let workload): return "no valid target port for workload: \(workload)"
        case .noResolvedAddress(let workload): return "no ip addresses were resolved for workload: \(workload)"
        case .dns(let cause): return "dns: \(cause)"
        case .recursion: return "attempted recursive call to ourselves"
        }
    }

    /// Status code with its registered reason, for those that HBONE peers send (RFC 9110 section 15).
    private static func describe(status: Int) -> String {
        let reasons = [
            200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
            405: "Method Not Allowed", 408: "Request Timeout", 429: "Too Many Requests",
            431: "Request Header Fields Too Large", 500: "Internal Server Error", 501: "Not Implemented",
            502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
        ]
        guard let reason = reasons[status] else { return "\(status)" }
        return "\(status) \(reason)"
    }
}

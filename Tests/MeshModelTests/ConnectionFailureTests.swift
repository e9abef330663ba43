import MeshModel
import Testing

@Suite("Failures of connections")
struct ConnectionFailureTests {
    private static let address = TransportAddress(IPAddress(v4: 0x0a00_0001), port: 80)

    /// As Istio's ztunnel has them: error texts, metric flags, and what another endpoint could mend.
    static let table: [(ConnectionFailure, String, ResponseFlag, Bool)] = [
        (.bind(address: address, cause: "x"), "failed to bind to address 10.0.0.1:80: x", .connectFailure, false),
        (.inputOutput(cause: "x"), "io error: x", .none, false),
        (.dial(cause: "refused"), "connection failed: refused", .connectFailure, true),
        (
            .hboneDialTimedOut(cause: "10s"),
            "connection timed out, maybe a NetworkPolicy is blocking HBONE port 15008: 10s", .networkPolicy, true
        ),
        (.tls(cause: "x"), "tls error: x", .tlsFailure, true),
        (.http2Handshake(cause: "x"), "http2 handshake failed: x", .http2HandshakeFailure, true),
        (.http2(cause: "x"), "h2 failed: x", .connectFailure, true),
        (.status(503), "http status: 503 Service Unavailable", .connectFailure, true),
        (.status(401), "http status: 401 Unauthorized", .connectFailure, false),
        (.status(299), "http status: 299", .connectFailure, false),
        (.poolDraining, "pool draining", .connectFailure, true),
        (.identity(cause: "x"), "identity error: x", .identityError, false),
        (.receive(cause: "x"), "receive: x", .none, false),
        (.send(cause: "x"), "send: x", .none, false),
        (.destinationDisconnected, "destination disconnected before all data was written", .none, false),
        (.clientDisconnected, "client disconnected before all data was written", .none, false),
        (.closing(cause: "x"), "while closing connection: x", .none, false),
        (
            .policyRejection(.explicitlyDenied(policy: "a/b")),
            "connection closed due to policy rejection: explicitly denied by: a/b", .denied, false
        ),
        (
            .policyRejection(.noneAllowed),
            "connection closed due to policy rejection: allow policies exist, but none allowed", .denied, false
        ),
        (.policyChanged, "connection closed due to policy change", .denied, false),
        (.certificateRevoked, "connection closed: peer certificate revoked by CRL", .certificateRevoked, false),
        (
            .peerDistrusted(cause: "x"), "connection closed: peer certificate is no longer trusted: x", .tlsFailure,
            false
        ),
        (.wrongMethod(found: "GET"), "expected method CONNECT, got GET", .connectFailure, false),
        (.noHealthyUpstream(address), "no healthy upstream: 10.0.0.1:80", .connectFailure, false),
        (.recursion, "attempted recursive call to ourselves", .connectFailure, false),
        (.addressMismatch(local: "a", requested: "b"), "ip mismatch: a != b", .connectFailure, false),
        (.drained, "connection closed due to connection drain", .none, false),
        (.drainTimedOut, "connection failed to drain within the timeout", .none, false),
    ]

    @Test("each failure has its text, its flag and its retry rule", arguments: table.indices)
    func meaning(index: Int) {
        let (failure, text, flag, retries) = Self.table[index]
        #expect(failure.description == text)
        #expect(failure.flag == flag)
        #expect(failure.mayTryAnotherEndpoint == retries)
    }

    @Test("the flags have the values that dashboards know")
    func flags() {
        let expected = [
            "-", "DENY", "CONNECT", "TLS_FAILURE", "H2_HANDSHAKE_FAILURE", "NETWORK_POLICY", "IDENTITY_ERROR",
            "CERT_REVOKED",
        ]
        #expect(ResponseFlag.allCases.map(\.rawValue) == expected)
    }
}

/// Why a proxied connection failed or was cut. Closed: each case gives its own log text, metric flag and whether
/// another endpoint may be tried. Causes are texts of the room that saw them. Texts as Istio's ztunnel writes them.
package enum ConnectionFailure: Error, Hashable, Sendable {
    case bind(address: TransportAddress, cause: String)
    case inputOutput(cause: String)

    // Connecting to the next hop.
    case dial(cause: String)
    /// No answer on the HBONE port: a NetworkPolicy is the usual reason.
    case hboneDialTimedOut(cause: String)
    case tls(cause: String)
    case http2Handshake(cause: String)
    case http2(cause: String)
    /// The peer answered CONNECT with this status.
    case status(Int)
    case poolDraining
    /// Our own certificate is not to be had.
    case identity(cause: String)

    // Copying.
    case receive(cause: String)
    case send(cause: String)
    case destinationDisconnected
    case clientDisconnected
    case closing(cause: String)

    // Verdicts.
    case policyRejection(PolicyRejection)
    case policyChanged
    case certificateRevoked
    /// The roots have changed, and the peer's certificate does not lead to the present ones.
    case peerDistrusted(cause: String)

    // Requests that peers send to us.
    case wrongMethod(found: String)
    case invalidAuthority(String)
    case noAuthority(String)
    case addressMismatch(local: String, requested: String)

    // Routing.
    case unknownSource(workload: String)
    case unknownWaypoint(String)
    case unknownNetworkGateway(String)
    case noGatewayAddress(String)
    case noSuchHostname(String)
    case noPortForService(hostname: String, port: UInt16)
    case noAddressForService(hostname: String)
    case noDestination(workload: String)
    case noHealthyUpstream(TransportAddress)
    case noServiceForAddress(TransportAddress)
    case noTargetPort(workload: String)
    case noResolvedAddress(workload: String)
    case dns(cause: String)
    /// The connection would come back to ourselves.
    case recursion

    // Our own state.
    case drained
    case drainTimedOut
    case trackingFailed
    case unsupported(String)
    /// A named limit was reached; `limit` is its name.
    case limitReached(limit: String)
}

/// Why policy refused a connection before its first byte.
package enum PolicyRejection: Hashable, Sendable, CustomStringConvertible {
    case explicitlyDenied(policy: String)
    case noneAllowed
    /// The workload names this policy but discovery has not brought it; refused until it comes.
    case policyNotReceived(policy: String)
    case workloadNotFound
    case workloadMismatch

    package var description: String {
        switch self {
        case .explicitlyDenied(let policy): return "explicitly denied by: \(policy)"
        case .noneAllowed: return "allow policies exist, but none allowed"
        case .policyNotReceived(let policy): return "policy named by the workload was not received: \(policy)"
        case .workloadNotFound: return "workload not found"
        case .workloadMismatch: return "workload mismatch"
        }
    }
}

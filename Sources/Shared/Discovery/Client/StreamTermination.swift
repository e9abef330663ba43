import GRPCCore

/// Why a stream to the control plane ended; the label of ztunnel's metric
/// `istio_xds_connection_terminations_total`.
package enum StreamTermination: String, Hashable, Sendable, CaseIterable {
    /// There was no connection.
    case connectionError = "ConnectionError"
    /// The server ended it with an error.
    case error = "Error"
    /// The connection went away in an ordinary way.
    case reconnect = "Reconnect"
    /// The server ended it without an error.
    case complete = "Complete"

    /// Of an error that ended a stream. `hadMessages`: the stream worked before.
    package init(_ error: any Error, hadMessages: Bool) {
        guard let error = error as? RPCError else {
            self = hadMessages ? .reconnect : .connectionError
            return
        }
        switch error.code {
        case .unknown, .cancelled, .deadlineExceeded, .unavailable:
            self = hadMessages ? .reconnect : .connectionError
        default:
            self = .error
        }
    }
}

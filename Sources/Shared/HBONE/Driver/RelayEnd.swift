/// How one relayed connection ended. Byte counts are of the relay's own TCP channel.
package struct RelayEnd: Hashable, Sendable {
    /// Bytes read from the channel's peer.
    package let bytesFromChannel: UInt64
    /// Bytes handed to the channel for its peer.
    package let bytesToChannel: UInt64
    package let reason: Reason

    package init(bytesFromChannel: UInt64, bytesToChannel: UInt64, reason: Reason) {
        self.bytesFromChannel = bytesFromChannel
        self.bytesToChannel = bytesToChannel
        self.reason = reason
    }

    package enum Reason: Hashable, Sendable {
        /// Both directions ran to their end.
        case completed
        /// One side broke; the other was reset.
        case error(RelayError)
        /// We ended it; both sides were reset.
        case cut(RelayCut)
    }
}

/// Why we end a connection that works.
package enum RelayCut: Hashable, Sendable {
    case policyRejected
    case policyChanged
    case certificateRevoked
    /// The roots have changed; why they do not verify the peer of the tunnel any more.
    case peerDistrusted(String)
    case drained
    case drainDeadline
    case superseded(String)
}

extension RelayCut: CustomStringConvertible {
    /// The texts of the access log, those of Istio's ztunnel.
    package var description: String {
        switch self {
        case .policyRejected: "connection closed due to policy rejection"
        case .policyChanged: "connection closed due to policy change"
        case .certificateRevoked: "connection closed: peer certificate revoked by CRL"
        case .peerDistrusted(let why): "connection closed: peer certificate is no longer trusted: \(why)"
        case .drained: "connection closed due to connection drain"
        case .drainDeadline: "connection failed to drain within the timeout"
        case .superseded(let why): "connection closed: \(why)"
        }
    }
}

/// Which copy step broke, on which side, and why.
package enum RelayError: Error, Hashable, Sendable {
    /// Reading failed.
    case receive(RelaySide, RelayFault)
    /// Writing failed.
    case send(RelaySide, RelayFault)

    package var side: RelaySide {
        switch self {
        case .receive(let side, _), .send(let side, _): side
        }
    }

    package var fault: RelayFault {
        switch self {
        case .receive(_, let fault), .send(_, let fault): fault
        }
    }

    /// The kinds a log treats as a normal end, as Istio's ztunnel: not connected, unexpected EOF, connection reset,
    /// broken pipe.
    package var isOrdinary: Bool {
        switch fault {
        case .reset, .brokenPipe, .notConnected, .disconnected: true
        case .system, .stream, .tunnel, .other: false
        }
    }
}

/// A side of a relay, seen from the relay that reports.
package enum RelaySide: Hashable, Sendable {
    /// The TCP channel the relay sits on.
    case channel
    /// What it is joined to: a tunnel stream or another relay.
    case counterpart
}

/// What broke.
package enum RelayFault: Hashable, Sendable {
    case reset
    case brokenPipe
    case notConnected
    /// Gone before all data was written.
    case disconnected
    /// Another errno value.
    case system(errno: Int32)
    /// The peer reset the stream with this code.
    case stream(HTTP2ErrorCode)
    /// The connection that carried the stream ended.
    case tunnel(HBONECloseReason)
    case other(String)
}

extension RelayFault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .reset: "connection reset"
        case .brokenPipe: "broken pipe"
        case .notConnected: "not connected"
        case .disconnected: "disconnected before all data was written"
        case .system(let errno): "system error \(errno)"
        case .stream(let code): "stream reset by peer: \(code)"
        case .tunnel(let reason): "tunnel ended: \(reason)"
        case .other(let text): text
        }
    }
}

extension RelayError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .receive(_, let fault): "receive: \(fault)"
        case .send(_, let fault): "send: \(fault)"
        }
    }
}

extension RelayEnd.Reason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .completed: "completed"
        case .error(let error): "\(error)"
        case .cut(let cut): "\(cut)"
        }
    }
}

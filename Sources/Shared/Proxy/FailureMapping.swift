package import HBONE
internal import MeshKernel
package import MeshModel
internal import NIOCore

/// What other rooms report, as the one closed list of failures that logs and metrics know.
extension ConnectionFailure {
    /// A TCP connection could not be made.
    package init(dialing peer: TransportAddress, _ error: any Error) {
        switch error {
        case let failure as ConnectionFailure:
            self = failure
        case ChannelError.connectTimeout(let bound):
            let cause = "no answer from \(peer) within \(bound.nanoseconds / 1_000_000_000) s"
            self = peer.port == TunnelPorts.inboundHBONE ? .hboneDialTimedOut(cause: cause) : .dial(cause: cause)
        case let error as IOError:
            self = .dial(cause: "\(peer): \(error.description)")
        case let error as KernelError:
            self = .dial(cause: "\(peer): \(error)")
        default:
            self = .dial(cause: "\(peer): \(error)")
        }
    }

    /// A stream could not be opened.
    package init(tunnel error: HBONEError) {
        switch error {
        case .dial(let failure): self = failure
        case .status(let status): self = .status(status)
        case .poolDraining: self = .poolDraining
        case .poolFull: self = .limitReached(limit: "poolWaiting")
        case .connectionClosed(.cut(.peerDistrusted(let why))): self = .peerDistrusted(cause: why)
        case .connectionClosed(.settingsTimeout), .connectionClosed(.protocolViolation):
            self = .http2Handshake(cause: error.cause)
        case .streamReset, .goneAway, .connectionClosed, .noFreeStream, .unsendable:
            self = .http2(cause: error.cause)
        }
    }

    /// How copying ended; `nil` for an end that is nobody's failure. Disconnections of either side are ordinary.
    package init?(relay end: RelayEnd) {
        switch end.reason {
        case .completed:
            return nil
        case .error(let error):
            guard !error.isOrdinary else { return nil }
            switch error {
            case .receive(_, let fault): self = .receive(cause: fault.description)
            case .send(_, let fault): self = .send(cause: fault.description)
            }
        case .cut(let cut):
            switch cut {
            case .policyRejected: self = .policyRejection(.noneAllowed)
            case .policyChanged: self = .policyChanged
            case .certificateRevoked: self = .certificateRevoked
            case .peerDistrusted(let why): self = .peerDistrusted(cause: why)
            case .drained: self = .drained
            case .drainDeadline: self = .drainTimedOut
            case .superseded(let why): self = .closing(cause: why)
            }
        }
    }
}

extension Relay {
    /// Ends the connection for a reason of our own.
    package func close(_ failure: ConnectionFailure) {
        switch failure {
        case .policyChanged: close(.cut(.policyChanged))
        case .policyRejection: close(.cut(.policyRejected))
        case .certificateRevoked: close(.cut(.certificateRevoked))
        case .peerDistrusted(let cause): close(.cut(.peerDistrusted(cause)))
        case .drained: close(.cut(.drained))
        default: close(.cut(.superseded(failure.description)))
        }
    }
}

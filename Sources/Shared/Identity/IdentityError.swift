package import MeshModel
package import MeshTLS

/// Why there is no certificate for an identity.
package enum IdentityError: Error, Hashable, Sendable {
    /// The authority answered, and said no. `code` is its gRPC status, in words.
    case refused(identity: Identity, code: String, message: String)
    /// No answer: no connection, no token, or too late.
    case unreachable(identity: Identity, reason: String)
    /// What came back is not a certificate for our key and identity; or our key or request could not be made.
    case unusable(identity: Identity, TLSError)
    /// The certificate that came is over already: the clocks of authority and node differ.
    case alreadyExpired(identity: Identity, notAfterSeconds: Int64)
    /// An agent of SPIFFE's Workload API has no SVID for it, for us; or not any more: then none may be used either.
    case notGiven(identity: Identity, agent: String, reason: String)
    /// The last certificate has expired and could not be renewed.
    case expired(identity: Identity, lastFailure: String)
}

extension IdentityError {
    /// What is held must not be used any more, though it is valid.
    package var isWithdrawal: Bool {
        if case .notGiven = self { true } else { false }
    }
}

extension IdentityError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .refused(let identity, let code, let message):
            "the authority refused a certificate for \(identity): \(code): \(message)"
        case .unreachable(let identity, let reason):
            "no answer from the authority about \(identity): \(reason)"
        case .unusable(let identity, let error):
            "the certificate for \(identity) cannot be used: \(error)"
        case .alreadyExpired(let identity, let notAfterSeconds):
            "the certificate for \(identity) came expired (at Unix time \(notAfterSeconds)); check both clocks"
        case .notGiven(let identity, let agent, let reason):
            "the SPIFFE agent at \(agent) gives no SVID for \(identity): \(reason)"
        case .expired(let identity, let lastFailure):
            "the certificate for \(identity) has expired and was not renewed: \(lastFailure)"
        }
    }
}

package import MeshModel

/// What went wrong with TLS, and on whose side. Closed: a switch over it needs no default.
package enum TLSError: Error, Sendable, Hashable {
    /// libssl or libcrypto failed at something of ours; `reason` is its own text.
    case library(operation: String, reason: String)
    /// A certificate handed to us (ours, its chain, its roots) cannot be used.
    case ownCertificate(OwnCertificateProblem)
    /// The peer's chain did not verify against our roots.
    case peerCertificate(PeerCertificateProblem)
    /// The peer showed no certificate.
    case noPeerCertificate
    /// A client's check: the server is none of those we want to reach. `found`: every URI name in its leaf.
    case peerIdentity(expected: [Identity], found: [String])
    /// A client's check of a server outside of the mesh: its leaf has none of the names. `found`: those it has.
    case peerName(expected: [String], found: [String])
    /// A file that a connection needs (roots, a certificate, a key) cannot be used.
    case file(path: String, reason: String)
    /// A server's check: the client belongs to another trust domain. `found`: every URI name in its leaf.
    case peerTrustDomain(expected: String, found: [String])
    /// The peer does not speak `h2` by ALPN, or chose a protocol that was not offered.
    case noCommonProtocol
    /// The peer refused us or gave up, with this alert (RFC 8446 section 6).
    case alertReceived(TLSAlert)
    /// What the peer sent is not TLS 1.3 as we speak it; `reason` is libssl's text.
    case protocolViolation(reason: String)
    /// The handshake did not finish in time.
    case handshakeTimeout(milliseconds: Int64)
    /// The peer closed before the handshake was finished.
    case closedDuringHandshake
    /// A write or flush after we had closed.
    case closed
}

/// Why a certificate meant for us is refused (SPIFFE X509-SVID, sections 2 to 4).
package enum OwnCertificateProblem: Sendable, Hashable {
    case emptyChain
    /// The chain has one element only, so no roots came with it.
    case noRoots
    /// Element `index` of the chain holds no certificate that can be read.
    case notPEM(index: Int)
    /// DER that is none, of this part of an SVID.
    case unreadable(part: String)
    case keyMismatch
    case identityMismatch(expected: Identity, found: [String])
    case uniformResourceIdentifierCount(Int)
    case isAuthority
    case keyUsage(String)
    case extendedKeyUsage
    case alternativeNameNotCritical
}

/// Why a peer's certificate chain was refused.
package enum PeerCertificateProblem: Sendable, Hashable {
    case expired(subject: String, notAfterSeconds: Int64)
    case notYetValid(subject: String, notBeforeSeconds: Int64)
    case unknownIssuer(issuer: String)
    case wrongPurpose(subject: String)
    case other(subject: String, reason: String)
}

/// An alert as it came over the wire.
package struct TLSAlert: Sendable, Hashable {
    /// AlertDescription, RFC 8446 section 6.
    package let code: UInt8
    /// libssl's name for it, e.g. `bad certificate`.
    package let name: String

    package init(code: UInt8, name: String) {
        self.code = code
        self.name = name
    }
}

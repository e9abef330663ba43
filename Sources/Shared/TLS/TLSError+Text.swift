import MeshModel

extension TLSError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .ownCertificate, .peerIdentity, .peerTrustDomain: cause
        case .library, .peerCertificate, .noPeerCertificate, .noCommonProtocol, .alertReceived, .protocolViolation,
            .handshakeTimeout, .closedDuringHandshake, .closed, .peerName, .file:
            "tls error: \(cause)"
        }
    }

    /// What happened, without the words "tls error": for texts that begin with them already.
    package var cause: String {
        switch self {
        case .library(let operation, let reason):
            "\(operation): \(reason)"
        case .ownCertificate(let problem):
            "certificate refused: \(problem)"
        case .peerCertificate(let problem):
            "invalid peer certificate: \(problem)"
        case .noPeerCertificate:
            "peer sent no certificate; mutual TLS needs one"
        case .peerIdentity(let expected, let found):
            "identity verification error: peer did not present the expected SAN "
                + "(want \(Self.list(expected.map(\.description)))), got \(Self.list(found))"
        case .peerName(let expected, let found):
            "invalid peer certificate: it is not for \(Self.list(expected)), but for \(Self.list(found))"
        case .file(let path, let reason):
            "cannot use \(path): \(reason)"
        case .peerTrustDomain(let expected, let found):
            "identity verification error: peer did not present the expected trust domain "
                + "(want \(expected)), got \(Self.list(found))"
        case .noCommonProtocol:
            "peer did not agree to ALPN h2"
        case .alertReceived(let alert):
            "received fatal alert: \(alert.name) (\(alert.code))"
        case .protocolViolation(let reason):
            "peer does not speak TLS 1.3 as expected: \(reason)"
        case .handshakeTimeout(let milliseconds):
            "handshake not finished within \(milliseconds) ms"
        case .closedDuringHandshake:
            "peer closed the connection during the handshake"
        case .closed:
            "write after close"
        }
    }

    private static func list(_ names: [String]) -> String {
        names.isEmpty ? "none" : names.sorted().joined(separator: ", ")
    }
}

extension OwnCertificateProblem: CustomStringConvertible {
    package var description: String {
        switch self {
        case .emptyChain:
            "the chain is empty, expected leaf first and roots last"
        case .noRoots:
            "the chain has one element, expected leaf first and roots last: there are no roots to verify peers with"
        case .notPEM(let index):
            "chain element \(index) holds no readable PEM certificate"
        case .unreadable(let part):
            "the \(part) holds no readable DER"
        case .keyMismatch:
            "the leaf's public key is not that of the private key"
        case .identityMismatch(let expected, let found):
            "expected identity \(expected), found \(found.isEmpty ? "none" : found.joined(separator: ", "))"
        case .uniformResourceIdentifierCount(let count):
            "the leaf has \(count) URI names, an SVID has exactly one"
        case .isAuthority:
            "the leaf is a certificate authority, an SVID leaf must not be one"
        case .keyUsage(let found):
            "key usage needs digitalSignature without keyCertSign and cRLSign, found \(found)"
        case .extendedKeyUsage:
            "extended key usage is present without both serverAuth and clientAuth"
        case .alternativeNameNotCritical:
            "the subject is empty, so the subject alternative name must be critical, and it is not"
        }
    }
}

extension PeerCertificateProblem: CustomStringConvertible {
    package var description: String {
        switch self {
        case .expired(let subject, let notAfter):
            "expired: \(subject) was valid until \(UnixTime.text(notAfter))"
        case .notYetValid(let subject, let notBefore):
            "not valid yet: \(subject) is valid from \(UnixTime.text(notBefore)); check the clocks of both nodes"
        case .unknownIssuer(let issuer):
            "unknown issuer: no root of ours signed for \(issuer)"
        case .wrongPurpose(let subject):
            "\(subject) may not be used in this role (key usage or extended key usage)"
        case .other(let subject, let reason):
            "\(subject): \(reason)"
        }
    }
}

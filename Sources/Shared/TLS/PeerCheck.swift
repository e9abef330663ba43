package import MeshModel

/// Which peers a handshake admits, once their chain has verified.
package enum PeerExpectation: Hashable, Sendable {
    /// A client's: some URI name of the server's leaf is one of these. An empty set admits no one.
    case anyOf(Set<Identity>)
    /// A server's: some SPIFFE id of the client's leaf has one of these trust domains.
    case trustDomains(Set<String>)
}

/// A peer whose chain and identity were verified in a finished handshake. Only this room makes one.
package struct VerifiedPeer: Hashable, Sendable {
    /// The first URI name of its leaf that is a SPIFFE id in Istio's form.
    package let identity: Identity
    /// When its leaf ends, Unix seconds.
    package let notAfterSeconds: Int64
    /// Its leaf's, a decimal number.
    package let serialNumber: String
    /// Its leaf, then what else it sent: looked at again when roots change.
    let chain: [Certificate]

    init(identity: Identity, notAfterSeconds: Int64, serialNumber: String, chain: [Certificate]) {
        self.identity = identity
        self.notAfterSeconds = notAfterSeconds
        self.serialNumber = serialNumber
        self.chain = chain
    }

    package static func == (left: VerifiedPeer, right: VerifiedPeer) -> Bool {
        left.identity == right.identity && left.notAfterSeconds == right.notAfterSeconds
            && left.serialNumber == right.serialNumber
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(identity)
        hasher.combine(notAfterSeconds)
        hasher.combine(serialNumber)
    }
}

/// Fired up the pipeline once, before any plain text.
package struct TLSHandshakeFinished: Hashable, Sendable {
    package let peer: VerifiedPeer
}

/// What one handshake expects and finds. The verification callback works on it.
final class PeerCheck {
    let expectation: PeerExpectation
    /// `nil`: the roots of the context verify members of every trust domain.
    private let authorities: DomainAuthorities?
    private(set) var peer: VerifiedPeer?
    /// Why the peer was refused, in more detail than libssl's error queue holds.
    var refusal: TLSError?

    init(_ expectation: PeerExpectation, _ authorities: DomainAuthorities?) {
        self.expectation = expectation
        self.authorities = authorities
    }

    /// Prepares a verification; `false`: nobody vouches for the trust domain of the leaf.
    func choose(in check: OpaquePointer, for leaf: CertificateView) -> Bool {
        guard let authorities else { return true }
        if unsafe authorities.choose(in: check, for: leaf) { return true }
        refusal = unsafe .peerTrustDomain(
            expected: authorities.trustDomains.joined(separator: ", "), found: leaf.alternativeNames.uris)
        return false
    }

    /// Looks at a leaf whose chain has verified.
    /// - `chain`: the leaf and what the peer sent with it.
    func admit(_ leaf: CertificateView, _ chain: [Certificate]) -> Bool {
        let names = unsafe leaf.alternativeNames.uris
        let identities = names.compactMap { Identity($0) }
        switch expectation {
        case .anyOf(let expected):
            guard identities.contains(where: expected.contains) else {
                let wanted = expected.sorted { $0.description < $1.description }
                refusal = .peerIdentity(expected: wanted, found: names)
                return false
            }
        case .trustDomains(let expected):
            guard identities.contains(where: { expected.contains($0.trustDomain) }) else {
                refusal = .peerTrustDomain(expected: expected.sorted().joined(separator: ", "), found: names)
                return false
            }
        }
        guard let first = identities.first else { return false }
        peer = unsafe VerifiedPeer(
            identity: first, notAfterSeconds: leaf.notAfterSeconds, serialNumber: leaf.serialNumber, chain: chain)
        return true
    }
}

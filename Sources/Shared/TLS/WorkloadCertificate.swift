package import MeshModel

/// A certificate of ours with its key, and whom to believe with it. Immutable.
///
/// The leaf must keep the rules of SPIFFE X509-SVID wherever it comes from.
package final class WorkloadCertificate: Sendable {
    package let identity: Identity
    package let leaf: CertificateSummary
    /// Between leaf and roots, in the order sent to peers.
    package let intermediates: [CertificateSummary]
    /// Everybody who vouches for peers.
    package let anchors: Set<TrustAnchor>
    /// Of our own trust domain, in the order they came.
    private let ownRoots: [CertificateSummary]
    /// Trust domains whose members may call us: our own, and those that came with a bundle.
    package let trustDomains: Set<String>
    /// For connections we open. Made once.
    package let clientContext: TLSContext
    /// For connections we accept. Made once.
    package let serverContext: TLSContext

    /// What an authority answered. The order of the chain is that of IstioCertificateResponse.
    /// - `chainPEM`: first the leaf, last the roots (several in one text while they rotate), between them
    ///   intermediates. The roots vouch for members of every trust domain.
    /// - `key`: the one the request was signed with.
    /// - `identity`: what was asked for; the leaf must carry exactly that.
    ///
    /// Errors: `.ownCertificate`, `.library`.
    package convenience init(chainPEM: [String], key: PrivateKey, expecting identity: Identity) throws(TLSError) {
        guard let last = chainPEM.last else { throw .ownCertificate(.emptyChain) }
        guard chainPEM.count > 1 else { throw .ownCertificate(.noRoots) }
        var presented: [Certificate] = []
        for (index, text) in chainPEM.dropLast().enumerated() {
            presented += try Self.certificates(in: text, index: index)
        }
        let roots = try Self.certificates(in: last, index: chainPEM.count - 1)
        try self.init(identity, presented: presented, roots: roots, bundles: nil, key: key)
    }

    /// What an agent of SPIFFE's Workload API gave.
    /// - `chainDER`: the SVID, then intermediates.
    /// - `bundles`: by trust domain; our own must be among them. Each vouches for members of its domain only.
    ///
    /// Errors: `.ownCertificate`, `.library`.
    package convenience init(
        chainDER: [UInt8], key: PrivateKey, bundles: [String: TrustBundle], expecting identity: Identity
    ) throws(TLSError) {
        let presented: [Certificate]
        do { presented = try DERText.certificates(in: chainDER) } catch {
            throw .ownCertificate(.unreadable(part: "certificate chain"))
        }
        guard let own = bundles[identity.trustDomain] else { throw .ownCertificate(.noRoots) }
        try self.init(identity, presented: presented, roots: own.certificates, bundles: bundles, key: key)
    }

    /// - `bundles`: `nil`: the roots vouch for everybody.
    private init(
        _ identity: Identity, presented: [Certificate], roots: [Certificate], bundles: [String: TrustBundle]?,
        key: PrivateKey
    ) throws(TLSError) {
        guard let leafCertificate = presented.first else { throw .ownCertificate(.emptyChain) }
        if let problem = SVIDRules.problem(of: leafCertificate, key: key, expecting: identity) {
            throw .ownCertificate(problem)
        }
        let chain = Array(presented.dropFirst())
        self.identity = identity
        leaf = try CertificateSummary(leafCertificate)
        intermediates = try CertificateSummary.all(chain)
        ownRoots = try CertificateSummary.all(roots)
        var authorities: DomainAuthorities?
        if let bundles {
            authorities = try DomainAuthorities(bundles)
            trustDomains = Set(bundles.keys)
            anchors = Set(
                bundles.flatMap { name, bundle in
                    bundle.authorities.map { TrustAnchor(trustDomain: name, certificate: $0) }
                })
        } else {
            trustDomains = [identity.trustDomain]
            anchors = Set(ownRoots.map { TrustAnchor(trustDomain: nil, certificate: $0) })
        }
        let material = TLSMaterial(
            leaf: leafCertificate, chain: chain, roots: roots, authorities: authorities, key: key)
        clientContext = try TLSContext(role: .client, material: material)
        serverContext = try TLSContext(role: .server, material: material)
    }

    /// Everybody who vouches for peers, those of our own trust domain first.
    package var roots: [CertificateSummary] {
        let own = Set(ownRoots)
        return ownRoots
            + anchors.map(\.certificate).filter { !own.contains($0) }.sorted { $0.pem < $1.pem }
    }

    /// Unix seconds.
    package var notBeforeSeconds: Int64 { leaf.notBeforeSeconds }
    /// Unix seconds.
    package var notAfterSeconds: Int64 { leaf.notAfterSeconds }
    /// The leaf's, a decimal number.
    package var serialNumber: String { leaf.serialNumber }
    package var leafPEM: String { leaf.pem }
    package var intermediatesPEM: [String] { intermediates.map(\.pem) }
    package var rootsPEM: [String] { roots.map(\.pem) }

    private static func certificates(in text: String, index: Int) throws(TLSError) -> [Certificate] {
        let found: [Certificate]
        do { found = try PEMText.certificates(in: text) } catch { throw .ownCertificate(.notPEM(index: index)) }
        guard !found.isEmpty else { throw .ownCertificate(.notPEM(index: index)) }
        return found
    }
}

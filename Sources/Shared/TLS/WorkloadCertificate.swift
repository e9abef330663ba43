package import MeshModel

/// A certificate of ours with its key, and the roots that came with it. Immutable.
///
/// The order of the chain is that of IstioCertificateResponse; the leaf must also keep the rules of SPIFFE X509-SVID.
package final class WorkloadCertificate: Sendable {
    package let identity: Identity
    package let leaf: CertificateSummary
    /// Between leaf and roots, in the order sent to peers.
    package let intermediates: [CertificateSummary]
    /// Every root peers are verified against.
    package let roots: [CertificateSummary]
    /// For connections we open. Made once.
    package let clientContext: TLSContext
    /// For connections we accept. Made once.
    package let serverContext: TLSContext

    /// - `chainPEM`: first the leaf, last the roots (several in one text while they rotate), between them
    ///   intermediates.
    /// - `key`: the one the request was signed with.
    /// - `identity`: what was asked for; the leaf must carry exactly that.
    ///
    /// Errors: `.ownCertificate`, `.library`.
    package init(chainPEM: [String], key: PrivateKey, expecting identity: Identity) throws(TLSError) {
        guard let last = chainPEM.last else { throw .ownCertificate(.emptyChain) }
        guard chainPEM.count > 1 else { throw .ownCertificate(.noRoots) }
        var presented: [Certificate] = []
        for (index, text) in chainPEM.dropLast().enumerated() {
            presented += try Self.certificates(in: text, index: index)
        }
        let rootCertificates = try Self.certificates(in: last, index: chainPEM.count - 1)
        guard let leafCertificate = presented.first else { throw .ownCertificate(.emptyChain) }
        if let problem = SVIDRules.problem(of: leafCertificate, key: key, expecting: identity) {
            throw .ownCertificate(problem)
        }
        let chain = Array(presented.dropFirst())
        self.identity = identity
        leaf = try CertificateSummary(leafCertificate)
        intermediates = try Self.summaries(chain)
        roots = try Self.summaries(rootCertificates)
        let material = TLSMaterial(leaf: leafCertificate, chain: chain, roots: rootCertificates, key: key)
        clientContext = try TLSContext(role: .client, material: material)
        serverContext = try TLSContext(role: .server, material: material)
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

    private static func summaries(_ certificates: [Certificate]) throws(TLSError) -> [CertificateSummary] {
        var summaries: [CertificateSummary] = []
        for certificate in certificates { summaries.append(try CertificateSummary(certificate)) }
        return summaries
    }
}

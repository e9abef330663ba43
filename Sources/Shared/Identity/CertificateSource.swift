package import MeshModel
package import MeshTLS

/// Where certificates come from.
package protocol CertificateSource: Sendable {
    /// The newest certificate for an identity; the same object as before where there is no newer one. Answers or throws
    /// within the limit.
    func certificate(for identity: Identity, limit: Duration) async throws(IdentityError) -> WorkloadCertificate
}

/// Certificates that an authority signs for keys of ours.
package struct AuthoritySource: CertificateSource {
    private let authority: any CertificateAuthorityClient
    private let validitySeconds: Int64

    /// - validitySeconds: asked for; the authority may give less.
    package init(authority: any CertificateAuthorityClient, validitySeconds: Int64) {
        self.authority = authority
        self.validitySeconds = validitySeconds
    }

    /// A new key for each request: none is used longer than its certificate. Off the caller's actor, so that making
    /// keys does not hold up others.
    @concurrent package func certificate(
        for identity: Identity, limit: Duration
    ) async throws(IdentityError) -> WorkloadCertificate {
        let key: PrivateKey
        let request: String
        do throws(TLSError) {
            key = try PrivateKey.generate()
            request = try SigningRequest.pem(for: identity, key: key)
        } catch {
            throw .unusable(identity: identity, error)
        }
        let chain = try await authority.sign(
            request: request, for: identity, validitySeconds: validitySeconds, timeout: limit)
        do throws(TLSError) {
            return try WorkloadCertificate(chainPEM: chain, key: key, expecting: identity)
        } catch {
            throw .unusable(identity: identity, error)
        }
    }
}

import Crypto
import FoundationEssentials
import X509

/// The key that signs, its certificate, the certificates up to the root, and the roots that workloads trust.
struct SigningMaterial: Sendable {
    let key: Certificate.PrivateKey
    let certificate: Certificate
    /// Between leaf and root, the signing certificate first; empty when the root itself signs.
    let intermediates: [Certificate]
    let roots: [Certificate]

    /// A self-signed P-256 root.
    static func selfSigned(
        key: Certificate.PrivateKey, trustDomain: String, nowSeconds: Int64
    ) throws(AuthorityError) -> Certificate {
        do {
            let name = try DistinguishedName {
                OrganizationName(trustDomain)
                CommonName("Apus root of \(trustDomain)")
            }
            let extensions = try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                SubjectKeyIdentifier(hash: key.publicKey)
                AuthorityKeyIdentifier(keyIdentifier: SubjectKeyIdentifier(hash: key.publicKey).keyIdentifier)
            }
            let start = nowSeconds - AuthorityLimits.backDateSecondsMax
            return try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
                notValidBefore: Date(timeIntervalSince1970: Double(start)),
                notValidAfter: Date(timeIntervalSince1970: Double(nowSeconds + AuthorityLimits.rootLifetimeSeconds)),
                issuer: name, subject: name, extensions: extensions, issuerPrivateKey: key)
        } catch {
            throw .encoding("\(error)")
        }
    }
}

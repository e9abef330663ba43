import Crypto
import FoundationEssentials
package import MeshModel
import SwiftASN1
import X509

/// A certificate just issued.
package struct IssuedCertificate: Hashable, Sendable {
    /// In the order of IstioCertificateResponse: leaf, intermediates, and last all roots in one element.
    package let chainPEM: [String]
    package let validity: ValidityPeriod
    /// Hexadecimal.
    package let serialNumber: String
}

/// Signs certificates of workloads and of the control plane itself. Immutable; ``CurrentAuthority``
/// holds the present one.
package struct CertificateAuthority: Sendable {
    private let material: SigningMaterial
    private let intermediatesPEM: [String]
    private let lifetimes: LifetimePolicy
    /// Every root that workloads trust, concatenated.
    package let rootsPEM: String
    /// Subject of the signing certificate, for logs.
    package let signerName: String
    package let signerNotAfterSeconds: Int64

    /// Loads the authority from the state directory or makes it there at first start.
    package init(
        in state: StateDirectory, trustDomain: String, lifetimes: LifetimePolicy, nowSeconds: Int64
    ) throws(AuthorityError) {
        try self.init(
            try SigningMaterial.open(state, trustDomain: trustDomain, nowSeconds: nowSeconds), lifetimes: lifetimes)
    }

    /// The authority that lies elsewhere.
    package init(_ text: AuthorityText, lifetimes: LifetimePolicy, nowSeconds: Int64) throws(AuthorityError) {
        try self.init(try SigningMaterial.read(text, nowSeconds: nowSeconds), lifetimes: lifetimes)
    }

    private init(_ material: SigningMaterial, lifetimes: LifetimePolicy) throws(AuthorityError) {
        self.material = material
        self.lifetimes = lifetimes
        var intermediates: [String] = []
        for certificate in material.intermediates { intermediates.append(try SigningMaterial.pem(of: certificate)) }
        self.intermediatesPEM = intermediates
        var roots = ""
        for certificate in material.roots { roots += try SigningMaterial.pem(of: certificate) }
        self.rootsPEM = roots
        self.signerName = "\(material.certificate.subject)"
        self.signerNotAfterSeconds = Int64(material.certificate.notValidAfter.timeIntervalSince1970)
    }

    /// A fresh root with its key, to be kept where every replica finds it.
    package static func makeRoot(trustDomain: String, nowSeconds: Int64) throws(AuthorityError) -> AuthorityText {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let root = try SigningMaterial.pem(
            of: SigningMaterial.selfSigned(key: key, trustDomain: trustDomain, nowSeconds: nowSeconds))
        return AuthorityText(
            key: try SigningMaterial.pem(of: key), certificates: root, roots: root,
            places: AuthorityText.Places(key: "the new key", certificates: "the new root", roots: "the new root"))
    }

    /// Whether workloads with the other's roots believe what this one signs.
    func isTrusted(by other: CertificateAuthority) -> Bool { material.isTrusted(byRoots: other.material.roots) }

    /// Signs a workload's request. Of the request only the public key counts, and that its owner signed it; who the
    /// workload is has been decided by the caller.
    package func issue(
        signingRequestPEM: String, identity: Identity, requestedSeconds: Int64, nowSeconds: Int64
    ) throws(IssueRefusal) -> IssuedCertificate {
        let lifetimeSeconds = try lifetimes.grant(requestedSeconds: requestedSeconds)
        let key = try Self.provenKey(signingRequestPEM)
        let kind = try PublicKeyKind(key)
        let names = SubjectAlternativeNames([.uniformResourceIdentifier(identity.description)])
        return try sign(
            key, kind, names: names, subject: DistinguishedName(), usages: [.serverAuth, .clientAuth],
            lifetimeSeconds: lifetimeSeconds, nowSeconds: nowSeconds)
    }

    /// Signs a server certificate for a key of our own.
    func issueServer(
        _ key: Certificate.PublicKey, names: [GeneralName], lifetimeSeconds: Int64, nowSeconds: Int64
    ) throws(IssueRefusal) -> IssuedCertificate {
        try sign(
            key, .ellipticCurve, names: SubjectAlternativeNames(names), subject: DistinguishedName(),
            usages: [.serverAuth], lifetimeSeconds: lifetimeSeconds, nowSeconds: nowSeconds)
    }

    private static func provenKey(_ pem: String) throws(IssueRefusal) -> Certificate.PublicKey {
        guard pem.utf8.count <= AuthorityLimits.signingRequestBytesMax else {
            throw .requestTooLarge(bytes: pem.utf8.count, limitBytes: AuthorityLimits.signingRequestBytesMax)
        }
        let request: CertificateSigningRequest
        do {
            request = try CertificateSigningRequest(pemEncoded: pem)
        } catch {
            throw .notARequest("\(error)")
        }
        guard request.publicKey.isValidSignature(request.signature, for: request) else { throw .badSignature }
        return request.publicKey
    }

    private func sign(
        _ key: Certificate.PublicKey, _ kind: PublicKeyKind, names: SubjectAlternativeNames,
        subject: DistinguishedName, usages: [ExtendedKeyUsage.Usage], lifetimeSeconds: Int64, nowSeconds: Int64
    ) throws(IssueRefusal) -> IssuedCertificate {
        let wanted = ValidityPeriod(nowSeconds: nowSeconds, lifetimeSeconds: lifetimeSeconds)
        let validity = ValidityPeriod(
            notBeforeSeconds: wanted.notBeforeSeconds,
            notAfterSeconds: min(wanted.notAfterSeconds, signerNotAfterSeconds))
        guard validity.notAfterSeconds > nowSeconds else { throw .authorityExpired }
        do {
            let signer = material.certificate
            let signerKeyID = try signer.extensions.subjectKeyIdentifier?.keyIdentifier
                ?? SubjectKeyIdentifier(hash: signer.publicKey).keyIdentifier
            let isRSA = if case .rsa = kind { true } else { false }
            let extensions = try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true, keyEncipherment: isRSA))
                try ExtendedKeyUsage(usages)
                // An empty subject makes the name extension the subject: it must be critical (RFC 5280, 4.2.1.6).
                Critical(names)
                SubjectKeyIdentifier(hash: key)
                AuthorityKeyIdentifier(keyIdentifier: signerKeyID)
            }
            let certificate = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key,
                notValidBefore: Date(timeIntervalSince1970: Double(validity.notBeforeSeconds)),
                notValidAfter: Date(timeIntervalSince1970: Double(validity.notAfterSeconds)),
                issuer: signer.subject, subject: subject, extensions: extensions, issuerPrivateKey: material.key)
            let leaf = try certificate.serializeAsPEM().pemString + "\n"
            return IssuedCertificate(
                chainPEM: [leaf] + intermediatesPEM + [rootsPEM], validity: validity,
                serialNumber: Self.hexadecimal(certificate.serialNumber.bytes))
        } catch {
            throw .encoding("\(error)")
        }
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

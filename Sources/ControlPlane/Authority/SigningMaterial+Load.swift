import Crypto
import FoundationEssentials
import SwiftASN1
import X509

/// Names of the authority's files in the state directory.
package enum AuthorityFile {
    /// Private key of the signing certificate, PEM, mode 0600.
    package static let key = "ca.key"
    /// The signing certificate, then the certificates up to its root.
    package static let certificate = "ca.crt"
    /// What workloads and clients of the control plane trust; may hold an old and a new root at once.
    package static let roots = "root.crt"
}

extension SigningMaterial {
    /// Loads what is in the directory (made by us or put there), or makes a new root when there is nothing.
    static func open(
        _ state: StateDirectory, trustDomain: String, nowSeconds: Int64
    ) throws(AuthorityError) -> SigningMaterial {
        if !state.exists(AuthorityFile.key) {
            guard !state.exists(AuthorityFile.certificate) else {
                throw .incomplete(
                    present: state.path(of: AuthorityFile.certificate), missing: state.path(of: AuthorityFile.key))
            }
            let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
            try state.create(AuthorityFile.key, try pem(of: key), isSecret: true)
            return try finishRoot(state, key: key, trustDomain: trustDomain, nowSeconds: nowSeconds)
        }
        let key = try loadKey(state)
        guard state.exists(AuthorityFile.certificate) else {
            // Only a start that was interrupted leaves a key without anything else.
            guard !state.exists(AuthorityFile.roots) else {
                throw .incomplete(
                    present: state.path(of: AuthorityFile.key), missing: state.path(of: AuthorityFile.certificate))
            }
            return try finishRoot(state, key: key, trustDomain: trustDomain, nowSeconds: nowSeconds)
        }
        return try assemble(state, key: key, nowSeconds: nowSeconds)
    }

    private static func finishRoot(
        _ state: StateDirectory, key: Certificate.PrivateKey, trustDomain: String, nowSeconds: Int64
    ) throws(AuthorityError) -> SigningMaterial {
        let root = try selfSigned(key: key, trustDomain: trustDomain, nowSeconds: nowSeconds)
        try state.create(AuthorityFile.certificate, try pem(of: root), isSecret: false)
        return try assemble(state, key: key, nowSeconds: nowSeconds)
    }

    private static func assemble(
        _ state: StateDirectory, key: Certificate.PrivateKey, nowSeconds: Int64
    ) throws(AuthorityError) -> SigningMaterial {
        let path = state.path(of: AuthorityFile.certificate)
        let chain = try loadCertificates(state, AuthorityFile.certificate)
        guard chain[0].publicKey == key.publicKey else {
            throw .keyDoesNotMatch(keyPath: state.path(of: AuthorityFile.key), certificatePath: path)
        }
        for certificate in chain { try requireAuthority(certificate, path: path, nowSeconds: nowSeconds) }
        for (child, parent) in zip(chain, chain.dropFirst()) where !isSigned(child, by: parent) {
            throw .unusableCertificate(
                path: path, reason: "\(child.subject) is not signed by the next certificate, \(parent.subject)")
        }
        let last = chain[chain.count - 1]
        if !state.exists(AuthorityFile.roots) {
            guard isSigned(last, by: last) else {
                throw .unusableCertificate(
                    path: path, reason: "the last certificate must be the root (signed by itself), "
                        + "or the root must be in \(state.path(of: AuthorityFile.roots))")
            }
            try state.create(AuthorityFile.roots, try pem(of: last), isSecret: false)
        }
        let roots = try loadCertificates(state, AuthorityFile.roots)
        guard roots.contains(where: { $0 == last || isSigned(last, by: $0) }) else {
            throw .unusableCertificate(
                path: state.path(of: AuthorityFile.roots), reason: "expected the root of \(path) (\(last.subject)): "
                    + "workloads would not trust each other's certificates")
        }
        let intermediates = chain.filter { !roots.contains($0) && !isSigned($0, by: $0) }
        return SigningMaterial(key: key, certificate: chain[0], intermediates: intermediates, roots: roots)
    }

    private static func requireAuthority(
        _ certificate: Certificate, path: String, nowSeconds: Int64
    ) throws(AuthorityError) {
        let constraints = try? certificate.extensions.basicConstraints
        guard case .isCertificateAuthority? = constraints else {
            throw .unusableCertificate(
                path: path, reason: "\(certificate.subject) is no authority (CA:true is missing)")
        }
        if let usage = try? certificate.extensions.keyUsage, !usage.keyCertSign {
            throw .unusableCertificate(
                path: path, reason: "\(certificate.subject) may not sign (keyCertSign is missing)")
        }
        let now = Date(timeIntervalSince1970: Double(nowSeconds))
        guard certificate.notValidAfter > now else {
            throw .unusableCertificate(
                path: path, reason: "\(certificate.subject) has expired at \(certificate.notValidAfter)")
        }
    }

    private static func isSigned(_ child: Certificate, by parent: Certificate) -> Bool {
        child.issuer == parent.subject && parent.publicKey.isValidSignature(child.signature, for: child)
    }

    private static func loadKey(_ state: StateDirectory) throws(AuthorityError) -> Certificate.PrivateKey {
        let path = state.path(of: AuthorityFile.key)
        let text = try StateDirectory.readFile(path, isSecret: true, bytesMax: AuthorityLimits.keyFileBytesMax)
        do {
            return try Certificate.PrivateKey(pemEncoded: text)
        } catch {
            // The parser's words may quote the file: keep them out of logs.
            throw .unreadable(path: path, expected: "a private key in PEM", found: "something else")
        }
    }

    private static func loadCertificates(
        _ state: StateDirectory, _ name: String
    ) throws(AuthorityError) -> [Certificate] {
        let path = state.path(of: name)
        let text = try StateDirectory.readFile(
            path, isSecret: false, bytesMax: AuthorityLimits.certificateFileBytesMax)
        do {
            let certificates = try PEMDocument.parseMultiple(pemString: text).map(Certificate.init(pemDocument:))
            guard !certificates.isEmpty else {
                throw AuthorityError.unreadable(path: path, expected: "certificates in PEM", found: "none")
            }
            return certificates
        } catch let error as AuthorityError {
            throw error
        } catch {
            throw .unreadable(path: path, expected: "certificates in PEM", found: "\(error)")
        }
    }

    static func pem(of key: Certificate.PrivateKey) throws(AuthorityError) -> String {
        do { return try key.serializeAsPEM().pemString + "\n" } catch { throw .encoding("\(error)") }
    }

    static func pem(of certificate: Certificate) throws(AuthorityError) -> String {
        do { return try certificate.serializeAsPEM().pemString + "\n" } catch { throw .encoding("\(error)") }
    }
}

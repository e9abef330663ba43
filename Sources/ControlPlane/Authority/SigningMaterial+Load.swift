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
        guard state.exists(AuthorityFile.certificate) else {
            // Only a start that was interrupted leaves a key without anything else.
            guard !state.exists(AuthorityFile.roots) else {
                throw .incomplete(
                    present: state.path(of: AuthorityFile.key), missing: state.path(of: AuthorityFile.certificate))
            }
            let key = try privateKey(try keyText(state), path: state.path(of: AuthorityFile.key))
            return try finishRoot(state, key: key, trustDomain: trustDomain, nowSeconds: nowSeconds)
        }
        return try load(state, nowSeconds: nowSeconds)
    }

    private static func finishRoot(
        _ state: StateDirectory, key: Certificate.PrivateKey, trustDomain: String, nowSeconds: Int64
    ) throws(AuthorityError) -> SigningMaterial {
        let root = try selfSigned(key: key, trustDomain: trustDomain, nowSeconds: nowSeconds)
        try state.create(AuthorityFile.certificate, try pem(of: root), isSecret: false)
        return try load(state, nowSeconds: nowSeconds)
    }

    private static func load(_ state: StateDirectory, nowSeconds: Int64) throws(AuthorityError) -> SigningMaterial {
        let text = AuthorityText(
            key: try keyText(state), certificates: try certificateText(state, AuthorityFile.certificate),
            roots: state.exists(AuthorityFile.roots) ? try certificateText(state, AuthorityFile.roots) : nil,
            places: AuthorityText.Places(
                key: state.path(of: AuthorityFile.key), certificates: state.path(of: AuthorityFile.certificate),
                roots: state.path(of: AuthorityFile.roots)))
        let material = try read(text, nowSeconds: nowSeconds)
        if text.roots == nil { try state.create(AuthorityFile.roots, try pem(of: material.roots[0]), isSecret: false) }
        return material
    }

    /// What the texts hold, if it hangs together.
    static func read(_ text: AuthorityText, nowSeconds: Int64) throws(AuthorityError) -> SigningMaterial {
        let places = text.places
        let path = places.certificates
        let key = try privateKey(text.key, path: places.key)
        let chain = try certificates(text.certificates, path: path)
        guard chain[0].publicKey == key.publicKey else {
            throw .keyDoesNotMatch(keyPath: places.key, certificatePath: path)
        }
        for certificate in chain { try requireAuthority(certificate, path: path, nowSeconds: nowSeconds) }
        for (child, parent) in zip(chain, chain.dropFirst()) where !isSigned(child, by: parent) {
            throw .unusableCertificate(
                path: path, reason: "\(child.subject) is not signed by the next certificate, \(parent.subject)")
        }
        let last = chain[chain.count - 1]
        let roots: [Certificate]
        if let rootText = text.roots {
            roots = try certificates(rootText, path: places.roots)
        } else {
            guard isSigned(last, by: last) else {
                throw .unusableCertificate(
                    path: path, reason: "the last certificate must be the root (signed by itself), "
                        + "or the root must be in \(places.roots)")
            }
            roots = [last]
        }
        guard roots.contains(where: { $0 == last || isSigned(last, by: $0) }) else {
            throw .unusableCertificate(
                path: places.roots, reason: "expected the root of \(path) (\(last.subject)): "
                    + "workloads would not trust each other's certificates")
        }
        let intermediates = chain.filter { !roots.contains($0) && !isSigned($0, by: $0) }
        return SigningMaterial(key: key, certificate: chain[0], intermediates: intermediates, roots: roots)
    }

    /// Whether who trusts these roots believes what this material signs, with the chain that goes with it.
    func isTrusted(byRoots trusted: [Certificate]) -> Bool {
        let top = intermediates.last ?? certificate
        return trusted.contains { $0 == top || Self.isSigned(top, by: $0) }
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

    private static func keyText(_ state: StateDirectory) throws(AuthorityError) -> String {
        try StateDirectory.readFile(
            state.path(of: AuthorityFile.key), isSecret: true, bytesMax: AuthorityLimits.keyFileBytesMax)
    }

    private static func certificateText(_ state: StateDirectory, _ name: String) throws(AuthorityError) -> String {
        try StateDirectory.readFile(
            state.path(of: name), isSecret: false, bytesMax: AuthorityLimits.certificateFileBytesMax)
    }

    private static func privateKey(_ text: String, path: String) throws(AuthorityError) -> Certificate.PrivateKey {
        do {
            return try Certificate.PrivateKey(pemEncoded: text)
        } catch {
            // The parser's words may quote the file: keep them out of logs.
            throw .unreadable(path: path, expected: "a private key in PEM", found: "something else")
        }
    }

    private static func certificates(_ text: String, path: String) throws(AuthorityError) -> [Certificate] {
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

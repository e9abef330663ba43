import Crypto
import FoundationEssentials

/// An authority in PEM, wherever it lies: a state directory, a Secret, or files that somebody else keeps.
package struct AuthorityText: Hashable, Sendable {
    /// What is said of the parts in errors.
    package struct Places: Hashable, Sendable {
        package let key: String
        package let certificates: String
        package let roots: String

        package init(key: String, certificates: String, roots: String) {
            self.key = key
            self.certificates = certificates
            self.roots = roots
        }
    }

    package let key: String
    /// The signing certificate, then those up to its root.
    package let certificates: String
    /// What workloads trust; `nil`: the last of `certificates`.
    package let roots: String?
    package let places: Places

    package init(key: String, certificates: String, roots: String?, places: Places) {
        self.key = key
        self.certificates = certificates
        self.roots = roots
        self.places = places
    }

    /// Tells versions apart without keeping a copy of the key.
    package var fingerprint: String {
        var hash = SHA256()
        for part in [key, certificates, roots ?? ""] { hash.update(data: Data("\(part.utf8.count) \(part)".utf8)) }
        return hash.finalize().description
    }

    /// Names of entries, in Secrets and in files that are mounted from them.
    private struct Form {
        let key, certificate, chain, roots: String
    }

    private static let forms = [
        // istiod's Secrets `cacerts` and `istio-ca-secret` (istio.io, "Plug in CA Certificates").
        Form(key: "ca-key.pem", certificate: "ca-cert.pem", chain: "cert-chain.pem", roots: "root-cert.pem"),
        // Secrets of type kubernetes.io/tls, as cert-manager writes them.
        Form(key: "tls.key", certificate: "tls.crt", chain: "", roots: "ca.crt"),
    ]

    /// Every name that an entry of an authority may have.
    package static let entryNames = forms.flatMap { [$0.key, $0.certificate, $0.chain, $0.roots] }
        .filter { !$0.isEmpty }

    /// Entries of the Secret that is made where there is none.
    package var entries: [String: String] {
        let form = Self.forms[0]
        return [form.key: key, form.certificate: certificates, form.roots: roots ?? certificates]
    }

    /// Errors: `.incomplete` when a key is there without its certificate, or the other way round, or neither is.
    /// - Parameter place: where the entries lie, for people.
    package init(entries: [String: String], place: String) throws(AuthorityError) {
        func part(_ name: String) -> String? {
            entries[name].flatMap { text in text.allSatisfy(\.isWhitespace) ? nil : text }
        }
        func path(_ name: String) -> String { "\(place)/\(name)" }
        guard let form = Self.forms.first(where: { part($0.key) != nil || part($0.certificate) != nil }) else {
            throw .incomplete(present: place, missing: path(Self.forms[0].key))
        }
        guard let key = part(form.key) else {
            throw .incomplete(present: path(form.certificate), missing: path(form.key))
        }
        guard let certificate = part(form.certificate) else {
            throw .incomplete(present: path(form.key), missing: path(form.certificate))
        }
        var certificates = certificate.hasSuffix("\n") ? certificate : certificate + "\n"
        if let chain = part(form.chain) {
            // Chains with and without the signing certificate itself are about.
            certificates = chain.hasPrefix(certificate.trimmed) ? chain : certificates + chain
        }
        self.init(
            key: key, certificates: certificates, roots: part(form.roots),
            places: Places(
                key: path(form.key), certificates: path(form.certificate), roots: path(form.roots)))
    }
}

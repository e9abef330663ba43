import COpenSSL
import MeshModel

/// The authorities of one trust domain (SPIFFE Trust Domain and Bundle, section 4).
package struct TrustBundle: Sendable {
    let certificates: [Certificate]
    package let authorities: [CertificateSummary]

    /// - der: certificates one after the other, as SPIFFE's Workload API has them.
    ///
    /// Errors: `.ownCertificate(.unreadable)`, `.ownCertificate(.noRoots)`, `.library`.
    package init(der: [UInt8]) throws(TLSError) {
        do { certificates = try DERText.certificates(in: der) } catch {
            throw .ownCertificate(.unreadable(part: "trust bundle"))
        }
        guard !certificates.isEmpty else { throw .ownCertificate(.noRoots) }
        authorities = try CertificateSummary.all(certificates)
    }
}

/// One authority that peers may lead to.
package struct TrustAnchor: Hashable, Sendable {
    /// Whose members it vouches for; `nil`: anybody's.
    package let trustDomain: String?
    package let certificate: CertificateSummary
}

/// Which authorities verify the members of which trust domain. A peer is verified by those of the domain it claims and
/// by no others, so that no domain can make members of another (SPIFFE Workload API, section 4.6).
final class DomainAuthorities: Sendable {
    private let stacks: [String: CertificateStack]

    /// Errors: `.library`.
    init(_ bundles: [String: TrustBundle]) throws(TLSError) {
        var stacks: [String: CertificateStack] = [:]
        for (name, bundle) in bundles { stacks[name] = try CertificateStack(bundle.certificates) }
        self.stacks = stacks
    }

    var trustDomains: [String] { stacks.keys.sorted() }

    /// Has a verification that was begun and not yet done look only at the authorities of the leaf's trust domain.
    /// `false`: there are none, or the leaf does not say one domain. An SVID has one URI name (SPIFFE X509-SVID,
    /// section 2): with two of different domains, one domain could vouch for a member of the other.
    func choose(in check: OpaquePointer, for leaf: CertificateView) -> Bool {
        let names = unsafe leaf.alternativeNames.uris
        guard names.count == 1, let identity = Identity(names[0]), let stack = stacks[identity.trustDomain] else {
            return false
        }
        unsafe X509_STORE_CTX_set0_trusted_stack(check, stack.pointer)
        if stack.isPartial { unsafe X509_STORE_CTX_set_flags(check, UInt(X509_V_FLAG_PARTIAL_CHAIN)) }
        return true
    }
}

/// Owns a list of authorities in libcrypto's form.
/// Why sound to share: never changed after `init`; verifications only read it.
@safe final class CertificateStack: @unchecked Sendable {
    let pointer: OpaquePointer
    /// Some are signed by others: they are believed as they stand.
    let isPartial: Bool
    /// The list borrows them.
    private let certificates: [Certificate]

    init(_ certificates: [Certificate]) throws(TLSError) {
        guard let list = unsafe apus_sk_X509_new_null() else { throw LibraryErrors.failure("make a list of roots") }
        unsafe pointer = list
        self.certificates = certificates
        isPartial = !certificates.allSatisfy(\.signsItself)
        for certificate in certificates {
            guard unsafe apus_sk_X509_push(list, certificate.pointer) > 0 else {
                throw LibraryErrors.failure("fill a list of roots")
            }
        }
    }

    deinit { unsafe apus_sk_X509_free(pointer) }
}

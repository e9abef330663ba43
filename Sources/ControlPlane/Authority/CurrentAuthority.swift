import Synchronization

/// The authority that signs now. It is replaced as a whole, and only by one that breaks no trust.
package final class CurrentAuthority: Sendable {
    private let present: Mutex<CertificateAuthority>

    package init(_ authority: CertificateAuthority) { present = Mutex(authority) }

    package var current: CertificateAuthority { present.withLock { $0 } }

    /// From now on this one signs. A root is changed in three steps, each a replacement of its own: the new root comes
    /// beside the old one; when every workload has renewed its certificate since, the new key signs; after as long
    /// again, the old root goes. A replacement that leaves a step out throws `.breaksTrust`, and nothing changes.
    package func replace(by next: CertificateAuthority) throws(AuthorityError) {
        let old = current
        guard next.isTrusted(by: old) else {
            throw .breaksTrust(
                "workloads do not trust \(next.signerName) yet: first add its root to the old one, with the old key")
        }
        guard old.isTrusted(by: next) else {
            throw .breaksTrust(
                "certificates of \(old.signerName) are in use, and its root is not among the new ones: keep it")
        }
        present.withLock { $0 = next }
    }
}

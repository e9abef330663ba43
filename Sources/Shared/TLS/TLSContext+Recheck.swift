import COpenSSL

// Roots change while connections live: the same question as in a handshake, asked again.
extension TLSContext {
    /// Why a chain that was admitted in an earlier handshake of this role does not lead to these roots; `nil` when it
    /// does. Dates are not looked at: the end of a certificate ends new handshakes, not connections that live.
    func problem(of chain: [Certificate]) -> PeerCertificateProblem? {
        guard let leaf = chain.first else { return .other(subject: "certificate", reason: "none was kept") }
        defer { LibraryErrors.clear() }
        guard let check = unsafe X509_STORE_CTX_new() else { return unanswered(leaf) }
        defer { unsafe X509_STORE_CTX_free(check) }
        guard let sent = unsafe apus_sk_X509_new_null() else { return unanswered(leaf) }
        defer { unsafe apus_sk_X509_free(sent) }
        for certificate in chain.dropFirst() {
            guard unsafe apus_sk_X509_push(sent, certificate.pointer) > 0 else { return unanswered(leaf) }
        }
        let usage = role == .client ? "ssl_server" : "ssl_client"
        guard let store = unsafe SSL_CTX_get_cert_store(pointer),
            unsafe X509_STORE_CTX_init(check, store, leaf.pointer, sent) == 1,
            unsafe X509_STORE_CTX_set_default(check, usage) == 1
        else { return unanswered(leaf) }
        unsafe X509_STORE_CTX_set_flags(check, UInt(X509_V_FLAG_NO_CHECK_TIME))
        unsafe X509_STORE_CTX_set_depth(check, TLSLimits.chainDepthMax)
        unsafe X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(check), TLSLimits.securityLevel)
        if let authorities {
            let view = unsafe CertificateView(leaf.pointer)
            guard unsafe authorities.choose(in: check, for: view) else {
                return unsafe .other(subject: view.subject, reason: "nobody vouches for its trust domain any more")
            }
        }
        guard unsafe X509_verify_cert(check) == 1 else { return unsafe PeerCertificateProblem(check) }
        return nil
    }

    /// What cannot be verified is not believed.
    private func unanswered(_ leaf: Certificate) -> PeerCertificateProblem {
        let reason = LibraryErrors.drain()?.text ?? "no reason given"
        return unsafe .other(subject: CertificateView(leaf.pointer).subject, reason: reason)
    }
}

extension WorkloadCertificate {
    /// Why a peer of a live connection would not be verified any more by the roots that came with this certificate;
    /// `nil` when it would. Not its dates, see ``TLSContext``.
    /// - `role`: ours on that connection.
    package func problem(of peer: VerifiedPeer, as role: TLSContext.Role) -> PeerCertificateProblem? {
        (role == .client ? clientContext : serverContext).problem(of: peer.chain)
    }
}

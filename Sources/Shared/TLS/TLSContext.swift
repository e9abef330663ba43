import COpenSSL

/// Who we are and whom we believe, in one role: libssl's SSL_CTX, made once per certificate and role.
///
/// TLS 1.3 only, AES-GCM only, ALPN exactly `h2`, certificates on both sides, no server name, no session
/// resumption, no early data. The same as Istio's ztunnel.
///
/// Why sound to share: nothing is set after `init`; libssl's reference counts are atomic and it allows making
/// sessions of one SSL_CTX on several threads.
@safe package final class TLSContext: @unchecked Sendable {
    package enum Role: Hashable, Sendable { case client, server }

    package let role: Role
    let pointer: OpaquePointer
    let authorities: DomainAuthorities?

    init(role: Role, material: TLSMaterial) throws(TLSError) {
        let method = unsafe role == .client ? TLS_client_method() : TLS_server_method()
        guard let pointer = unsafe SSL_CTX_new(method) else { throw LibraryErrors.failure("make a TLS context") }
        self.role = role
        authorities = material.authorities
        unsafe self.pointer = pointer
        try restrictProtocol()
        try install(material)
        try trust(material.roots)
        installVerification()
        try agreeOnHTTP2()
    }

    deinit { unsafe SSL_CTX_free(pointer) }

    private func restrictProtocol() throws(TLSError) {
        // AES-128 first: as strong as our keys need, and a quarter cheaper per byte than AES-256.
        let suites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"
        guard unsafe apus_SSL_CTX_set_min_proto_version(pointer, TLS1_3_VERSION) == 1,
            unsafe apus_SSL_CTX_set_max_proto_version(pointer, TLS1_3_VERSION) == 1,
            unsafe SSL_CTX_set_ciphersuites(pointer, suites) == 1
        else { throw LibraryErrors.failure("restrict the protocol") }
        let options = apus_SSL_OP_NO_TICKET | apus_SSL_OP_NO_RENEGOTIATION | apus_SSL_OP_CIPHER_SERVER_PREFERENCE
        unsafe SSL_CTX_set_options(pointer, options)
        unsafe SSL_CTX_set_num_tickets(pointer, 0)
        unsafe SSL_CTX_set_max_early_data(pointer, 0)
        unsafe _ = apus_SSL_CTX_set_session_cache_mode(pointer, Int(SSL_SESS_CACHE_OFF))
        // Explicit, because a distribution's openssl.cnf may set another.
        unsafe SSL_CTX_set_security_level(pointer, TLSLimits.securityLevel)
        unsafe SSL_CTX_set_verify_depth(pointer, TLSLimits.chainDepthMax)
        unsafe _ = apus_SSL_CTX_set_max_cert_list(pointer, TLSLimits.peerChainBytesMax)
        // An idle connection then holds no 16 KiB record buffers.
        unsafe _ = apus_SSL_CTX_set_mode(pointer, apus_SSL_MODE_RELEASE_BUFFERS)
    }

    private func install(_ material: TLSMaterial) throws(TLSError) {
        guard unsafe SSL_CTX_use_certificate(pointer, material.leaf.pointer) == 1,
            unsafe SSL_CTX_use_PrivateKey(pointer, material.key.handle.pointer) == 1,
            unsafe SSL_CTX_check_private_key(pointer) == 1
        else { throw LibraryErrors.failure("install certificate and key") }
        for intermediate in material.chain {
            guard unsafe apus_SSL_CTX_add1_chain_cert(pointer, intermediate.pointer) == 1 else {
                throw LibraryErrors.failure("install an intermediate certificate")
            }
        }
    }

    private func trust(_ roots: [Certificate]) throws(TLSError) {
        guard let store = unsafe SSL_CTX_get_cert_store(pointer) else {
            throw LibraryErrors.failure("open the root store")
        }
        for root in roots {
            guard unsafe X509_STORE_add_cert(store, root.pointer) == 1 else {
                throw LibraryErrors.failure("install a root certificate")
            }
        }
        // A root signed by another one is believed as it stands only with this flag; with self-signed roots alone
        // chains must reach them in full.
        if authorities == nil, !roots.allSatisfy(\.signsItself) {
            unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        }
    }
}

/// What a context is made of.
struct TLSMaterial {
    let leaf: Certificate
    let chain: [Certificate]
    let roots: [Certificate]
    /// Where each trust domain has its own, these verify peers and not the roots.
    let authorities: DomainAuthorities?
    let key: PrivateKey
}

import COpenSSL
package import MeshModel

/// How we speak TLS as a client to servers outside of the mesh: libssl's SSL_CTX, made once for equal roots and files.
///
/// TLS 1.2 and 1.3, ciphers with forward secrecy and authentication only. Servers are verified by public authorities
/// and names, never by identities of the mesh; nothing of the mesh's certificates is in here. No session resumption,
/// no early data.
///
/// Why sound to share: as for ``TLSContext``.
@safe package final class OriginContext: @unchecked Sendable {
    let pointer: OpaquePointer
    let isUnverified: Bool
    /// The files that were read, as they were then.
    private let files: [FileStamp]

    /// Where operating systems keep all their authorities in one file: Debian, Fedora, openSUSE, Alpine.
    private static let systemBundles = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ]

    /// Reads files, so not for event loops.
    /// - Parameters:
    ///   - settings: its roots and files; names are each session's own.
    ///   - systemRoots: the file of the system's authorities; `nil`: where operating systems have it.
    ///
    /// Errors: `.file`, `.library`.
    package init(_ settings: OriginTLS, systemRoots: String? = nil) throws(TLSError) {
        guard let pointer = unsafe SSL_CTX_new(TLS_client_method()) else {
            throw LibraryErrors.failure("make a TLS context")
        }
        unsafe self.pointer = pointer
        isUnverified = settings.isUnverified
        var paths = [settings.client?.certificate, settings.client?.privateKey].compactMap(\.self)
        let roots = settings.isUnverified ? nil : Self.rootsPath(settings.roots, systemRoots)
        if let roots { paths.append(roots) }
        // Before they are read: a change in between is seen the next time.
        files = paths.map(FileStamp.init)
        try restrictProtocol()
        try trust(settings, rootsPath: roots)
        if let client = settings.client { try show(client) }
        installVerification()
    }

    deinit { unsafe SSL_CTX_free(pointer) }

    /// None of its files has changed since they were read. Looks at the disk.
    package var isCurrent: Bool { files.allSatisfy { $0 == FileStamp($0.path) } }

    private static func rootsPath(_ roots: OriginTLS.Roots, _ systemRoots: String?) -> String? {
        switch roots {
        case .text: nil
        case .file(let path): path
        case .system: systemRoots ?? systemBundles.first { FileStamp($0).exists } ?? systemBundles[0]
        }
    }

    private func restrictProtocol() throws(TLSError) {
        guard unsafe apus_SSL_CTX_set_min_proto_version(pointer, TLS1_2_VERSION) == 1,
            unsafe SSL_CTX_set_cipher_list(pointer, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1
        else { throw LibraryErrors.failure("restrict the protocol") }
        unsafe SSL_CTX_set_options(pointer, apus_SSL_OP_NO_TICKET | apus_SSL_OP_NO_RENEGOTIATION)
        unsafe _ = apus_SSL_CTX_set_session_cache_mode(pointer, Int(SSL_SESS_CACHE_OFF))
        unsafe SSL_CTX_set_security_level(pointer, TLSLimits.securityLevel)
        unsafe SSL_CTX_set_verify_depth(pointer, TLSLimits.chainDepthMax)
        unsafe _ = apus_SSL_CTX_set_max_cert_list(pointer, TLSLimits.peerChainBytesMax)
        unsafe _ = apus_SSL_CTX_set_mode(pointer, apus_SSL_MODE_RELEASE_BUFFERS)
    }

    private func trust(_ settings: OriginTLS, rootsPath: String?) throws(TLSError) {
        guard !isUnverified else { return }
        guard let store = unsafe SSL_CTX_get_cert_store(pointer) else {
            throw LibraryErrors.failure("open the root store")
        }
        if case .text(let text) = settings.roots {
            let roots = try PEMText.certificates(in: text)
            guard !roots.isEmpty else { throw .library(operation: "read PEM", reason: "there is no certificate") }
            for root in roots {
                guard unsafe X509_STORE_add_cert(store, root.pointer) == 1 else {
                    throw LibraryErrors.failure("install a root certificate")
                }
            }
        } else if let rootsPath {
            guard unsafe X509_STORE_load_file(store, rootsPath) == 1 else {
                throw .file(path: rootsPath, reason: LibraryErrors.drain()?.text ?? "it holds no certificate")
            }
        }
        // Whom somebody names is believed, also one that others have signed.
        if settings.roots != .system { unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN)) }
    }

    private func show(_ client: OriginTLS.ClientFiles) throws(TLSError) {
        // A key with a password would be asked for on a terminal.
        unsafe SSL_CTX_set_default_passwd_cb(pointer) { _, _, _, _ in 0 }
        guard unsafe SSL_CTX_use_certificate_chain_file(pointer, client.certificate) == 1 else {
            throw .file(path: client.certificate, reason: Self.reason)
        }
        guard unsafe SSL_CTX_use_PrivateKey_file(pointer, client.privateKey, SSL_FILETYPE_PEM) == 1,
            unsafe SSL_CTX_check_private_key(pointer) == 1
        else { throw .file(path: client.privateKey, reason: Self.reason) }
    }

    private static var reason: String { LibraryErrors.drain()?.text ?? "no reason given" }

    private func installVerification() {
        unsafe SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
        unsafe SSL_CTX_set_cert_verify_callback(
            pointer,
            { store, _ in
                guard let store = unsafe store else { return 0 }
                return unsafe OriginContext.verify(store) ? 1 : 0
            }, nil)
    }

    /// Chain, dates and purpose by libcrypto, then the names. Runs inside the handshake.
    private static func verify(_ store: OpaquePointer) -> Bool {
        let index = SSL_get_ex_data_X509_STORE_CTX_idx()
        guard let session = unsafe X509_STORE_CTX_get_ex_data(store, index),
            let data = unsafe apus_SSL_get_app_data(OpaquePointer(session))
        else { return false }
        let check = unsafe Unmanaged<OriginCheck>.fromOpaque(data).takeUnretainedValue()
        if check.isUnverified { return true }
        guard unsafe X509_verify_cert(store) == 1 else {
            unsafe check.refusal = .peerCertificate(PeerCertificateProblem(store))
            return false
        }
        guard let leaf = unsafe X509_STORE_CTX_get0_cert(store), unsafe check.admits(CertificateView(leaf)) else {
            unsafe X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH)
            return false
        }
        return true
    }
}

import COpenSSL

// What libssl calls back. C functions hold no state: it comes through the session's application data.
extension TLSContext {
    func installVerification() {
        let mode = SSL_VERIFY_PEER | (role == .server ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0)
        unsafe SSL_CTX_set_verify(pointer, mode, nil)
        unsafe SSL_CTX_set_cert_verify_callback(
            pointer,
            { store, _ in
                guard let store = unsafe store else { return 0 }
                return unsafe TLSContext.verify(store) ? 1 : 0
            }, nil)
    }

    /// Chain, dates and purpose by libcrypto, then protocol and identity by us. Runs inside the handshake: a refusal
    /// becomes an alert before any byte of data.
    private static func verify(_ store: OpaquePointer) -> Bool {
        let index = SSL_get_ex_data_X509_STORE_CTX_idx()
        guard let rawSession = unsafe X509_STORE_CTX_get_ex_data(store, index),
            let data = unsafe apus_SSL_get_app_data(OpaquePointer(rawSession))
        else { return unsafe refuse(store) }
        let check = unsafe Unmanaged<PeerCheck>.fromOpaque(data).takeUnretainedValue()
        guard let leaf = unsafe X509_STORE_CTX_get0_cert(store),
            unsafe check.choose(in: store, for: CertificateView(leaf))
        else { return unsafe refuse(store) }
        guard unsafe X509_verify_cert(store) == 1 else {
            unsafe check.refusal = .peerCertificate(PeerCertificateProblem(store))
            return false
        }
        guard unsafe agreedOnHTTP2(OpaquePointer(rawSession)) else {
            check.refusal = .noCommonProtocol
            return unsafe refuse(store, as: X509_V_ERR_APPLICATION_VERIFICATION)
        }
        guard unsafe check.admit(CertificateView(leaf), presented(leaf, store)) else { return unsafe refuse(store) }
        return true
    }

    /// The leaf and whatever the peer sent with it; they share libssl's memory.
    private static func presented(_ leaf: OpaquePointer, _ store: OpaquePointer) -> [Certificate] {
        var chain = unsafe [Certificate(sharing: leaf)]
        guard let sent = unsafe X509_STORE_CTX_get0_untrusted(store) else { return chain }
        for index in 0..<max(0, unsafe apus_sk_X509_num(sent)) {
            guard let certificate = unsafe apus_sk_X509_value(sent, index), unsafe certificate != leaf else { continue }
            unsafe chain.append(Certificate(sharing: certificate))
        }
        return chain
    }

    /// The alert follows from the error number: X509_V_ERR_CERT_REJECTED sends `bad certificate`.
    private static func refuse(_ store: OpaquePointer, as error: Int32 = X509_V_ERR_CERT_REJECTED) -> Bool {
        unsafe X509_STORE_CTX_set_error(store, error)
        return false
    }

    /// Both sides demand it, since a peer that names no protocol at all gets past ALPN's own rules.
    private static func agreedOnHTTP2(_ session: OpaquePointer) -> Bool {
        var name: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        unsafe SSL_get0_alpn_selected(session, &name, &count)
        return unsafe isHTTP2(UnsafeBufferPointer(start: name, count: Int(count))[...])
    }

    func agreeOnHTTP2() throws(TLSError) {
        guard role == .server else {
            let offer: [UInt8] = [2, UInt8(ascii: "h"), UInt8(ascii: "2")]
            // The one call of libssl where zero is success.
            guard unsafe SSL_CTX_set_alpn_protos(pointer, offer, 3) == 0 else {
                throw LibraryErrors.failure("offer ALPN h2")
            }
            return
        }
        unsafe SSL_CTX_set_alpn_select_cb(
            pointer,
            { _, chosen, chosenCount, offered, offeredCount, _ in
                let offer = unsafe UnsafeBufferPointer(start: offered, count: Int(offeredCount))
                guard let name = unsafe TLSContext.http2(in: offer) else { return SSL_TLSEXT_ERR_ALERT_FATAL }
                unsafe chosen?.pointee = name.baseAddress
                unsafe chosenCount?.pointee = UInt8(name.count)
                return SSL_TLSEXT_ERR_OK
            }, nil)
    }

    /// `h2` in a list of names, each after a byte of length.
    private static func http2(in offer: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8>? {
        var index = offer.startIndex
        while index < offer.endIndex {
            let end = unsafe index + 1 + Int(offer[index])
            guard end <= offer.endIndex else { return nil }
            let name = unsafe offer[(index + 1)..<end]
            if unsafe isHTTP2(name) { return unsafe UnsafeBufferPointer(rebasing: name) }
            index = end
        }
        return nil
    }

    private static func isHTTP2(_ name: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        unsafe name.elementsEqual([UInt8(ascii: "h"), UInt8(ascii: "2")])
    }
}

extension PeerCertificateProblem {
    /// Why X509_verify_cert said no.
    init(_ store: OpaquePointer) {
        let error = unsafe X509_STORE_CTX_get_error(store)
        guard let failed = unsafe X509_STORE_CTX_get_current_cert(store) ?? X509_STORE_CTX_get0_cert(store) else {
            self = .other(subject: "certificate", reason: Self.text(error))
            return
        }
        let view = unsafe CertificateView(failed)
        switch error {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            self = unsafe .expired(subject: view.subject, notAfterSeconds: view.notAfterSeconds)
        case X509_V_ERR_CERT_NOT_YET_VALID:
            self = unsafe .notYetValid(subject: view.subject, notBeforeSeconds: view.notBeforeSeconds)
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_SIGNATURE_FAILURE:
            self = unsafe .unknownIssuer(issuer: view.issuer)
        case X509_V_ERR_INVALID_PURPOSE:
            self = unsafe .wrongPurpose(subject: view.subject)
        default:
            self = unsafe .other(subject: view.subject, reason: Self.text(error))
        }
    }

    private static func text(_ error: Int32) -> String {
        unsafe X509_verify_cert_error_string(Int(error)).map { unsafe String(cString: $0) } ?? "error \(error)"
    }
}

import COpenSSL

/// DER in memory: what SPIFFE's Workload API speaks.
enum DERText {
    /// Every certificate of a concatenation, in order; nothing may stand between or behind them. Errors: `.library`.
    static func certificates(in bytes: [UInt8]) throws(TLSError) -> [Certificate] {
        var found: [Certificate] = []
        let isWhole = unsafe bytes.withUnsafeBufferPointer { buffer in
            var position = buffer.baseAddress
            var rest = buffer.count
            while rest > 0 {
                let start = unsafe position
                guard let pointer = unsafe d2i_X509(nil, &position, rest), let start = unsafe start,
                    let position = unsafe position
                else { return false }
                unsafe found.append(Certificate(owning: pointer))
                rest -= unsafe position - start
            }
            return true
        }
        guard isWhole else { throw LibraryErrors.failure("read DER") }
        return found
    }

    /// The key of a PKCS #8 structure (RFC 5958), not encrypted; nothing may stand behind it. Errors: `.library`.
    static func key(in bytes: [UInt8]) throws(TLSError) -> KeyHandle {
        let key: KeyHandle? = unsafe bytes.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return nil }
            var position: UnsafePointer<UInt8>? = unsafe start
            guard let wrapped = unsafe d2i_PKCS8_PRIV_KEY_INFO(nil, &position, buffer.count) else { return nil }
            defer { unsafe PKCS8_PRIV_KEY_INFO_free(wrapped) }
            guard unsafe position == start + buffer.count, let pointer = unsafe EVP_PKCS82PKEY(wrapped) else {
                return nil
            }
            return unsafe KeyHandle(owning: pointer)
        }
        guard let key else { throw LibraryErrors.failure("read PKCS #8") }
        return key
    }
}

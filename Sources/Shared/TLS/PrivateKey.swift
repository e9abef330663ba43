import COpenSSL

/// A private key, P-256 if we made it. Lives in memory only: nothing here writes it out.
package struct PrivateKey: Sendable {
    let handle: KeyHandle

    /// A fresh random key. Errors: `.library`.
    package static func generate() throws(TLSError) -> PrivateKey {
        guard let key = unsafe apus_EVP_EC_gen("P-256") else {
            throw LibraryErrors.failure("generate a P-256 key")
        }
        return unsafe PrivateKey(handle: KeyHandle(owning: key))
    }

    /// Somebody else made it: DER of PKCS #8, not encrypted. Errors: `.ownCertificate(.unreadable)`.
    package static func read(pkcs8: [UInt8]) throws(TLSError) -> PrivateKey {
        do { return PrivateKey(handle: try DERText.key(in: pkcs8)) } catch {
            throw .ownCertificate(.unreadable(part: "private key"))
        }
    }
}

/// Owns one EVP_PKEY.
/// Why sound to share: the key is never changed after `generate`, its reference count is atomic, and libcrypto
/// lets several threads sign with one EVP_PKEY.
@safe final class KeyHandle: @unchecked Sendable {
    let pointer: OpaquePointer

    init(owning pointer: OpaquePointer) { unsafe self.pointer = pointer }

    deinit { unsafe EVP_PKEY_free(pointer) }
}

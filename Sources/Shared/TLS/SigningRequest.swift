import COpenSSL
package import MeshModel

/// Certificate signing requests (PKCS #10, RFC 2986) in the form Istio's CA expects.
package enum SigningRequest {
    /// PEM of a request: empty subject, one critical subject alternative name with one URI, signed with SHA-256.
    /// Errors: `.library`.
    package static func pem(for identity: Identity, key: PrivateKey) throws(TLSError) -> String {
        guard let request = unsafe X509_REQ_new() else { throw LibraryErrors.failure("make a signing request") }
        defer { unsafe X509_REQ_free(request) }
        guard unsafe X509_REQ_set_version(request, 0) == 1,
            unsafe X509_REQ_set_pubkey(request, key.handle.pointer) == 1
        else { throw LibraryErrors.failure("fill a signing request") }
        try unsafe addAlternativeName(identity.description, to: request)
        guard unsafe X509_REQ_sign(request, key.handle.pointer, EVP_sha256()) > 0 else {
            throw LibraryErrors.failure("sign a signing request")
        }
        return try unsafe PEMText.write { output in unsafe PEM_write_bio_X509_REQ(output, request) }
    }

    private static func addAlternativeName(_ uri: String, to request: OpaquePointer) throws(TLSError) {
        guard let names = unsafe apus_sk_GENERAL_NAME_new_null() else {
            throw LibraryErrors.failure("make a name list")
        }
        defer { unsafe GENERAL_NAMES_free(names) }
        // Built from values, not from libcrypto's extension text syntax: there a comma in a name would add names.
        guard let name = unsafe GENERAL_NAME_new(), let text = unsafe ASN1_IA5STRING_new() else {
            throw LibraryErrors.failure("make a name")
        }
        unsafe GENERAL_NAME_set0_value(name, GEN_URI, text)
        guard unsafe ASN1_STRING_set(text, uri, Int32(uri.utf8.count)) == 1,
            unsafe apus_sk_GENERAL_NAME_push(names, name) > 0
        else {
            unsafe GENERAL_NAME_free(name)
            throw LibraryErrors.failure("fill a name")
        }
        guard let list = unsafe apus_sk_X509_EXTENSION_new_null() else {
            throw LibraryErrors.failure("make an extension list")
        }
        defer { unsafe apus_sk_X509_EXTENSION_pop_free(list) }
        guard let encoded = unsafe X509V3_EXT_i2d(NID_subject_alt_name, 1, UnsafeMutableRawPointer(names)) else {
            throw LibraryErrors.failure("encode the subject alternative name")
        }
        guard unsafe apus_sk_X509_EXTENSION_push(list, encoded) > 0 else {
            unsafe X509_EXTENSION_free(encoded)
            throw LibraryErrors.failure("add the subject alternative name")
        }
        guard unsafe X509_REQ_add_extensions(request, list) == 1 else {
            throw LibraryErrors.failure("add extensions to a signing request")
        }
    }
}

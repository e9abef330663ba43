import COpenSSL
import Glibc
import MeshModel

/// Owns one X509.
/// Why sound to share: never changed after parsing; libcrypto locks the caches it fills inside; the reference count
/// is atomic.
@safe final class Certificate: @unchecked Sendable {
    let pointer: OpaquePointer

    init(owning pointer: OpaquePointer) { unsafe self.pointer = pointer }

    /// Adds a reference of its own to one that somebody else owns.
    convenience init(sharing pointer: OpaquePointer) {
        _ = unsafe X509_up_ref(pointer)
        unsafe self.init(owning: pointer)
    }

    deinit { unsafe X509_free(pointer) }

    /// Whether it is its own issuer, by its names.
    var signsItself: Bool { unsafe X509_get_extension_flags(pointer) & UInt32(EXFLAG_SI) != 0 }
}

/// What is read from an X509, which the caller keeps alive.
@unsafe struct CertificateView {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { unsafe self.pointer = pointer }

    var notBeforeSeconds: Int64 { unsafe Self.seconds(X509_get0_notBefore(pointer)) }
    var notAfterSeconds: Int64 { unsafe Self.seconds(X509_get0_notAfter(pointer)) }

    /// A decimal number.
    var serialNumber: String {
        guard let number = unsafe ASN1_INTEGER_to_BN(X509_get0_serialNumber(pointer), nil) else { return "" }
        defer { unsafe BN_free(number) }
        guard let text = unsafe BN_bn2dec(number) else { return "" }
        defer { unsafe apus_OPENSSL_free(text) }
        return unsafe String(cString: text)
    }

    var issuer: String { unsafe Self.text(X509_get_issuer_name(pointer)) }

    /// What to call it in a message: its first URI name, else its subject.
    var subject: String {
        unsafe alternativeNames.uris.first ?? Self.text(X509_get_subject_name(pointer))
    }

    var hasEmptySubject: Bool { unsafe X509_NAME_entry_count(X509_get_subject_name(pointer)) == 0 }

    /// URI names of the subject alternative name in order, and whether the extension is critical.
    /// A name with bytes outside printable ASCII is shown as such and can therefore match no identity.
    var alternativeNames: (uris: [String], critical: Bool) {
        let (names, critical) = unsafe alternativeNames(of: [GEN_URI])
        return (names, critical)
    }

    /// DNS and URI names of the subject alternative name in order, for messages.
    var serverNames: [String] { unsafe alternativeNames(of: [GEN_DNS, GEN_URI]).names }

    private func alternativeNames(of kinds: Set<Int32>) -> (names: [String], critical: Bool) {
        var critical: Int32 = 0
        guard let raw = unsafe X509_get_ext_d2i(pointer, NID_subject_alt_name, &critical, nil) else {
            return ([], false)
        }
        let names = OpaquePointer(raw)
        defer { unsafe GENERAL_NAMES_free(names) }
        var found: [String] = []
        let count = unsafe apus_sk_GENERAL_NAME_num(names)
        for index in 0..<max(0, count) {
            var kind: Int32 = 0
            let name = unsafe apus_sk_GENERAL_NAME_value(names, index)
            guard let value = unsafe GENERAL_NAME_get0_value(name, &kind), kinds.contains(kind) else { continue }
            let text = unsafe value.assumingMemoryBound(to: ASN1_STRING.self)
            let length = unsafe ASN1_STRING_length(text)
            let bytes = unsafe UnsafeBufferPointer(start: ASN1_STRING_get0_data(text), count: Int(length))
            unsafe found.append(Self.printable(bytes))
        }
        return (found, critical == 1)
    }

    private static func printable(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
        guard unsafe bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            return "(\(bytes.count) bytes that are no URI)"
        }
        return unsafe String(decoding: bytes, as: UTF8.self)
    }

    private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64 {
        var parts = unsafe tm()
        guard unsafe ASN1_TIME_to_tm(time, &parts) == 1 else { return 0 }
        return unsafe Int64(timegm(&parts))
    }

    private static func text(_ name: OpaquePointer?) -> String {
        guard let output = unsafe BIO_new(BIO_s_mem()) else { return "" }
        defer { unsafe BIO_free_all(output) }
        unsafe X509_NAME_print_ex(output, name, 0, apus_XN_FLAG_RFC2253)
        let text = unsafe PEMText.text(in: output)
        return text.isEmpty ? "a certificate with an empty name" : text
    }
}

/// The facts of a certificate that dumps show.
package struct CertificateSummary: Hashable, Sendable {
    /// The certificate itself, PEM.
    package let pem: String
    /// A decimal number.
    package let serialNumber: String
    /// Unix seconds.
    package let notBeforeSeconds: Int64
    /// Unix seconds.
    package let notAfterSeconds: Int64

    init(_ certificate: Certificate) throws(TLSError) {
        let view = unsafe CertificateView(certificate.pointer)
        pem = try unsafe PEMText.write { output in unsafe PEM_write_bio_X509(output, certificate.pointer) }
        serialNumber = unsafe view.serialNumber
        notBeforeSeconds = unsafe view.notBeforeSeconds
        notAfterSeconds = unsafe view.notAfterSeconds
    }

    static func all(_ certificates: [Certificate]) throws(TLSError) -> [CertificateSummary] {
        var summaries: [CertificateSummary] = []
        for certificate in certificates { summaries.append(try CertificateSummary(certificate)) }
        return summaries
    }
}

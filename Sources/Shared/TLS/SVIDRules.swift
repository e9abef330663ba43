import COpenSSL
import MeshModel

/// What a leaf of ours must be before we show it to anyone: SPIFFE X509-SVID, sections 2 to 4.
enum SVIDRules {
    static func problem(of leaf: Certificate, key: PrivateKey, expecting identity: Identity) -> OwnCertificateProblem? {
        let pointer = unsafe leaf.pointer
        let names = unsafe CertificateView(pointer).alternativeNames
        guard unsafe X509_check_private_key(pointer, key.handle.pointer) == 1 else {
            LibraryErrors.clear()
            return .keyMismatch
        }
        guard names.uris.first == identity.description else {
            return .identityMismatch(expected: identity, found: names.uris)
        }
        guard names.uris.count == 1 else { return .uniformResourceIdentifierCount(names.uris.count) }
        guard unsafe !CertificateView(pointer).hasEmptySubject || names.critical else {
            return .alternativeNameNotCritical
        }
        return unsafe usageProblem(pointer)
    }

    private static func usageProblem(_ leaf: OpaquePointer) -> OwnCertificateProblem? {
        let flags = unsafe X509_get_extension_flags(leaf)
        guard flags & UInt32(EXFLAG_CA) == 0 else { return .isAuthority }
        let usage = unsafe X509_get_key_usage(leaf)
        let signing = UInt32(KU_DIGITAL_SIGNATURE)
        let issuing = UInt32(KU_KEY_CERT_SIGN | KU_CRL_SIGN)
        guard flags & UInt32(EXFLAG_KUSAGE) != 0, usage & signing != 0, usage & issuing == 0 else {
            return .keyUsage(flags & UInt32(EXFLAG_KUSAGE) == 0 ? "none" : "0x" + String(usage, radix: 16))
        }
        let both = UInt32(XKU_SSL_SERVER | XKU_SSL_CLIENT)
        guard unsafe flags & UInt32(EXFLAG_XKUSAGE) == 0 || X509_get_extended_key_usage(leaf) & both == both else {
            return .extendedKeyUsage
        }
        return nil
    }
}

import Crypto
import SwiftASN1
import X509

/// What kind of key a certificate is asked for.
enum PublicKeyKind: Hashable {
    case ellipticCurve
    case rsa(bits: Int)

    /// Refuses what the mesh does not use: other curves, Edwards curves, short RSA.
    init(_ key: Certificate.PublicKey) throws(IssueRefusal) {
        if P256.Signing.PublicKey(key) != nil || P384.Signing.PublicKey(key) != nil {
            self = .ellipticCurve
            return
        }
        if P521.Signing.PublicKey(key) != nil { throw .unsupportedKey("P-521") }
        if Curve25519.Signing.PublicKey(key) != nil { throw .unsupportedKey("Ed25519") }
        guard let bits = Self.rsaModulusBits(Array(key.subjectPublicKeyInfoBytes)) else {
            throw .unsupportedKey("\(key)")
        }
        guard bits >= AuthorityLimits.rsaBitsMin else { throw .unsupportedKey("RSA of \(bits) bits") }
        self = .rsa(bits: bits)
    }

    /// RFC 8017, appendix A.1.1: SEQUENCE of modulus and public exponent.
    private static func rsaModulusBits(_ keyBytes: [UInt8]) -> Int? {
        guard let root = try? DER.parse(keyBytes) else { return nil }
        let modulus = try? DER.sequence(root, identifier: .sequence) { nodes -> ArraySlice<UInt8> in
            let modulus = try ArraySlice<UInt8>(derEncoded: &nodes)
            _ = try ArraySlice<UInt8>(derEncoded: &nodes)
            return modulus
        }
        guard let significant = modulus?.drop(while: { $0 == 0 }), let first = significant.first else { return nil }
        return significant.count * 8 - first.leadingZeroBitCount
    }
}

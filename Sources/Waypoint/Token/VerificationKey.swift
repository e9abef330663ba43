internal import Crypto
internal import CryptoExtras
internal import FoundationEssentials
package import MeshModel

/// A public key of a key set, with what it may be used for.
package struct VerificationKey: Sendable {
    private enum Material: Sendable {
        case rsa(_RSA.Signing.PublicKey)
        case p256(P256.Signing.PublicKey)
        case p384(P384.Signing.PublicKey)
        case p521(P521.Signing.PublicKey)
        case ed25519(Curve25519.Signing.PublicKey)
    }

    /// Shorter RSA keys are not safe (RFC 7518, section 3.3); longer ones cost more time than a request is worth.
    static let rsaBits = 2048...8192

    let identifier: String?
    private let algorithm: TokenAlgorithm?
    private let material: Material

    /// `nil` for a key that can verify no token: of an unknown kind, for another use, weak, or not well-formed.
    package init?(_ members: [String: JSONValue]) {
        switch members["kid"] {
        case nil: identifier = nil
        case .string(let text)?: identifier = text
        default: return nil
        }
        if let use = members["use"], use.text != "sig" { return nil }
        if let operations = members["key_ops"], !operations.texts.contains("verify") { return nil }
        if let written = members["alg"] {
            guard let known = written.text.flatMap(TokenAlgorithm.init) else { return nil }
            algorithm = known
        } else {
            algorithm = nil
        }
        guard let material = Self.material(members) else { return nil }
        self.material = material
    }

    private static func material(_ members: [String: JSONValue]) -> Material? {
        func number(_ name: String) -> [UInt8]? {
            members[name]?.text.flatMap { Base64URL.decode(Array($0.utf8)[...]) }
        }
        switch (members["kty"]?.text, members["crv"]?.text) {
        case ("RSA", _):
            guard let modulus = number("n"), let exponent = number("e"),
                let key = try? _RSA.Signing.PublicKey(n: modulus, e: exponent), rsaBits.contains(key.keySizeInBits)
            else { return nil }
            return .rsa(key)
        case ("EC", let curve?):
            guard let x = number("x"), let y = number("y"), x.count == y.count else { return nil }
            let point = [0x04] + x + y
            switch curve {
            case "P-256": return (try? P256.Signing.PublicKey(x963Representation: point)).map(Material.p256)
            case "P-384": return (try? P384.Signing.PublicKey(x963Representation: point)).map(Material.p384)
            case "P-521": return (try? P521.Signing.PublicKey(x963Representation: point)).map(Material.p521)
            default: return nil
            }
        case ("OKP", "Ed25519"?):
            guard let x = number("x") else { return nil }
            return (try? Curve25519.Signing.PublicKey(rawRepresentation: x)).map(Material.ed25519)
        default: return nil
        }
    }

    /// Whether the key may verify signatures of this algorithm: its own, when it names one, and one of its kind.
    func serves(_ wanted: TokenAlgorithm) -> Bool {
        if let algorithm, algorithm != wanted { return false }
        return switch (material, wanted) {
        case (.rsa, .rs256), (.rsa, .rs384), (.rsa, .rs512), (.rsa, .ps256), (.rsa, .ps384), (.rsa, .ps512): true
        case (.p256, .es256), (.p384, .es384), (.p521, .es512), (.ed25519, .edDSA): true
        default: false
        }
    }

    /// Whether the signature is of these bytes, by this key.
    package func verifies(_ signature: [UInt8], of bytes: ArraySlice<UInt8>, by algorithm: TokenAlgorithm) -> Bool {
        switch material {
        case .rsa(let key):
            let signature = _RSA.Signing.RSASignature(rawRepresentation: signature)
            return switch algorithm {
            case .rs256: key.isValidSignature(signature, for: SHA256.hash(data: bytes), padding: .insecurePKCS1v1_5)
            case .rs384: key.isValidSignature(signature, for: SHA384.hash(data: bytes), padding: .insecurePKCS1v1_5)
            case .rs512: key.isValidSignature(signature, for: SHA512.hash(data: bytes), padding: .insecurePKCS1v1_5)
            case .ps256: key.isValidSignature(signature, for: SHA256.hash(data: bytes), padding: .PSS)
            case .ps384: key.isValidSignature(signature, for: SHA384.hash(data: bytes), padding: .PSS)
            case .ps512: key.isValidSignature(signature, for: SHA512.hash(data: bytes), padding: .PSS)
            case .es256, .es384, .es512, .edDSA: false
            }
        case .p256(let key):
            guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
            return key.isValidSignature(signature, for: SHA256.hash(data: bytes))
        case .p384(let key):
            guard let signature = try? P384.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
            return key.isValidSignature(signature, for: SHA384.hash(data: bytes))
        case .p521(let key):
            guard let signature = try? P521.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
            return key.isValidSignature(signature, for: SHA512.hash(data: bytes))
        case .ed25519(let key): return key.isValidSignature(signature, for: bytes)
        }
    }
}

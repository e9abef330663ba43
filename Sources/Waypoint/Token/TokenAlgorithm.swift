/// Signatures that tokens may have (RFC 7518, section 3.1, and RFC 8037). `none` is not one of them. Codes that a
/// shared secret makes (HS256 and its kin) are not either: whoever checks them could forge them, and a public key in
/// the place of the secret is the oldest trick against checkers.
package enum TokenAlgorithm: String, CaseIterable, Hashable, Sendable {
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"
    case es256 = "ES256"
    case es384 = "ES384"
    case es512 = "ES512"
    case edDSA = "EdDSA"
}

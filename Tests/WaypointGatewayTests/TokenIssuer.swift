import Crypto
import Foundation
import MeshModel

/// An issuer of tokens with a key of its own.
struct TokenIssuer: Sendable {
    let name: String
    let identifier: String
    private let key = P256.Signing.PrivateKey()

    init(_ name: String = "https://issuer.example", key identifier: String = "k1") {
        self.name = name
        self.identifier = identifier
    }

    /// Its public key as a JSON Web Key Set.
    var keySet: String {
        let point = key.publicKey.rawRepresentation
        return """
            {"keys":[{"kty":"EC","crv":"P-256","kid":"\(identifier)","x":"\(Self.text(point.prefix(32)))",\
            "y":"\(Self.text(point.suffix(32)))"}]}
            """
    }

    /// - Parameters:
    ///   - claims: more members of the payload, with a comma before each.
    ///   - seconds: how long it is valid from now on.
    func token(_ claims: String = "", issuer: String? = nil, for seconds: Int = 600) throws -> String {
        let end = Int(Date().timeIntervalSince1970) + seconds
        let payload = #"{"iss":"\#(issuer ?? name)","sub":"ann","exp":\#(end)\#(claims)}"#
        let header = #"{"alg":"ES256","kid":"\#(identifier)"}"#
        let signed = "\(Self.text(Data(header.utf8))).\(Self.text(Data(payload.utf8)))"
        let signature = try key.signature(for: Data(signed.utf8)).rawRepresentation
        return "\(signed).\(Self.text(signature))"
    }

    func policy(
        keys: TokenRule.Keys? = nil, name: String = "tokens", _ change: (inout TokenRule) -> Void = { _ in }
    ) -> TokenPolicy {
        var rule = TokenRule(issuer: self.name, keys: keys ?? .inline(keySet))
        change(&rule)
        return TokenPolicy(name: name, namespace: Make.namespace, rules: [rule])
    }

    private static func text(_ bytes: Data) -> String {
        bytes.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}

extension String {
    /// A header field that carries this token.
    var asBearer: String { "Authorization: Bearer \(self)\r\n" }
}

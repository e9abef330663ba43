/// Why a token is not believed. The texts are those of Envoy's filter jwt_authn, and become the body of the answer.
package enum TokenFailure: Error, Hashable, Sendable {
    case notThreeParts
    case tooLarge
    case headerNotReadable
    case payloadNotReadable
    case signatureNotReadable
    case algorithmNotAllowed
    case keyIdentifierNotText
    case unknownIssuer
    case notYetValid
    case expired
    case audience
    case noMatchingKey
    case signature
    /// The key set could not be fetched, or is too old.
    case keysNotFetched
    case keysNotUsable

    /// The status of the answer: 403 when the token is good but for somebody else, 401 otherwise.
    package var status: Int { self == .audience ? 403 : 401 }

    /// For the client.
    package var text: String {
        switch self {
        case .notThreeParts, .tooLarge: "Jwt is not in the form of Header.Payload.Signature"
        case .headerNotReadable: "Jwt header is an invalid Base64url input or an invalid JSON"
        case .payloadNotReadable: "Jwt payload is an invalid Base64 or an invalid JSON"
        case .signatureNotReadable: "Jwt signature is an invalid Base64"
        case .algorithmNotAllowed: "Jwt header [alg] field value is invalid"
        case .keyIdentifierNotText: "Jwt header [kid] field is not a string"
        case .unknownIssuer: "Jwt issuer is not configured"
        case .notYetValid: "Jwt not yet valid"
        case .expired: "Jwt is expired"
        case .audience: "Audiences in Jwt are not allowed"
        case .noMatchingKey: "Jwks doesn't have key to match kid or alg from Jwt"
        case .signature: "Jwt verification fails"
        case .keysNotFetched: "Jwks remote fetch is failed"
        case .keysNotUsable: "Jwks doesn't have any valid public key"
        }
    }

    /// `response_code_details` of the access log.
    package var details: String {
        "jwt_authn_access_denied{\(text.replacing(" ", with: "_"))}"
    }
}

import MeshModel
import Testing
import WaypointToken

@Suite("Signatures of tokens")
struct SignatureTests {
    private static func key(_ text: String) throws -> VerificationKey {
        guard case .object(let members) = try JSONReader.read(Array(text.utf8)[...], bytesMax: 1 << 16) else {
            throw TokenFailure.keysNotUsable
        }
        return try #require(VerificationKey(members))
    }

    @Test("the examples of the RFCs verify, and no other bytes do", arguments: [
        (Vectors.rsaKey, Vectors.rsaToken, TokenAlgorithm.rs256),
        (Vectors.curveKey, Vectors.curveToken, .es256),
        (Vectors.edwardsKey, Vectors.edwardsToken, .edDSA),
    ])
    func examples(key: String, token: String, algorithm: TokenAlgorithm) throws {
        let key = try Self.key(key)
        let bytes = Array(token.utf8)
        let dot = try #require(bytes.lastIndex(of: UInt8(ascii: ".")))
        var signature = try #require(Base64URL.decode(bytes[(dot + 1)...]))
        #expect(key.verifies(signature, of: bytes[..<dot], by: algorithm))
        #expect(!key.verifies(signature, of: bytes[..<(dot - 1)], by: algorithm))
        #expect(!key.verifies(Array(signature.dropLast()), of: bytes[..<dot], by: algorithm))
        #expect(!key.verifies([], of: bytes[..<dot], by: algorithm))
        signature[signature.count / 2] ^= 1
        #expect(!key.verifies(signature, of: bytes[..<dot], by: algorithm))
    }

    @Test("tokens of every algorithm, made elsewhere, are taken; with another payload they are not")
    func algorithms() throws {
        #expect(Set(Vectors.tokens.map(\.algorithm)) == Set(TokenAlgorithm.allCases.map(\.rawValue)))
        let rule = TokenRule(issuer: "issuer", keys: .inline(Vectors.keySet))
        for (algorithm, token) in Vectors.tokens {
            let pass = TokenRig.check([rule], headers: TokenRig.bearer(token)).pass
            #expect(pass?.claims?.subject == "user", "\(algorithm)")
            var parts = token.split(separator: ".").map(String.init)
            parts[1] = TokenRig.text(Array(#"{"iss":"issuer","sub":"admin"}"#.utf8)[...])
            let forged = parts.joined(separator: ".")
            #expect(TokenRig.check([rule], headers: TokenRig.bearer(forged)).failure == .signature, "\(algorithm)")
        }
    }

    @Test("an algorithm that is none of a key's kind never meets the key", arguments: [
        (#"{"alg":"none"}"#, TokenFailure.algorithmNotAllowed), (#"{"alg":"None"}"#, .algorithmNotAllowed),
        (#"{"alg":"HS256","kid":"rsa"}"#, .algorithmNotAllowed), (#"{"alg":"HS512"}"#, .algorithmNotAllowed),
        (#"{"alg":256}"#, .algorithmNotAllowed), (#"{}"#, .algorithmNotAllowed),
        (#"{"alg":"ES256","kid":"rsa"}"#, .noMatchingKey), (#"{"alg":"RS256","kid":"ec256"}"#, .noMatchingKey),
        (#"{"alg":"ES384","kid":"ec256"}"#, .noMatchingKey), (#"{"alg":"EdDSA","kid":"rsa"}"#, .noMatchingKey),
        (#"{"alg":"ES256","kid":"other"}"#, .noMatchingKey), (#"{"alg":"ES256","kid":1}"#, .keyIdentifierNotText),
        (#"{"alg":"ES256","crit":["exp"],"exp":1}"#, .headerNotReadable),
        (#"{"alg":"ES256","b64":false}"#, .headerNotReadable),
        (#"{"alg":"ES256","alg":"none"}"#, .headerNotReadable),
        (#"{"alg":"ES256","jwk":{"kty":"EC"}}"#, .signature),
    ])
    func confusion(header: String, failure: TokenFailure) throws {
        let rule = TokenRule(issuer: "issuer", keys: .inline(Vectors.keySet))
        let token = try TokenRig().token(#"{"iss":"issuer"}"#, header: header)
        #expect(TokenRig.check([rule], headers: TokenRig.bearer(token)).failure == failure)
    }

    @Test("a key is for its own algorithm, use and operations only; weak and odd keys are none", arguments: [
        (#""alg":"PS256""#, false), (#""alg":"HS256""#, false), (#""alg":1"#, false), (#""use":"enc""#, false),
        (#""key_ops":["sign"]"#, false), (#""kid":1"#, false), (#""alg":"ES256""#, true), (#""use":"sig""#, true),
        (#""key_ops":["verify"]"#, true), (#""x-other":{}"#, true),
    ])
    func keyUse(member: String, isUsable: Bool) throws {
        let rig = TokenRig("")
        let keys = rig.keySet.replacing(#""kid":"""#, with: member)
        let token = try rig.token(#"{"iss":"i"}"#, header: #"{"alg":"ES256"}"#)
        let rule = rig.rule { $0.keys = .inline(keys) }
        #expect((TokenRig.check([rule], headers: TokenRig.bearer(token)).pass != nil) == isUsable)
    }

    @Test("key sets that hold no key that can verify a token", arguments: [
        "", "{", "[]", "{}", #"{"keys":{}}"#, #"{"keys":[]}"#, #"{"keys":[{"kty":"oct","k":"AAAA"}]}"#,
        #"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#,
        #"{"keys":[{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}]}"#,
        #"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA"}]}"#, #"{"keys":[1]}"#,
        #"{"keys":["# + Array(repeating: "{}", count: KeySet.keysMax + 1).joined(separator: ",") + "]}",
        String(repeating: " ", count: KeySet.bytesMax + 1),
    ])
    func unusable(text: String) throws {
        #expect(throws: TokenFailure.keysNotUsable) { try KeySet(Array(text.utf8)[...]) }
        let rule = TokenRule(issuer: "i", keys: .inline(text))
        let token = try TokenRig().token(#"{"iss":"i"}"#)
        #expect(TokenRig.check([rule], headers: TokenRig.bearer(token)).failure == .keysNotUsable)
        #expect(TokenRig.check([rule]).pass != nil)
    }
}

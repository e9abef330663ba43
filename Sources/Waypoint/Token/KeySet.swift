internal import MeshModel

/// The keys that an issuer's tokens are verified by (RFC 7517, section 5).
package struct KeySet: Sendable {
    /// Longest text of a key set.
    package static let bytesMax = 512 * 1024
    /// Keys with one set.
    package static let keysMax = 256

    private let keys: [VerificationKey]

    /// Reads a JSON Web Key Set. Keys that can verify no token are passed over, as RFC 7517 asks for.
    /// Errors: ``TokenFailure/keysNotUsable`` when it is no key set, or no key of it is left.
    package init(_ text: ArraySlice<UInt8>) throws(TokenFailure) {
        guard case .object(let root)? = try? JSONReader.read(text, bytesMax: Self.bytesMax),
            case .array(let elements)? = root["keys"], elements.count <= Self.keysMax
        else { throw .keysNotUsable }
        keys = elements.compactMap { element in
            guard case .object(let members) = element else { return nil }
            return VerificationKey(members)
        }
        guard !keys.isEmpty else { throw .keysNotUsable }
    }

    /// Whether a key of this name is there; asked before a newer set is fetched.
    package func contains(keyIdentifier: String) -> Bool { keys.contains { $0.identifier == keyIdentifier } }

    /// The key is the one that the token names; where one of the two has no name, it may be any.
    func verify(_ token: CompactToken) throws(TokenFailure) {
        let fitting = keys.filter { key in
            (token.keyIdentifier == nil || key.identifier == nil || key.identifier == token.keyIdentifier)
                && key.serves(token.algorithm)
        }
        guard !fitting.isEmpty else { throw .noMatchingKey }
        guard fitting.contains(where: { $0.verifies(token.signature, of: token.signedBytes, by: token.algorithm) })
        else { throw .signature }
    }
}

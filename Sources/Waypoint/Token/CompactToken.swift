internal import MeshModel

/// A token in compact form (RFC 7515, section 7.1) with nothing verified yet.
struct CompactToken {
    /// Longest token: longer ones do not fit in the header sections that clients send.
    static let bytesMax = 16 * 1024

    let algorithm: TokenAlgorithm
    let keyIdentifier: String?
    let claims: [String: JSONValue]
    /// What the signature is of.
    let signedBytes: ArraySlice<UInt8>
    /// As it stands in the token.
    let payloadText: ArraySlice<UInt8>
    let signature: [UInt8]

    init(_ text: ArraySlice<UInt8>) throws(TokenFailure) {
        guard text.count <= Self.bytesMax else { throw .tooLarge }
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }) else { throw .notThreeParts }
        guard let header = Self.object(parts[0]) else { throw .headerNotReadable }
        // An extension that is critical and that we do not know makes the token void (RFC 7515, section 4.1.11).
        guard header["crit"] == nil, header["b64"] == nil else { throw .headerNotReadable }
        guard let algorithm = header["alg"]?.text.flatMap(TokenAlgorithm.init) else { throw .algorithmNotAllowed }
        switch header["kid"] {
        case nil: keyIdentifier = nil
        case .string(let text)?: keyIdentifier = text
        default: throw .keyIdentifierNotText
        }
        guard let claims = Self.object(parts[1]) else { throw .payloadNotReadable }
        guard let signature = Base64URL.decode(parts[2]) else { throw .signatureNotReadable }
        self.algorithm = algorithm
        self.claims = claims
        self.signature = signature
        payloadText = parts[1]
        signedBytes = text[text.startIndex..<parts[1].endIndex]
    }

    private static func object(_ part: ArraySlice<UInt8>) -> [String: JSONValue]? {
        guard let bytes = Base64URL.decode(part), case .object(let members)? = try? JSONReader.read(
            bytes[...], bytesMax: bytesMax)
        else { return nil }
        return members
    }
}

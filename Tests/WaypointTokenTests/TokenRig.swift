import Crypto
import FoundationEssentials
import MeshModel
import MeshPolicy
import WaypointToken

/// Header fields of a request, a line each.
struct Lines: RequestHeaders {
    let lines: [(name: String, value: String)]

    func values(of name: String) -> [ArraySlice<UInt8>] {
        lines.filter { $0.name == name }.map { Array($0.value.utf8)[...] }
    }
}

/// An issuer of tokens with a key of its own, and requests that carry them.
struct TokenRig {
    static let now: Double = 1_700_000_000
    let key = P256.Signing.PrivateKey()
    let identifier: String

    init(_ identifier: String = "k") { self.identifier = identifier }

    var keySet: String {
        let point = Array(key.publicKey.rawRepresentation)
        return """
            {"keys":[{"kty":"EC","crv":"P-256","kid":"\(identifier)","x":"\(Self.text(point[..<32]))",\
            "y":"\(Self.text(point[32...]))"}]}
            """
    }

    func token(_ payload: String, header: String? = nil) throws -> String {
        let head = header ?? #"{"alg":"ES256","kid":"\#(identifier)"}"#
        let signed = "\(Self.text(Array(head.utf8)[...])).\(Self.text(Array(payload.utf8)[...]))"
        let signature = try key.signature(for: Array(signed.utf8)).rawRepresentation
        return "\(signed).\(Self.text(Array(signature)[...]))"
    }

    func rule(issuer: String = "i", _ fill: (inout TokenRule) -> Void = { _ in }) -> TokenRule {
        var rule = TokenRule(issuer: issuer, keys: .inline(keySet))
        fill(&rule)
        return rule
    }

    static func text(_ bytes: ArraySlice<UInt8>) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    static func check(
        _ rules: [TokenRule], headers: [(String, String)] = [], query: String = "", method: String = "GET",
        remote: some RemoteKeys = NoRemoteKeys()
    ) -> TokenOutcome {
        let checker = TokenChecker([TokenPolicy(name: "p", namespace: "ns", rules: rules)])
        let request = TokenRequest(
            method: Array(method.utf8)[...], query: Array(query.utf8)[...],
            headers: Lines(lines: headers.map { (name: $0.0, value: $0.1) }))
        return checker.check(request, now: now, remote: remote)
    }

    static func bearer(_ token: String) -> [(String, String)] { [("authorization", "Bearer \(token)")] }
}

extension TokenOutcome {
    var failure: TokenFailure? {
        if case .refused(let failure) = self { return failure }
        return nil
    }

    var pass: TokenPass? {
        if case .passed(let pass) = self { return pass }
        return nil
    }
}

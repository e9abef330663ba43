package import MeshModel

/// Checks the tokens of requests by all policies that apply. Pure; made when policies change.
///
/// As in Istio: a request passes when some rule's tokens are valid, or when no rule finds a token at all. What is left
/// are requests with tokens none of which is valid, and they are refused.
package struct TokenChecker: Sendable {
    /// How far clocks may differ, in seconds.
    package static let leewaySeconds: Double = 60

    private let rules: [(rule: TokenRule, keys: KeySet?)]
    private let removed: [String]

    package init(_ policies: [TokenPolicy]) {
        rules = policies.flatMap(\.rules).map { rule in
            guard case .inline(let text) = rule.keys else { return (rule, nil) }
            return (rule, try? KeySet(Array(text.utf8)[...]))
        }
        let outputs = rules.flatMap { $0.rule.claimHeaders.map(\.header) + [$0.rule.payloadHeader].compactMap(\.self) }
        removed = Set(outputs).sorted()
    }

    /// Nothing is to be checked.
    package var isEmpty: Bool { rules.isEmpty }

    /// - Parameters:
    ///   - now: seconds since 1970.
    ///   - onMissingKey: told the URI of a key set, and the name of a key that a token has and the set does not.
    package func check(
        _ request: TokenRequest, now: Double, remote: some RemoteKeys,
        onMissingKey: (_ uri: String, _ keyIdentifier: String) -> Void = { _, _ in }
    ) -> TokenOutcome {
        let none = TokenPass(removed: removed)
        if request.isPreflight { return .passed(none) }
        var failure: TokenFailure?
        for (rule, keys) in rules {
            do throws(TokenFailure) {
                if let pass = try pass(request, rule, keys, now, remote, onMissingKey) { return .passed(pass) }
            } catch {
                // That another issuer's rule does not know the token says less than any other reason.
                if failure == nil || failure == .unknownIssuer { failure = error }
            }
        }
        return failure.map { .refused($0) } ?? .passed(none)
    }

    /// `nil`: the rule finds no token. Every token that it finds must be valid; the first one counts.
    private func pass(
        _ request: TokenRequest, _ rule: TokenRule, _ keys: KeySet?, _ now: Double, _ remote: some RemoteKeys,
        _ onMissingKey: (String, String) -> Void
    ) throws(TokenFailure) -> TokenPass? {
        var first: CompactToken?
        var stripped: [TokenLocation] = []
        for location in rule.locations {
            for text in request.tokens(at: location) {
                let token = try CompactToken(text)
                try Self.judge(token, rule, now)
                let keys = try Self.keySet(rule, keys, remote)
                do throws(TokenFailure) {
                    try keys.verify(token)
                } catch {
                    if error == .noMatchingKey, case .remote(let uri, _) = rule.keys, let name = token.keyIdentifier {
                        onMissingKey(uri, name)
                    }
                    throw error
                }
                if first == nil { first = token }
                if !stripped.contains(location) { stripped.append(location) }
            }
        }
        guard let token = first else { return nil }
        var pass = TokenPass(removed: removed)
        var claims = token.claims
        for name in rule.spaceDelimitedClaims {
            guard case .string(let text)? = claims[name] else { continue }
            claims[name] = .array(text.split(separator: " ").map { .string(String($0)) })
        }
        pass.claims = TokenClaims(claims)
        if !rule.forwardsToken { pass.stripped = stripped }
        if let name = rule.payloadHeader {
            pass.fields.append(.init(name: name, value: String(decoding: token.payloadText, as: UTF8.self)))
        }
        for header in rule.claimHeaders {
            guard let value = TokenClaims(token.claims)[path: header.path]?.fieldText else { continue }
            pass.fields.append(.init(name: header.header, value: value))
        }
        return pass
    }

    private static func keySet(
        _ rule: TokenRule, _ inline: KeySet?, _ remote: some RemoteKeys
    ) throws(TokenFailure) -> KeySet {
        switch rule.keys {
        case .inline, .none:
            guard let inline else { throw .keysNotUsable }
            return inline
        case .remote(let uri, _):
            guard let keys = remote.keys(at: uri) else { throw .keysNotFetched }
            return keys
        }
    }

    private static func judge(_ token: CompactToken, _ rule: TokenRule, _ now: Double) throws(TokenFailure) {
        // A rule without an issuer takes any: its keys say who is meant.
        guard rule.issuer.isEmpty || token.claims["iss"]?.text == rule.issuer else { throw .unknownIssuer }
        for name in ["nbf", "iat"] {
            if let start = try token.seconds(name), start > now + leewaySeconds { throw .notYetValid }
        }
        if let end = try token.seconds("exp"), end + leewaySeconds < now { throw .expired }
        guard rule.audiences.isEmpty || token.claims["aud"]?.texts.contains(where: rule.audiences.contains) == true
        else { throw .audience }
    }
}

extension CompactToken {
    /// A time in seconds since 1970; `nil` when there is none.
    fileprivate func seconds(_ name: String) throws(TokenFailure) -> Double? {
        switch claims[name] {
        case nil: return nil
        case .number(let text)?:
            guard let seconds = Double(text), seconds.isFinite, seconds >= 0 else { throw .payloadNotReadable }
            return seconds
        default: throw .payloadNotReadable
        }
    }
}

extension JSONValue {
    /// As the value of a header; `nil` for what is no single value, and for text that no header can hold.
    fileprivate var fieldText: String? {
        switch self {
        case .string(let text): text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f } ? text : nil
        case .number(let text): text
        case .bool(let value): value ? "true" : "false"
        case .null, .array, .object: nil
        }
    }
}

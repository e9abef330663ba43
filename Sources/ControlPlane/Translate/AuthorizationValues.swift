import MeshModel

/// Reads the values of policy attributes. A list with a value that cannot be read yields nothing at all (as if the
/// whole list held) and a problem for each such value.
struct AuthorizationValues {
    typealias Value = AuthorizationPolicyResource.Value

    let ownNamespace: String
    private(set) var problems: [FieldProblem] = []

    init(ownNamespace: String) {
        self.ownNamespace = ownNamespace
    }

    mutating func principals(_ written: [Value]) -> [AuthorizationPolicy.StringMatch] {
        all(written, "TRUST_DOMAIN/ns/NAMESPACE/sa/NAME without spiffe://, or * before or after a part of it") { text in
            text.hasPrefix("spiffe:") ? nil : Self.stringMatch(text)
        }
    }

    mutating func namespaces(_ written: [Value]) -> [AuthorizationPolicy.StringMatch] {
        all(written, "a namespace, or * before or after a part of it", Self.stringMatch)
    }

    /// `SA` of the policy's own namespace, or `NAMESPACE/SA`.
    mutating func serviceAccounts(_ written: [Value]) -> [AuthorizationPolicy.ServiceAccountMatch] {
        let ownNamespace = ownNamespace
        return all(written, "NAME or NAMESPACE/NAME without *") { text in
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            guard !text.contains("*"), !parts.contains(where: \.isEmpty) else { return nil }
            switch parts.count {
            case 1: return AuthorizationPolicy.ServiceAccountMatch(namespace: ownNamespace, serviceAccount: text)
            case 2:
                return AuthorizationPolicy.ServiceAccountMatch(
                    namespace: String(parts[0]), serviceAccount: String(parts[1]))
            default: return nil
            }
        }
    }

    mutating func blocks(_ written: [Value]) -> [IPBlock] {
        all(written, "an IP address or ADDRESS/LENGTH") { IPBlock($0) }
    }

    mutating func ports(_ written: [Value]) -> [UInt16] {
        all(written, "a port from 1 to 65535") { text in
            guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
            return UInt16(text).flatMap { $0 > 0 ? $0 : nil }
        }
    }

    private mutating func all<Result>(
        _ written: [Value], _ expected: String, _ read: (String) -> Result?
    ) -> [Result] {
        var results: [Result] = []
        for value in written {
            if let result = read(value.text) {
                results.append(result)
            } else {
                let reason = "expected \(expected), found \"\(value.text)\""
                problems.append(FieldProblem(line: value.line, field: value.field, reason: reason))
            }
        }
        return results.count == written.count ? results : []
    }

    /// `*`: anything that is there; `*x`: ends in x; `x*`: begins with x. A * elsewhere has no meaning.
    static func stringMatch(_ text: String) -> AuthorizationPolicy.StringMatch? {
        let literal: String
        let match: AuthorizationPolicy.StringMatch
        if text == "*" { return .presence }
        if text.hasPrefix("*") {
            literal = String(text.dropFirst())
            match = .suffix(literal)
        } else if text.hasSuffix("*") {
            literal = String(text.dropLast())
            match = .prefix(literal)
        } else {
            literal = text
            match = .exact(literal)
        }
        return literal.isEmpty || literal.contains("*") ? nil : match
    }
}

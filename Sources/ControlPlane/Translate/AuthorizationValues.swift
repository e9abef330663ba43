import MeshModel

/// Reads the values of policy attributes. A list with a value that cannot be read yields nothing at all (as if the
/// whole list held) and a problem for each such value.
struct AuthorizationValues {
    typealias Value = AuthorizationPolicyResource.Value
    typealias StringMatch = AuthorizationPolicy.StringMatch

    let ownNamespace: String
    let trustDomains: TrustDomains
    private(set) var problems: [FieldProblem] = []

    init(ownNamespace: String, trustDomains: TrustDomains) {
        self.ownNamespace = ownNamespace
        self.trustDomains = trustDomains
    }

    mutating func principals(_ written: [Value]) -> [StringMatch] {
        let domains = trustDomains
        let expected = "TRUST_DOMAIN/ns/NAMESPACE/sa/NAME without spiffe://, or * before or after a part of it"
        return all(written, expected) { text -> [StringMatch]? in
            guard !text.hasPrefix("spiffe:"), StringMatch(text) != nil else { return nil }
            return domains.principals(text).compactMap { StringMatch($0) }
        }.flatMap(\.self)
    }

    mutating func domains(_ written: [Value]) -> [StringMatch] {
        let domains = trustDomains
        return all(written, "a trust domain, or * before or after a part of it") { text -> [StringMatch]? in
            guard !text.contains("/"), StringMatch(text) != nil else { return nil }
            return domains.domains(text).compactMap { StringMatch($0) }
        }.flatMap(\.self)
    }

    mutating func requestPrincipals(_ written: [Value]) -> [RequestPolicy.RequestPrincipalMatch] {
        all(written, "ISSUER/SUBJECT, or * before or after a part of it") { RequestPolicy.RequestPrincipalMatch($0) }
    }

    mutating func namespaces(_ written: [Value]) -> [RequestPolicy.WildcardMatch] {
        all(written, "a namespace, with * for any part of it") { RequestPolicy.WildcardMatch($0) }
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

    /// Hosts, methods, headers and the like.
    mutating func texts(_ written: [Value]) -> [StringMatch] {
        all(written, "a text, or * before or after a part of it") { StringMatch($0) }
    }

    mutating func paths(_ written: [Value]) -> [RequestPolicy.PathMatch] {
        let expected = "a path, * before or after a part of it, or a template with segments {*} and a last {**}"
        return all(written, expected) { RequestPolicy.PathMatch($0) }
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
}

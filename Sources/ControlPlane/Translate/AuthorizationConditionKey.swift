import MeshModel

/// The key of a `when` condition; Istio's documentation, "Authorization Policy Conditions".
enum AuthorizationConditionKey: Hashable {
    case sourceIP, remoteIP, destinationIP, destinationPort
    case principal, namespace, serviceAccount, trustDomain
    case serverName
    case requestPrincipal
    /// In lower case.
    case header(String)
    case claim([String])

    /// Why a key is none.
    struct Unknown: Error, Hashable {
        let reason: String
    }

    init(_ text: String) throws(Unknown) {
        switch text {
        case "source.ip": self = .sourceIP
        case "remote.ip": self = .remoteIP
        case "destination.ip": self = .destinationIP
        case "destination.port": self = .destinationPort
        case "source.principal": self = .principal
        case "source.namespace": self = .namespace
        case "source.serviceAccount": self = .serviceAccount
        case "source.trustDomain": self = .trustDomain
        case "connection.sni": self = .serverName
        case "request.auth.principal": self = .requestPrincipal
        case "request.auth.audiences": self = .claim(["aud"])
        case "request.auth.presenter": self = .claim(["azp"])
        default: self = try Self.bracketed(text)
        }
    }

    private static func bracketed(_ text: String) throws(Unknown) -> AuthorizationConditionKey {
        if let names = names(text, after: "request.headers"), names.count == 1 {
            let name = names[0].lowercased()
            guard isFieldName(name) || [":authority", ":method"].contains(name) else {
                throw Unknown(reason: "names no header field: key \"\(text)\"")
            }
            return .header(name)
        }
        if let names = names(text, after: "request.auth.claims") { return .claim(names) }
        throw Unknown(reason: reason(text))
    }

    private static func reason(_ text: String) -> String {
        switch text {
        case "destination.labels": return "is not a key: say it with the policy's selector or targetRefs"
        case "destination.name", "destination.namespace": return "is not a key: say it with targetRefs"
        case "destination.user", "source.user": return "is not a key: say it with source.principal"
        default:
            if text.hasPrefix("experimental.envoy.") { return "asks for metadata of Envoy, which is not there" }
            return "has an unknown key: \"\(text)\""
        }
    }

    /// `a`, `b` of `PREFIX[a][b]`; `nil` for another form.
    private static func names(_ text: String, after prefix: String) -> [String]? {
        guard text.hasPrefix(prefix + "["), text.hasSuffix("]") else { return nil }
        let parts: [Substring] = text.dropFirst(prefix.count + 1).dropLast()
            .split(separator: "]", omittingEmptySubsequences: false)
        var names: [String] = []
        for (index, part) in parts.enumerated() {
            guard index == 0 || part.hasPrefix("[") else { return nil }
            let name = index == 0 ? part : part.dropFirst()
            guard !name.isEmpty, !name.contains("[") else { return nil }
            names.append(String(name))
        }
        return names
    }

    /// A token of RFC 9110, 5.6.2.
    private static func isFieldName(_ text: String) -> Bool {
        text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): return true
            default: return "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
        }
    }
}

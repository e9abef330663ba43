import MeshModel

extension RequestPolicy.Term {
    /// The field or key of the resource that says this.
    var fieldName: String {
        switch test {
        case .principals: return isNegated ? "notPrincipals" : "principals"
        case .namespaces: return isNegated ? "notNamespaces" : "namespaces"
        case .serviceAccounts: return isNegated ? "notServiceAccounts" : "serviceAccounts"
        case .trustDomains: return isNegated ? "notTrustDomains" : "trustDomains"
        case .sourceIPs: return isNegated ? "notIpBlocks" : "ipBlocks"
        case .remoteIPs: return isNegated ? "notRemoteIpBlocks" : "remoteIpBlocks"
        case .destinationIPs: return "destination.ip"
        case .destinationPorts: return isNegated ? "notPorts" : "ports"
        case .serverNames: return "connection.sni"
        case .hosts: return isNegated ? "notHosts" : "hosts"
        case .methods: return isNegated ? "notMethods" : "methods"
        case .paths: return isNegated ? "notPaths" : "paths"
        case .header(let name, _): return "request.headers[\(name)]"
        case .requestPrincipals: return isNegated ? "notRequestPrincipals" : "requestPrincipals"
        case .claim(let path, _): return "request.auth.claims" + path.map { "[\($0)]" }.joined()
        }
    }

    /// The comparison and how it went, in words.
    func reason(_ facts: RequestFacts) -> String {
        let attribute = test.attribute(facts)
        let values = "[\(test.values.joined(separator: ", "))]"
        guard attribute.isPresent else {
            return isNegated ? "\(attribute.name) is missing, so none of \(values)" : "\(attribute.name) is missing"
        }
        switch (test.truth(facts), isNegated) {
        case (.maybe, _): return "\(attribute.name) can be read as one of \(values) and as none"
        case (.yes, false): return "\(attribute.name) is one of \(values)"
        case (.yes, true): return "\(attribute.name) is excluded by \(values)"
        case (.no, _): return "\(attribute.name) is none of \(values)"
        }
    }
}

extension RequestPolicy.Test {
    fileprivate var values: [String] {
        switch self {
        case .principals(let values), .trustDomains(let values), .serverNames(let values), .hosts(let values),
            .methods(let values), .header(_, let values), .claim(_, let values):
            return values.map(\.description)
        case .namespaces(let values): return values.map(\.description)
        case .serviceAccounts(let values): return values.map(\.description)
        case .sourceIPs(let values), .remoteIPs(let values), .destinationIPs(let values):
            return values.map(\.description)
        case .destinationPorts(let values): return values.map(\.description)
        case .paths(let values): return values.map(\.description)
        case .requestPrincipals(let values): return values.map(\.description)
        }
    }

    /// The attribute with its value where that is no secret, and whether it is there.
    fileprivate func attribute(_ facts: RequestFacts) -> (name: String, isPresent: Bool) {
        let (connection, http) = (facts.connection, facts.http)
        switch self {
        case .principals, .namespaces, .serviceAccounts, .trustDomains:
            return (connection.identity.map { "identity \($0)" } ?? "identity", connection.identity != nil)
        case .sourceIPs: return ("source \(connection.source)", true)
        case .remoteIPs: return ("remote address \(facts.remote)", true)
        case .destinationIPs: return ("destination \(connection.destination.ip)", true)
        case .destinationPorts: return ("port \(connection.destination.port)", true)
        case .serverNames: return Self.attribute("server name", facts.serverName?.utf8)
        case .hosts: return Self.attribute("host", http?.authority)
        case .methods: return Self.attribute("method", http?.method)
        case .paths: return Self.attribute("path", http?.path)
        case .header(let name, _): return ("header \(name)", http?.values(ofHeader: name).isEmpty == false)
        case .requestPrincipals:
            return ("request principal", http?.claims?.issuer != nil && http?.claims?.subject != nil)
        case .claim(let path, _): return ("claim \(path.joined(separator: "."))", http?.claims?[path: path] != nil)
        }
    }

    private static func attribute(_ name: String, _ value: (some Collection<UInt8>)?) -> (String, Bool) {
        (value.map { "\(name) \(escaped($0))" } ?? name, value != nil)
    }
}

/// Bytes of a client in quotes: what could end a line or drive a terminal is escaped, and length is bounded.
private func escaped(_ bytes: some Collection<UInt8>) -> String {
    var text = "\""
    for byte in bytes.prefix(256) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += "\\" + String(UnicodeScalar(byte))
        case 0x20..<0x7f: text += String(UnicodeScalar(byte))
        default: text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
    }
    return text + (bytes.count > 256 ? "\"..." : "\"")
}

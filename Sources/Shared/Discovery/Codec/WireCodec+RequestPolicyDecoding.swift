import MeshModel
import MeshWire

/// Request policies from the wire.
extension WireCodec {
    /// Levels of nested objects that a claim may be below.
    static let claimPathDepthMax = 64

    static func requestPolicy(
        _ message: Apus_Waypoint_V1_RequestPolicy
    ) throws(WireRejection) -> RequestPolicy {
        try knownPart(message)
        let parts = try parts(message.name, field: "request.name")
        guard message.provider.isEmpty || message.action == .custom else {
            throw .unknownText(field: "request.provider", text: message.provider)
        }
        var rules: [RequestPolicy.Rule] = []
        rules.reserveCapacity(message.rules.count)
        for rule in message.rules { rules.append(try self.rule(rule)) }
        return RequestPolicy(
            name: parts.name, namespace: parts.namespace, action: try action(message), rules: rules,
            isDryRun: message.dryRun,
            authorizer: message.hasAuthorizer ? try authorizer(message.authorizer) : nil)
    }

    private static func action(
        _ message: Apus_Waypoint_V1_RequestPolicy
    ) throws(WireRejection) -> RequestPolicy.Action {
        switch message.action {
        case .allow: return .allow
        case .deny: return .deny
        case .audit: return .audit
        case .custom: return .custom(provider: message.provider)
        case .unspecified: throw .missing(field: "request.action")
        case .UNRECOGNIZED(let raw): throw .unknownValue(field: "request.action", value: raw)
        }
    }

    private static func rule(_ message: Apus_Waypoint_V1_PolicyRule) throws(WireRejection) -> RequestPolicy.Rule {
        try knownPart(message)
        var clauses: [RequestPolicy.Clause] = []
        for clause in message.clauses {
            try knownPart(clause)
            var matches: [RequestPolicy.Match] = []
            for match in clause.matches {
                try knownPart(match)
                var terms: [RequestPolicy.Term] = []
                for term in match.terms {
                    try knownPart(term)
                    terms.append(RequestPolicy.Term(try test(term), isNegated: term.negated))
                }
                matches.append(RequestPolicy.Match(terms: terms))
            }
            clauses.append(RequestPolicy.Clause(matches: matches))
        }
        return RequestPolicy.Rule(clauses: clauses)
    }

    private static func test(_ message: Apus_Waypoint_V1_PolicyTerm) throws(WireRejection) -> RequestPolicy.Test {
        switch message.test {
        case .principals(let list): return .principals(try texts(list, "principals"))
        case .namespaces(let list):
            return .namespaces(try read(list, "namespaces") { RequestPolicy.WildcardMatch($0) })
        case .serviceAccounts(let list): return .serviceAccounts(try accounts(list))
        case .trustDomains(let list): return .trustDomains(try texts(list, "trust_domains"))
        case .sourceIps(let list): return .sourceIPs(try blocks(list, "source_ips"))
        case .remoteIps(let list): return .remoteIPs(try blocks(list, "remote_ips"))
        case .destinationIps(let list): return .destinationIPs(try blocks(list, "destination_ips"))
        case .destinationPorts(let list):
            try knownPart(list)
            var ports: [UInt16] = []
            for value in list.values { ports.append(try port(value, field: "destination_ports")) }
            return .destinationPorts(ports)
        case .serverNames(let list): return .serverNames(try texts(list, "server_names"))
        case .hosts(let list): return .hosts(try texts(list, "hosts"))
        case .methods(let list): return .methods(try texts(list, "methods"))
        case .paths(let list): return .paths(try paths(list))
        case .header(let header):
            try knownPart(header)
            // Names are looked up in lower case: another one would never be there, which a DENY rule must not do.
            guard !header.name.isEmpty, header.name == header.name.lowercased() else {
                throw .unknownText(field: "header.name", text: header.name)
            }
            return .header(name: header.name, try texts(header.values, "header"))
        case .requestPrincipals(let list):
            return .requestPrincipals(
                try read(list, "request_principals") { RequestPolicy.RequestPrincipalMatch($0) })
        case .claim(let claim):
            try knownPart(claim)
            return .claim(path: try claimPath(claim.path), try texts(claim.values, "claim"))
        case nil: throw .missing(field: "test")
        }
    }

    static func claimPath(_ path: [String]) throws(WireRejection) -> [String] {
        guard (1...claimPathDepthMax).contains(path.count) else { throw .missing(field: "claim.path") }
        return path
    }
}

/// The leaves of a term.
extension WireCodec {
    private static func texts(
        _ list: Apus_Waypoint_V1_TextMatches, _ field: String
    ) throws(WireRejection) -> [RequestPolicy.StringMatch] {
        try knownPart(list)
        return try texts(list.values, field)
    }

    static func texts(
        _ messages: [Apus_Waypoint_V1_TextMatch], _ field: String
    ) throws(WireRejection) -> [RequestPolicy.StringMatch] {
        var matches: [RequestPolicy.StringMatch] = []
        for message in messages { matches.append(try text(message, field)) }
        return matches
    }

    private static func text(
        _ message: Apus_Waypoint_V1_TextMatch, _ field: String
    ) throws(WireRejection) -> RequestPolicy.StringMatch {
        try knownPart(message)
        switch message.match {
        case .exact(let text): return .exact(text)
        case .prefix(let text): return .prefix(text)
        case .suffix(let text): return .suffix(text)
        case .presence(true): return .presence
        case .presence(false), nil: throw .emptyStringMatch(field: field)
        }
    }

    private static func read<Value>(
        _ list: Apus_Waypoint_V1_Texts, _ field: String, _ make: (String) -> Value?
    ) throws(WireRejection) -> [Value] {
        try knownPart(list)
        var values: [Value] = []
        for text in list.values {
            guard let value = make(text) else { throw .unknownText(field: field, text: text) }
            values.append(value)
        }
        return values
    }

    private static func accounts(
        _ list: Apus_Waypoint_V1_ServiceAccounts
    ) throws(WireRejection) -> [RequestPolicy.ServiceAccountMatch] {
        try knownPart(list)
        var matches: [RequestPolicy.ServiceAccountMatch] = []
        for value in list.values {
            try knownPart(value)
            matches.append(.init(namespace: value.namespace, serviceAccount: value.name))
        }
        return matches
    }

    private static func blocks(
        _ list: Apus_Waypoint_V1_Blocks, _ field: String
    ) throws(WireRejection) -> [IPBlock] {
        try knownPart(list)
        var blocks: [IPBlock] = []
        for value in list.values {
            try knownPart(value)
            blocks.append(try block(value.address, length: value.length, field: field))
        }
        return blocks
    }

    private static func paths(
        _ list: Apus_Waypoint_V1_PathMatches
    ) throws(WireRejection) -> [RequestPolicy.PathMatch] {
        try knownPart(list)
        var matches: [RequestPolicy.PathMatch] = []
        for value in list.values {
            try knownPart(value)
            switch value.match {
            case .text(let match): matches.append(.text(try text(match, "paths")))
            case .template(let written):
                guard let template = PathTemplate(written) else { throw .unknownText(field: "paths", text: written) }
                matches.append(.template(template))
            case nil: throw .missing(field: "paths")
            }
        }
        return matches
    }
}

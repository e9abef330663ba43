package import MeshModel
package import MeshWire

import SwiftProtobuf

/// Policies. Whatever is not understood refuses the whole policy: a dropped constraint would let more through.
extension WireCodec {
    /// A policy; whatever cannot be judged exactly refuses it.
    package static func policy(_ message: Istio_Security_Authorization) throws(WireRejection) -> AuthorizationPolicy {
        guard !message.name.isEmpty else { throw .missing(field: "name") }
        guard message.unknownFields.data.isEmpty else { throw .unknownPolicyField(message: "Authorization") }
        let action: AuthorizationPolicy.Action
        switch message.action {
        case .allow: action = .allow
        case .deny: action = .deny
        case .UNRECOGNIZED(let raw): throw .unknownValue(field: "action", value: raw)
        }
        var rules: [AuthorizationPolicy.Rule] = []
        for rule in message.rules { rules.append(try self.rule(rule)) }
        return AuthorizationPolicy(
            name: message.name, namespace: message.namespace, scope: try scope(message.scope), action: action,
            rules: rules, isDryRun: message.dryRun)
    }

    package static func message(_ policy: AuthorizationPolicy) -> Istio_Security_Authorization {
        .with {
            $0.name = policy.name
            $0.namespace = policy.namespace
            switch policy.scope {
            case .global: $0.scope = .global
            case .namespace: $0.scope = .namespace
            case .workloadSelector: $0.scope = .workloadSelector
            }
            $0.action = policy.action == .deny ? .deny : .allow
            $0.rules = policy.rules.map { rule in
                .with { $0.clauses = rule.clauses.map { clause in .with { $0.matches = clause.matches.map(message) } } }
            }
            $0.dryRun = policy.isDryRun
        }
    }

    /// Where a policy applies, when at least that can be read: lets a refused policy still be missed there.
    package static func scope(_ value: Istio_Security_Scope) throws(WireRejection) -> AuthorizationPolicy.Scope {
        switch value {
        case .global: return .global
        case .namespace: return .namespace
        case .workloadSelector: return .workloadSelector
        case .UNRECOGNIZED(let raw): throw .unknownValue(field: "scope", value: raw)
        }
    }

    private static func rule(_ message: Istio_Security_Rule) throws(WireRejection) -> AuthorizationPolicy.Rule {
        guard message.unknownFields.data.isEmpty else { throw .unknownPolicyField(message: "Rule") }
        var clauses: [AuthorizationPolicy.Clause] = []
        for clause in message.clauses {
            guard clause.unknownFields.data.isEmpty else { throw .unknownPolicyField(message: "Clause") }
            var matches: [AuthorizationPolicy.Match] = []
            for match in clause.matches { matches.append(try self.match(match)) }
            clauses.append(AuthorizationPolicy.Clause(matches: matches))
        }
        return AuthorizationPolicy.Rule(clauses: clauses)
    }

    private static func match(_ message: Istio_Security_Match) throws(WireRejection) -> AuthorizationPolicy.Match {
        // An extension of a match would be one more constraint.
        guard message.unknownFields.data.isEmpty, message.extensions.isEmpty else {
            throw .unknownPolicyField(message: "Match")
        }
        var match = AuthorizationPolicy.Match()
        match.namespaces = try strings(message.namespaces, field: "namespaces")
        match.notNamespaces = try strings(message.notNamespaces, field: "not_namespaces")
        match.principals = try strings(message.principals, field: "principals")
        match.notPrincipals = try strings(message.notPrincipals, field: "not_principals")
        match.sourceIPs = try blocks(message.sourceIps, field: "source_ips")
        match.notSourceIPs = try blocks(message.notSourceIps, field: "not_source_ips")
        match.destinationIPs = try blocks(message.destinationIps, field: "destination_ips")
        match.notDestinationIPs = try blocks(message.notDestinationIps, field: "not_destination_ips")
        match.destinationPorts = try ports(message.destinationPorts, field: "destination_ports")
        match.notDestinationPorts = try ports(message.notDestinationPorts, field: "not_destination_ports")
        match.serviceAccounts = try accounts(message.serviceAccounts)
        match.notServiceAccounts = try accounts(message.notServiceAccounts)
        return match
    }

    private static func message(_ match: AuthorizationPolicy.Match) -> Istio_Security_Match {
        .with {
            $0.namespaces = match.namespaces.map(message)
            $0.notNamespaces = match.notNamespaces.map(message)
            $0.principals = match.principals.map(message)
            $0.notPrincipals = match.notPrincipals.map(message)
            $0.sourceIps = match.sourceIPs.map(message)
            $0.notSourceIps = match.notSourceIPs.map(message)
            $0.destinationIps = match.destinationIPs.map(message)
            $0.notDestinationIps = match.notDestinationIPs.map(message)
            $0.destinationPorts = match.destinationPorts.map(UInt32.init)
            $0.notDestinationPorts = match.notDestinationPorts.map(UInt32.init)
            $0.serviceAccounts = match.serviceAccounts.map(message)
            $0.notServiceAccounts = match.notServiceAccounts.map(message)
        }
    }
}

/// The leaves of a match.
extension WireCodec {
    private static func strings(
        _ messages: [Istio_Security_StringMatch], field: String
    ) throws(WireRejection) -> [AuthorizationPolicy.StringMatch] {
        var matches: [AuthorizationPolicy.StringMatch] = []
        for message in messages {
            switch message.matchType {
            case .exact(let text): matches.append(.exact(text))
            case .prefix(let text): matches.append(.prefix(text))
            case .suffix(let text): matches.append(.suffix(text))
            case .presence: matches.append(.presence)
            case nil: throw .emptyStringMatch(field: field)
            }
        }
        return matches
    }

    private static func message(_ match: AuthorizationPolicy.StringMatch) -> Istio_Security_StringMatch {
        .with {
            switch match {
            case .exact(let text): $0.exact = text
            case .prefix(let text): $0.prefix = text
            case .suffix(let text): $0.suffix = text
            case .presence: $0.presence = .init()
            }
        }
    }

    private static func blocks(
        _ messages: [Istio_Security_Address], field: String
    ) throws(WireRejection) -> [IPBlock] {
        var blocks: [IPBlock] = []
        for message in messages {
            guard message.unknownFields.data.isEmpty else { throw .unknownPolicyField(message: "Address") }
            blocks.append(try block(message.address, length: message.length, field: field))
        }
        return blocks
    }

    private static func message(_ block: IPBlock) -> Istio_Security_Address {
        .with {
            $0.address = bytes(block.address)
            $0.length = UInt32(block.length)
        }
    }

    private static func ports(_ values: [UInt32], field: String) throws(WireRejection) -> [UInt16] {
        var ports: [UInt16] = []
        for value in values { ports.append(try port(value, field: field)) }
        return ports
    }

    private static func accounts(
        _ messages: [Istio_Security_ServiceAccountMatch]
    ) throws(WireRejection) -> [AuthorizationPolicy.ServiceAccountMatch] {
        var matches: [AuthorizationPolicy.ServiceAccountMatch] = []
        for message in messages {
            guard message.unknownFields.data.isEmpty else { throw .unknownPolicyField(message: "ServiceAccountMatch") }
            matches.append(.init(namespace: message.namespace, serviceAccount: message.serviceAccount))
        }
        return matches
    }

    private static func message(
        _ match: AuthorizationPolicy.ServiceAccountMatch
    ) -> Istio_Security_ServiceAccountMatch {
        .with {
            $0.namespace = match.namespace
            $0.serviceAccount = match.serviceAccount
        }
    }
}

/// Refused policies.
extension WireCodec {
    /// What can still be read of a policy that was refused. Where its scope cannot be read, its own namespace is taken:
    /// wide enough to fail closed where it belongs, and no wider.
    package static func refused(_ resource: Envoy_Service_Discovery_V3_Resource) -> RefusedPolicy {
        let message = try? Istio_Security_Authorization(serializedBytes: resource.resource.value)
        let named = resource.name.split(separator: "/", omittingEmptySubsequences: false).first.map(String.init) ?? ""
        let namespace = message?.namespace ?? ""
        return RefusedPolicy(
            key: resource.name, namespace: namespace.isEmpty ? named : namespace,
            scope: message.flatMap { try? scope($0.scope) } ?? .namespace)
    }
}

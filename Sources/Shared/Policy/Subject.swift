import MeshModel

/// The facts in the form that rules compare with.
struct Subject {
    let source: IPAddress
    let destination: TransportAddress
    let identity: Identity?

    init(_ facts: ConnectionFacts) {
        source = facts.source
        destination = facts.destination
        identity = facts.identity
    }

    /// The identity without `spiffe://`; `nil` without an identity. Made anew each time.
    var principal: String? { identity?.principal }

    /// Empty without an identity.
    var namespace: String { identity?.namespace ?? "" }
}

/// Fields of a match, in the order they are checked.
enum MatchField: String, Hashable, Sendable {
    case namespaces, notNamespaces, principals, notPrincipals, serviceAccounts, notServiceAccounts
    case sourceIPs, notSourceIPs, destinationIPs, notDestinationIPs, destinationPorts, notDestinationPorts
    /// No field at all: such a match never holds.
    case nothing
}

extension AuthorizationPolicy {
    /// The first rule that matches, counted from 0. A policy without rules matches nothing.
    func matchingRule(_ subject: Subject) -> Int? {
        rules.firstIndex { $0.holds(for: subject) }
    }
}

extension AuthorizationPolicy.Rule {
    func holds(for subject: Subject) -> Bool { clauses.allSatisfy { $0.holds(for: subject) } }
}

extension AuthorizationPolicy.Clause {
    func holds(for subject: Subject) -> Bool {
        matches.isEmpty || matches.contains { $0.unmetField(for: subject) == nil }
    }
}

extension AuthorizationPolicy.Match {
    /// The first populated field that does not hold; `nil` when the match holds.
    func unmetField(for subject: Subject) -> MatchField? {
        guard self != AuthorizationPolicy.Match() else { return .nothing }
        return unmetIdentityField(subject) ?? unmetAddressField(subject)
    }

    private func unmetIdentityField(_ subject: Subject) -> MatchField? {
        let namespace = subject.namespace
        if !namespaces.isEmpty, !namespaces.contains(where: { $0.matches(namespace) }) { return .namespaces }
        if notNamespaces.contains(where: { $0.matches(namespace) }) { return .notNamespaces }
        // Most policies name none, and then the text isn't needed.
        if !principals.isEmpty || !notPrincipals.isEmpty {
            let principal = subject.principal
            if !principals.isEmpty, !principals.contains(where: { $0.matches(principal) }) { return .principals }
            if notPrincipals.contains(where: { $0.matches(principal) }) { return .notPrincipals }
        }
        let identity = subject.identity
        if !serviceAccounts.isEmpty, !serviceAccounts.contains(where: { $0.matches(identity) }) {
            return .serviceAccounts
        }
        if notServiceAccounts.contains(where: { $0.matches(identity) }) { return .notServiceAccounts }
        return nil
    }

    private func unmetAddressField(_ subject: Subject) -> MatchField? {
        let source = subject.source
        if !sourceIPs.isEmpty, !sourceIPs.contains(where: { $0.canonical.contains(source) }) { return .sourceIPs }
        if notSourceIPs.contains(where: { $0.canonical.contains(source) }) { return .notSourceIPs }
        let ip = subject.destination.ip
        if !destinationIPs.isEmpty, !destinationIPs.contains(where: { $0.canonical.contains(ip) }) {
            return .destinationIPs
        }
        if notDestinationIPs.contains(where: { $0.canonical.contains(ip) }) { return .notDestinationIPs }
        let port = subject.destination.port
        if !destinationPorts.isEmpty, !destinationPorts.contains(port) { return .destinationPorts }
        if notDestinationPorts.contains(port) { return .notDestinationPorts }
        return nil
    }
}

extension AuthorizationPolicy.StringMatch {
    /// Byte by byte: no Unicode equivalence, no case folding.
    func matches(_ text: String) -> Bool { matches(text.utf8) }

    func matches(_ text: some BidirectionalCollection<UInt8>) -> Bool {
        switch self {
        case .exact(let wanted): return text.count == wanted.utf8.count && text.elementsEqual(wanted.utf8)
        case .prefix(let wanted): return text.starts(with: wanted.utf8)
        case .suffix(let wanted): return text.reversed().starts(with: wanted.utf8.reversed())
        case .presence: return !text.isEmpty
        }
    }

    /// Nothing matches an absent principal.
    func matches(_ principal: String?) -> Bool {
        guard let principal else { return false }
        return matches(principal)
    }
}

extension AuthorizationPolicy.ServiceAccountMatch {
    /// In any trust domain; nothing matches an absent identity.
    func matches(_ identity: Identity?) -> Bool {
        guard let identity else { return false }
        return identity.namespace.utf8.elementsEqual(namespace.utf8)
            && identity.serviceAccount.utf8.elementsEqual(serviceAccount.utf8)
    }
}

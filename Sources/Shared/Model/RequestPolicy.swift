/// An AuthorizationPolicy in its whole language, as a waypoint enforces it. The levels are those of
/// ``AuthorizationPolicy``, and one can be lowered to the other: a policy matches when one of its rules does, a rule
/// when all its clauses do, a clause when one of its matches does, a match when all its terms do.
package struct RequestPolicy: Hashable, Sendable {
    package enum Action: Hashable, Sendable {
        case allow
        case deny
        /// Reported, never decides.
        case audit
        /// An external authorizer decides, too. The name is compared exactly; an empty one is nobody's.
        case custom(provider: String)

        /// For messages: `ALLOW`.
        package var name: String {
            switch self {
            case .allow: return "ALLOW"
            case .deny: return "DENY"
            case .audit: return "AUDIT"
            case .custom: return "CUSTOM"
            }
        }
    }

    /// What a policy is attached to; names are those of the policy's own namespace.
    package enum Target: Hashable, Sendable {
        case service(String)
        case serviceEntry(String)
        /// All traffic through this waypoint or gateway.
        case gateway(String)
        /// Every waypoint of this class in the mesh; in the root namespace only.
        case gatewayClass(String)
        /// Every waypoint of the policy's namespace. Nobody can write it: an unreadable reference becomes it.
        case namespace
    }

    package var name: String
    package var namespace: String
    package var action: Action
    package var targets: [Target]
    package var rules: [Rule]
    /// Reported, never enforced. Has a meaning for ALLOW and DENY only.
    package var isDryRun: Bool
    /// Of CUSTOM: what is behind the provider's name; `nil`: nobody can be asked, so that what matches is denied.
    package var authorizer: Authorizer?

    package init(
        name: String, namespace: String, action: Action, targets: [Target] = [], rules: [Rule], isDryRun: Bool = false,
        authorizer: Authorizer? = nil
    ) {
        self.name = name
        self.namespace = namespace
        self.action = action
        self.targets = targets
        self.rules = rules
        self.isDryRun = isDryRun
        self.authorizer = authorizer
    }

    /// `NAMESPACE/NAME`, its key in logs.
    package var key: String { "\(namespace)/\(name)" }
}

extension RequestPolicy {
    package typealias StringMatch = AuthorizationPolicy.StringMatch
    package typealias ServiceAccountMatch = AuthorizationPolicy.ServiceAccountMatch

    /// All clauses must hold; no clause holds always.
    package struct Rule: Hashable, Sendable {
        package var clauses: [Clause]

        package init(clauses: [Clause]) { self.clauses = clauses }

        /// Holds for everything.
        package static let everything = Rule(clauses: [])

        /// Holds for nothing: keeps the place of a rule that is not in force, so that the others keep their numbers.
        package static let never = Rule(clauses: [Clause(matches: [Match(terms: [])])])
    }

    /// One match must hold; no match holds always.
    package struct Clause: Hashable, Sendable {
        package var matches: [Match]

        package init(matches: [Match]) { self.matches = matches }
    }

    /// All terms must hold; without a term it never does.
    package struct Match: Hashable, Sendable {
        package var terms: [Term]

        package init(terms: [Term]) { self.terms = terms }
    }

    /// One attribute compared with values: one of them must match, or, negated, none may. An attribute that is not
    /// there matches no value.
    package struct Term: Hashable, Sendable {
        package var test: Test
        package var isNegated: Bool

        package init(_ test: Test, isNegated: Bool = false) {
            self.test = test
            self.isNegated = isNegated
        }
    }

    /// An attribute and the values it is compared with.
    package enum Test: Hashable, Sendable {
        /// The peer's identity without `spiffe://`.
        case principals([StringMatch])
        case namespaces([WildcardMatch])
        case serviceAccounts([ServiceAccountMatch])
        case trustDomains([StringMatch])
        /// The TCP peer.
        case sourceIPs([IPBlock])
        /// The client behind trusted proxies.
        case remoteIPs([IPBlock])
        case destinationIPs([IPBlock])
        case destinationPorts([UInt16])
        /// The name the client asked for in TLS; without regard to case.
        case serverNames([StringMatch])
        /// The authority with its port, without regard to case.
        case hosts([StringMatch])
        case methods([StringMatch])
        /// The plain path, without query and fragment.
        case paths([PathMatch])
        /// The name is in lower case. `presence` holds for an empty value, too.
        case header(name: String, [StringMatch])
        /// Issuer and subject of the request's token.
        case requestPrincipals([RequestPrincipalMatch])
        /// A text, or one text of a list, at this path of the token's claims.
        case claim(path: [String], [StringMatch])

        /// Whether only an HTTP request has this attribute.
        package var isOfRequest: Bool {
            switch self {
            case .hosts, .methods, .paths, .header, .requestPrincipals, .claim: return true
            case .principals, .namespaces, .serviceAccounts, .trustDomains, .sourceIPs, .remoteIPs, .destinationIPs,
                .destinationPorts, .serverNames:
                return false
            }
        }

        /// Whether only a checked token has this attribute.
        package var isOfToken: Bool {
            switch self {
            case .requestPrincipals, .claim: return true
            case .hosts, .methods, .paths, .header, .principals, .namespaces, .serviceAccounts, .trustDomains,
                .sourceIPs, .remoteIPs, .destinationIPs, .destinationPorts, .serverNames:
                return false
            }
        }
    }
}

package import MeshModel

/// One authorization policy in the JSON that `istioctl ztunnel-config` reads.
package struct PolicyDump: Encodable {
    struct Match: Encodable {
        var namespaces: [StringMatch]?
        var notNamespaces: [StringMatch]?
        var principals: [StringMatch]?
        var notPrincipals: [StringMatch]?
        var sourceIps: [String]?
        var notSourceIps: [String]?
        var destinationIps: [String]?
        var notDestinationIps: [String]?
        var destinationPorts: [UInt16]?
        var notDestinationPorts: [UInt16]?
        var serviceAccounts: [String]?
        var notServiceAccounts: [String]?
    }

    /// `{"Exact": …}`, `{"Prefix": …}`, `{"Suffix": …}` or `{"Presence": {}}`.
    struct StringMatch: Encodable {
        let match: AuthorizationPolicy.StringMatch

        private enum CodingKeys: String, CodingKey {
            case exact = "Exact"
            case prefix = "Prefix"
            case suffix = "Suffix"
            case presence = "Presence"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            switch match {
            case .exact(let text): try container.encode(text, forKey: .exact)
            case .prefix(let text): try container.encode(text, forKey: .prefix)
            case .suffix(let text): try container.encode(text, forKey: .suffix)
            case .presence: try container.encode([String: String](), forKey: .presence)
            }
        }
    }

    var name: String
    var namespace: String
    var scope: String
    var action: String
    var dryRun: Bool?
    var rules: [[[Match]]]

    package init(_ policy: AuthorizationPolicy) {
        self.name = policy.name
        self.namespace = policy.namespace
        self.scope = policy.scope.rawValue
        self.action = policy.action.rawValue
        self.dryRun = policy.isDryRun ? true : nil
        self.rules = policy.rules.map { rule in rule.clauses.map { $0.matches.map(Match.init) } }
    }
}

extension PolicyDump.Match {
    init(_ match: AuthorizationPolicy.Match) {
        self.namespaces = Self.strings(match.namespaces)
        self.notNamespaces = Self.strings(match.notNamespaces)
        self.principals = Self.strings(match.principals)
        self.notPrincipals = Self.strings(match.notPrincipals)
        self.sourceIps = Self.present(match.sourceIPs.map(\.description))
        self.notSourceIps = Self.present(match.notSourceIPs.map(\.description))
        self.destinationIps = Self.present(match.destinationIPs.map(\.description))
        self.notDestinationIps = Self.present(match.notDestinationIPs.map(\.description))
        self.destinationPorts = Self.present(match.destinationPorts)
        self.notDestinationPorts = Self.present(match.notDestinationPorts)
        self.serviceAccounts = Self.present(match.serviceAccounts.map { "\($0.namespace)/\($0.serviceAccount)" })
        self.notServiceAccounts = Self.present(match.notServiceAccounts.map { "\($0.namespace)/\($0.serviceAccount)" })
    }

    private static func strings(_ matches: [AuthorizationPolicy.StringMatch]) -> [PolicyDump.StringMatch]? {
        present(matches.map(PolicyDump.StringMatch.init))
    }

    private static func present<Element>(_ list: [Element]) -> [Element]? {
        list.isEmpty ? nil : list
    }
}

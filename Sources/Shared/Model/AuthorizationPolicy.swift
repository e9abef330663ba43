/// An L4 authorization policy as the node enforces it. Levels: a policy matches when one of its rules does; a rule when
/// all its clauses do; a clause when one of its matches does; a match when every populated field does.
package struct AuthorizationPolicy: Hashable, Sendable {
    package enum Scope: String, Hashable, Sendable {
        case global = "Global"
        case namespace = "Namespace"
        /// Applies only to workloads that name it.
        case workloadSelector = "WorkloadSelector"
    }

    package enum Action: String, Hashable, Sendable {
        case allow = "Allow"
        case deny = "Deny"
    }

    package var name: String
    package var namespace: String
    package var scope: Scope
    package var action: Action
    package var rules: [Rule]
    /// Logged, never enforced.
    package var isDryRun: Bool

    package init(
        name: String, namespace: String, scope: Scope, action: Action, rules: [Rule], isDryRun: Bool = false
    ) {
        self.name = name
        self.namespace = namespace
        self.scope = scope
        self.action = action
        self.rules = rules
        self.isDryRun = isDryRun
    }

    /// `NAMESPACE/NAME`, its key in discovery, logs and workloads' lists.
    package var key: String { "\(namespace)/\(name)" }
}

extension AuthorizationPolicy {
    /// All clauses must hold; no clause holds always.
    package struct Rule: Hashable, Sendable {
        package var clauses: [Clause]

        package init(clauses: [Clause]) { self.clauses = clauses }
    }

    /// One match must hold; no match holds always.
    package struct Clause: Hashable, Sendable {
        package var matches: [Match]

        package init(matches: [Match]) { self.matches = matches }
    }

    /// Every populated field must hold; a match with no field populated never holds.
    package struct Match: Hashable, Sendable {
        package var namespaces: [StringMatch] = []
        package var notNamespaces: [StringMatch] = []
        package var principals: [StringMatch] = []
        package var notPrincipals: [StringMatch] = []
        package var sourceIPs: [IPBlock] = []
        package var notSourceIPs: [IPBlock] = []
        package var destinationIPs: [IPBlock] = []
        package var notDestinationIPs: [IPBlock] = []
        package var destinationPorts: [UInt16] = []
        package var notDestinationPorts: [UInt16] = []
        package var serviceAccounts: [ServiceAccountMatch] = []
        package var notServiceAccounts: [ServiceAccountMatch] = []

        package init() {}
    }

    package enum StringMatch: Hashable, Sendable {
        case exact(String)
        case prefix(String)
        case suffix(String)
        /// Anything but the empty string; for principals: has an identity.
        case presence
    }

    /// Exact namespace and service account, in any trust domain.
    package struct ServiceAccountMatch: Hashable, Sendable {
        package var namespace: String
        package var serviceAccount: String

        package init(namespace: String, serviceAccount: String) {
            self.namespace = namespace
            self.serviceAccount = serviceAccount
        }
    }
}

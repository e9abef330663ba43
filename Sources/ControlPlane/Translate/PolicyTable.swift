import MeshModel

/// All L4 policies, and which of them a workload must name.
struct PolicyTable {
    /// By key.
    let policies: [AuthorizationPolicy]
    let findings: [Finding]
    private let rootNamespace: String
    private let selected: SelectorIndex<String>
    private let peerAuthentication: PeerAuthenticationTranslation

    init(_ resources: ResourceSet, rootNamespace: String) {
        self.rootNamespace = rootNamespace
        peerAuthentication = PeerAuthenticationTranslation(resources.peerAuthentications, rootNamespace: rootNamespace)
        var policies = peerAuthentication.policies
        var findings = peerAuthentication.findings
        var selectors: [(namespace: String, selector: [String: String], element: String)] = []
        for resource in resources.authorizationPolicies {
            var translation = AuthorizationTranslation(resource, rootNamespace: rootNamespace)
            let policy = translation.policy()
            findings += translation.findings
            guard let policy else { continue }
            policies.append(policy)
            // Only what is sent may be named: a node refuses traffic to a workload that names a policy it never gets.
            if policy.scope == .workloadSelector {
                selectors.append((policy.namespace, resource.selector ?? [:], policy.key))
            }
        }
        self.policies = policies.sorted { $0.key < $1.key }
        self.findings = findings
        selected = SelectorIndex(selectors)
    }

    /// Keys for a workload with these labels, sorted.
    func references(namespace: String, labels: [String: String]) -> [String] {
        var keys = selected.matches(namespace: namespace, labels: labels)
        // Selectors of the root namespace reach into every namespace.
        if namespace != rootNamespace { keys += selected.matches(namespace: rootNamespace, labels: labels) }
        keys += peerAuthentication.references(namespace: namespace, labels: labels)
        return keys.sorted()
    }
}

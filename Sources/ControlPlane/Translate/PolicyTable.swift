import MeshModel

/// All policies, and which of the L4 ones a workload must name.
struct PolicyTable {
    /// What nodes enforce, by key.
    let policies: [AuthorizationPolicy]
    /// What waypoints enforce, by key.
    let requestPolicies: [RequestPolicy]
    /// Policies of tokens with their resources.
    let tokenPolicies: [(policy: TokenPolicy, resource: RequestAuthenticationResource)]
    /// The resources of the request policies, by key.
    let requestResources: [String: AuthorizationPolicyResource]
    let findings: [Finding]
    /// What is wrong with each AuthorizationPolicy in itself, in words; by place in the resources.
    let errors: [[String]]
    private let rootNamespace: String
    private let selected: SelectorIndex<String>
    private let peerAuthentication: PeerAuthenticationTranslation

    init(_ resources: ResourceSet, _ settings: TranslateSettings) {
        rootNamespace = settings.rootNamespace
        peerAuthentication = PeerAuthenticationTranslation(resources.peerAuthentications, rootNamespace: rootNamespace)
        var policies = peerAuthentication.policies
        var requestPolicies: [RequestPolicy] = []
        var requestResources: [String: AuthorizationPolicyResource] = [:]
        var findings = peerAuthentication.findings
        var selectors: [(namespace: String, selector: [String: String], element: String)] = []
        var errors: [[String]] = []
        for resource in resources.authorizationPolicies {
            var translation = AuthorizationTranslation(resource, settings)
            let policy = translation.nodePolicy()
            if let policy = translation.requestPolicy() {
                requestPolicies.append(policy)
                requestResources[policy.key] = resource
            }
            findings += translation.findings
            // Where it has no effect at all, that is what is wrong with it.
            let isWithoutEffect = policy == nil && !resource.hasTargetReferences
            errors.append(
                translation.findings.filter { isWithoutEffect || $0.severity == .error }.map(\.message))
            guard let policy else { continue }
            policies.append(policy)
            // Only what is sent may be named: a node refuses traffic to a workload that names a policy it never gets.
            if policy.scope == .workloadSelector {
                selectors.append((policy.namespace, resource.selector ?? [:], policy.key))
            }
        }
        var tokenPolicies: [(policy: TokenPolicy, resource: RequestAuthenticationResource)] = []
        for resource in resources.requestAuthentications {
            var translation = RequestAuthenticationTranslation(resource)
            if let policy = translation.tokenPolicy() { tokenPolicies.append((policy, resource)) }
            findings += translation.findings
        }
        self.tokenPolicies = tokenPolicies
        self.errors = errors
        self.policies = policies.sorted { $0.key < $1.key }
        self.requestPolicies = requestPolicies.sorted { $0.key < $1.key }
        self.requestResources = requestResources
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

import MeshModel

/// PeerAuthentication as L4 policies, as istiod gives them to a ztunnel: one static policy that refuses plain text,
/// which strict workloads name, and one per resource with port levels. A selector selects in its own namespace, in the
/// root namespace too.
struct PeerAuthenticationTranslation {
    private typealias Mode = PeerAuthenticationResource.Mode

    private let rootNamespace: String
    private let meshMode: Mode
    private let namespaceModes: [String: Mode]
    private let selected: SelectorIndex<PeerAuthenticationResource>
    private let published: Bool
    /// Policies of resources with port levels, by key of the resource.
    private var converted: [String: AuthorizationPolicy] = [:]
    private(set) var findings: [Finding] = []

    init(_ resources: [PeerAuthenticationResource], rootNamespace: String) {
        self.rootNamespace = rootNamespace
        published = !resources.isEmpty
        var findings: [Finding] = []
        let closed = resources.map { Self.closed($0, &findings) }
        let byPrecedence = closed.sorted(by: PeerAuthenticationResource.takesPrecedence)
        var meshMode: Mode?
        var namespaceModes: [String: Mode] = [:]
        var winners: [String: PeerAuthenticationResource] = [:]
        for resource in byPrecedence where resource.selector?.isEmpty ?? true {
            let namespace = resource.metadata.namespace
            if let winner = winners[namespace] {
                let message = "\(winner.title) (\(winner.metadata.origin)) already holds for this scope; ignored"
                findings.append(Finding(.error, resource.metadata.origin, resource: resource.title, message))
                continue
            }
            winners[namespace] = resource
            if namespace == rootNamespace {
                meshMode = resource.mode
            } else {
                namespaceModes[namespace] = resource.mode
            }
        }
        self.meshMode = meshMode ?? .unset
        self.namespaceModes = namespaceModes
        selected = SelectorIndex(
            byPrecedence.compactMap { resource in
                guard let selector = resource.selector, !selector.isEmpty else { return nil }
                return (resource.metadata.namespace, selector, resource)
            })
        self.findings = findings
        for resource in byPrecedence where resource.selector?.isEmpty == false {
            converted[resource.metadata.key] = portPolicy(resource)
        }
    }

    /// By no order; the caller sorts.
    var policies: [AuthorizationPolicy] {
        guard published else { return [] }
        var match = AuthorizationPolicy.Match()
        match.notPrincipals = [.presence]
        let rule = AuthorizationPolicy.Rule(clauses: [AuthorizationPolicy.Clause(matches: [match])])
        let strict = AuthorizationPolicy(
            name: Self.staticStrictName, namespace: rootNamespace, scope: .workloadSelector, action: .deny,
            rules: [rule])
        return [strict] + converted.values
    }

    /// Keys of the policies that a workload with these labels must name.
    func references(namespace: String, labels: [String: String]) -> [String] {
        guard published else { return [] }
        let resource = selected.matches(namespace: namespace, labels: labels)
            .min(by: PeerAuthenticationResource.takesPrecedence)
        guard let resource else {
            return inherited(namespace) == .strict ? [staticStrictKey] : []
        }
        if let policy = converted[resource.metadata.key] { return [policy.key] }
        return effective(resource) == .strict ? [staticStrictKey] : []
    }

    private static let staticStrictName = "istio_converted_static_strict"
    private var staticStrictKey: String { "\(rootNamespace)/\(Self.staticStrictName)" }

    private func inherited(_ namespace: String) -> Mode {
        let mode = namespaceModes[namespace] ?? .unset
        return mode == .unset ? meshMode : mode
    }

    private func effective(_ resource: PeerAuthenticationResource) -> Mode {
        resource.mode == .unset ? inherited(resource.metadata.namespace) : resource.mode
    }

    /// `nil`: the port levels add nothing to the default.
    private func portPolicy(_ resource: PeerAuthenticationResource) -> AuthorizationPolicy? {
        let isStrict = effective(resource) == .strict
        var rules: [AuthorizationPolicy.Rule] = []
        var anonymous = AuthorizationPolicy.Match()
        anonymous.notPrincipals = [.presence]
        if isStrict {
            let open = resource.portModes.filter { $0.value == .permissive || $0.value == .disable }.keys.sorted()
            guard !open.isEmpty else { return nil }
            var clauses = open.map { port in
                var match = AuthorizationPolicy.Match()
                match.notDestinationPorts = [port]
                return AuthorizationPolicy.Clause(matches: [match])
            }
            clauses.append(AuthorizationPolicy.Clause(matches: [anonymous]))
            rules = [AuthorizationPolicy.Rule(clauses: clauses)]
        } else {
            for port in resource.portModes.filter({ $0.value == .strict }).keys.sorted() {
                anonymous.destinationPorts = [port]
                rules.append(
                    AuthorizationPolicy.Rule(clauses: [AuthorizationPolicy.Clause(matches: [anonymous])]))
            }
            guard !rules.isEmpty else { return nil }
        }
        return AuthorizationPolicy(
            name: "converted_peer_authentication_\(resource.metadata.name)", namespace: resource.metadata.namespace,
            scope: .workloadSelector, action: .deny, rules: rules)
    }

    /// The resource with everything that cannot be honoured turned to its closed side.
    private static func closed(
        _ resource: PeerAuthenticationResource, _ findings: inout [Finding]
    ) -> PeerAuthenticationResource {
        func report(_ severity: Finding.Severity, line: Int? = nil, _ message: String) {
            let place = ResourceOrigin(
                file: resource.metadata.origin.file, line: line ?? resource.metadata.origin.line)
            findings.append(Finding(severity, place, resource: resource.title, message))
        }
        var result = resource
        for problem in resource.problems {
            let message = "\(problem.field) \(problem.reason); the whole resource counts as STRICT"
            report(.error, line: problem.line, message)
        }
        if !resource.problems.isEmpty {
            result.mode = .strict
            result.portModes = [:]
        }
        if result.selector?.isEmpty ?? true, !result.portModes.isEmpty {
            let hasStrictPort = result.portModes.values.contains(.strict)
            report(
                .error,
                "portLevelMtls needs a selector; "
                    + (hasStrictPort ? "every port counts as STRICT" : "the port levels are not in force"))
            if hasStrictPort { result.mode = .strict }
            result.portModes = [:]
        }
        if result.mode == .disable || result.portModes.values.contains(.disable) {
            report(.warning, "mode DISABLE cannot be honoured by a tunnel and counts as PERMISSIVE")
        }
        return result
    }
}

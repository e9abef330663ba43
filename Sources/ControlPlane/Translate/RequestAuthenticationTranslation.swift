import MeshModel

/// One RequestAuthentication resource as a waypoint gets it. What cannot be understood closes: the rule, or the whole,
/// refuses every token.
struct RequestAuthenticationTranslation {
    /// Split at spaces without being asked for, as in Istio.
    private static let delimitedClaims = ["permission", "scope"]

    let resource: RequestAuthenticationResource
    private(set) var findings: [Finding] = []

    init(_ resource: RequestAuthenticationResource) { self.resource = resource }

    /// `nil`: not bound to a waypoint, so in force nowhere. Why stands in the findings.
    mutating func tokenPolicy() -> TokenPolicy? {
        guard resource.hasTargetReferences else {
            report(resource.metadata.origin.line, "has no targetRefs, and only waypoints check tokens; not in force")
            return nil
        }
        var problems = resource.problems
        if resource.selector != nil {
            problems.append(FieldProblem(line: 0, field: "spec.selector", reason: "stands beside targetRefs"))
        }
        for problem in problems { report(problem, "every token is refused") }
        var rules: [TokenRule] = []
        for written in resource.rules { rules.append(rule(written, isRefusing: !problems.isEmpty)) }
        if rules.isEmpty, !problems.isEmpty {
            rules = [TokenRule(issuer: "", keys: .none("the resource could not be read"))]
        }
        return TokenPolicy(name: resource.metadata.name, namespace: resource.metadata.namespace, rules: rules)
    }

    private mutating func rule(
        _ written: RequestAuthenticationResource.Rule, isRefusing: Bool
    ) -> TokenRule {
        for problem in written.problems { report(problem, "every token of this rule is refused") }
        var rule = TokenRule(
            issuer: written.issuer, audiences: written.audiences, keys: keys(written),
            locations: written.locations.isEmpty ? TokenLocation.standard : written.locations,
            forwardsToken: written.forwardsToken, payloadHeader: written.payloadHeader,
            claimHeaders: written.claimHeaders,
            spaceDelimitedClaims: Set(written.spaceDelimitedClaims + Self.delimitedClaims).sorted())
        if isRefusing || !written.problems.isEmpty { rule.keys = .none("the resource could not be read") }
        return rule
    }

    private mutating func keys(_ written: RequestAuthenticationResource.Rule) -> TokenRule.Keys {
        if let text = written.jwks, !text.isEmpty { return .inline(text) }
        guard let uri = written.jwksURI, !uri.isEmpty else {
            report(written.line, "jwtRules: has neither jwks nor jwksUri; every token of the rule is refused")
            return .none("no keys are named")
        }
        let scheme = uri.prefix { $0 != ":" }.lowercased()
        guard scheme == "https" || scheme == "http" else {
            report(written.line, "jwksUri: expected an http or https URI; every token of the rule is refused")
            return .none("the URI of the keys is none that can be fetched")
        }
        let parts = (written.timeout ?? .nanoseconds(TokenRule.fetchTimeoutNanoseconds)).components
        return .remote(
            uri: uri, timeoutNanoseconds: parts.seconds * 1_000_000_000 + parts.attoseconds / 1_000_000_000)
    }

    private mutating func report(_ problem: FieldProblem, _ consequence: String) {
        report(problem.line, "\(problem.field) \(problem.reason); \(consequence)")
    }

    private mutating func report(_ line: Int, _ message: String) {
        let origin = ResourceOrigin(file: resource.metadata.origin.file, line: line)
        findings.append(Finding(.error, origin, resource: resource.title, message))
    }
}

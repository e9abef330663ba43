import ControlTranslate

/// The spec of an AuthorizationPolicy. Problems stay where they are: in the value's own source, operation, condition or
/// rule, or in the policy when it is about the whole.
enum AuthorizationPolicyDecoder {
    private typealias Policy = AuthorizationPolicyResource

    static func decode(_ spec: inout MapReader, into policy: inout AuthorizationPolicyResource) {
        if let text = spec.text("action") { policy.action = action(text) }
        policy.selector = spec.workloadSelector()
        (policy.hasTargetReferences, policy.targets) = spec.policyTargets()
        provider(&spec, into: &policy)
        if let rules = spec.list("rules") {
            for (index, node) in rules.enumerated() {
                policy.rules.append(rule(MapReader(node, path: "spec.rules[\(index)]"), isNull: node.content == .null))
            }
        }
        spec.complainAboutTheRest()
    }

    private static func provider(_ spec: inout MapReader, into policy: inout AuthorizationPolicyResource) {
        guard var provider = spec.map("provider") else { return }
        guard policy.action == .custom else {
            spec.complain(provider.line, provider.path, "belongs to action CUSTOM only")
            return
        }
        policy.provider = provider.text("name")
        provider.complainAboutTheRest()
        spec.absorb(provider)
    }

    private static func action(_ text: String) -> AuthorizationPolicyResource.Action {
        switch text {
        case "ALLOW": return .allow
        case "DENY": return .deny
        case "AUDIT": return .audit
        case "CUSTOM": return .custom
        default: return .unknown(String(text.prefix(64)))
        }
    }

    private static func rule(_ written: MapReader, isNull: Bool) -> AuthorizationPolicyResource.Rule {
        var reader = written
        var rule = Policy.Rule()
        rule.line = reader.line
        // `rules: [{}]` matches everything; a bare dash is more likely a slip.
        if isNull { reader.complain(reader.line, reader.path, "is empty: write {} for a rule that matches everything") }
        reader.refuseEmptyLists(["from", "to", "when"])
        for var part in reader.maps("from") {
            if var source = part.map("source") {
                rule.from.append(Self.source(&source))
            } else {
                part.complain(part.line, part.field("source"), "is missing")
                rule.from.append(Policy.Source())
            }
            part.complainAboutTheRest()
            reader.absorb(part)
        }
        for var part in reader.maps("to") {
            if var operation = part.map("operation") {
                rule.to.append(Self.operation(&operation))
            } else {
                part.complain(part.line, part.field("operation"), "is missing")
                rule.to.append(Policy.Operation())
            }
            part.complainAboutTheRest()
            reader.absorb(part)
        }
        for var part in reader.maps("when") {
            rule.when.append(condition(&part))
        }
        reader.complainAboutTheRest()
        rule.problems = reader.problems
        return rule
    }

    private static func source(_ reader: inout MapReader) -> AuthorizationPolicyResource.Source {
        var source = Policy.Source()
        source.principals = reader.values("principals", "notPrincipals")
        source.requestPrincipals = reader.values("requestPrincipals", "notRequestPrincipals")
        source.namespaces = reader.values("namespaces", "notNamespaces")
        source.serviceAccounts = reader.values("serviceAccounts", "notServiceAccounts")
        source.trustDomains = reader.values("trustDomains", "notTrustDomains")
        source.ipBlocks = reader.values("ipBlocks", "notIpBlocks")
        source.remoteIPBlocks = reader.values("remoteIpBlocks", "notRemoteIpBlocks")
        reader.complainAboutTheRest()
        source.problems = reader.problems
        return source
    }

    private static func operation(_ reader: inout MapReader) -> AuthorizationPolicyResource.Operation {
        var operation = Policy.Operation()
        operation.hosts = reader.values("hosts", "notHosts")
        operation.ports = reader.values("ports", "notPorts")
        operation.methods = reader.values("methods", "notMethods")
        operation.paths = reader.values("paths", "notPaths")
        reader.complainAboutTheRest()
        operation.problems = reader.problems
        return operation
    }

    private static func condition(_ reader: inout MapReader) -> AuthorizationPolicyResource.Condition {
        var condition = Policy.Condition()
        condition.line = reader.line
        condition.field = reader.path
        condition.key = reader.text("key") ?? ""
        condition.values = reader.values("values", "notValues")
        reader.complainAboutTheRest()
        condition.problems = reader.problems
        return condition
    }
}

extension MapReader {
    /// Both lists of an attribute, or none of them when one cannot be read.
    fileprivate mutating func values(_ positive: String, _ negative: String) -> AuthorizationPolicyResource.Values {
        let problemCount = problems.count
        refuseEmptyLists([positive, negative])
        let values = AuthorizationPolicyResource.Values(
            positive: texts(positive) ?? [], negative: texts(negative) ?? [])
        // A list read in part would restrict more than the whole one may have meant to.
        return problems.count == problemCount ? values : AuthorizationPolicyResource.Values()
    }

    /// An empty list could mean all or none.
    fileprivate mutating func refuseEmptyLists(_ keys: [String]) {
        for key in keys {
            guard has(key), let entry = all.first(where: { $0.key == key }) else { continue }
            if entry.value.content == .list([]) || entry.value.content == .null {
                complain(entry.line, field(key), "is empty: name a value or leave the field out")
            }
        }
    }
}

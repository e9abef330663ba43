import MeshModel

/// The external authorizers that CUSTOM policies can name: the extension providers of the mesh configuration, with
/// their services looked up. One that is not understood, or leads nowhere, is nobody: what policies ask it is denied.
struct AuthorizerTable {
    private enum Entry {
        case known(Authorizer)
        case unusable(String)
    }

    private var entries: [String: Entry] = [:]
    /// Where providers are looked for, for messages.
    private let place: String
    private(set) var findings: [Finding] = []

    init(_ resources: ResourceSet, _ context: TranslateContext, _ hosts: ServiceEntryHosts) {
        let root = context.settings.rootNamespace
        let config =
            resources.meshConfigs.first { $0.metadata.namespace == root }
            ?? resources.meshConfigs.first { $0.metadata.namespace == MeshConfigResource.standardNamespace }
        place = "\(MeshConfigResource.kind) \(config?.metadata.key ?? "\(root)/\(MeshConfigResource.name)")"
        for other in resources.meshConfigs where other.metadata.key != config?.metadata.key {
            findings.append(
                Finding(
                    .warning, other.metadata.origin, resource: other.title,
                    "is not the mesh configuration, which stands in namespace \(root); ignored"))
        }
        guard let config else { return }
        if !config.unread.isEmpty {
            findings.append(
                Finding(
                    .warning, config.metadata.origin, resource: config.title,
                    "mesh: only extensionProviders is read, not \(config.unread.sorted().joined(separator: ", "))"))
        }
        let services = RouteServices(resources, context, hosts)
        for provider in config.providers { add(provider, of: config, services, root: root) }
    }

    private mutating func add(
        _ provider: ExtensionProviderResource, of config: MeshConfigResource, _ services: RouteServices, root: String
    ) {
        var problems = provider.problems.map { ($0.line, "\($0.field) \($0.reason)") }
        if entries[provider.name] != nil {
            problems.append((provider.line, "extension provider \(provider.name) is defined twice"))
        }
        let found = target(provider, services, root: root)
        if let problem = found.problem, provider.problems.isEmpty { problems.append((provider.line, problem)) }
        guard problems.isEmpty, let target = found.target, let transport = provider.transport else {
            entries[provider.name] = .unusable(problems.first?.1 ?? "is not understood")
            for (line, message) in problems {
                findings.append(
                    Finding(
                        .error, ResourceOrigin(file: config.metadata.origin.file, line: line), resource: config.title,
                        "\(message); what CUSTOM policies of provider \(provider.name) match is denied"))
            }
            return
        }
        entries[provider.name] = .known(
            Authorizer(
                target: target, transport: transport, timeoutNanoseconds: provider.timeoutNanoseconds,
                failsOpen: provider.failsOpen, statusOnError: provider.statusOnError, body: provider.body))
    }

    /// `[NAMESPACE/]HOST` and port.
    private func target(
        _ provider: ExtensionProviderResource, _ services: RouteServices, root: String
    ) -> (target: RouteTarget?, problem: String?) {
        let parts = provider.service.split(separator: "/", maxSplits: 1).map(String.init)
        let host = (parts.last ?? "").lowercased()
        let namespace = parts.count == 2 ? parts[0] : nil
        let entry = services.host(host, from: namespace ?? root)
        guard let entry, namespace == nil || entry.key.namespace == namespace else {
            return (nil, "extension provider \(provider.name): there is no service \(provider.service)")
        }
        guard entry.ports.contains(where: { $0.number == provider.port }) else {
            return (nil, "extension provider \(provider.name): \(provider.service) has no TCP port \(provider.port)")
        }
        return (RouteTarget(service: entry.key, port: provider.port), nil)
    }

    /// What is behind a name; `nil`: nobody, and a finding of the policy says why.
    mutating func authorizer(_ name: String, of policy: AuthorizationPolicyResource) -> Authorizer? {
        let why: String
        switch entries[name] {
        case .known(let authorizer): return authorizer
        case .unusable(let problem): why = "provider \(name) cannot be asked: \(problem)"
        case nil: why = "\(place) has no extension provider \(name) that is an external authorizer"
        }
        findings.append(
            Finding(
                .error, policy.metadata.origin, resource: policy.title,
                "provider.name: \(why); what the policy matches is denied"))
        return nil
    }
}

import MeshModel

/// One run of the translation: parts that several kinds of resource need, and what has been made so far.
struct Translation {
    private let resources: ResourceSet
    private let gateways: WaypointGateways
    private let context: TranslateContext
    private let livePods: [PodResource]
    private let endpoints: EndpointTable
    private let policies: PolicyTable
    private let services: SelectorIndex<ServiceResource>
    private let hosts: ServiceEntryHosts
    private let entries: SelectorIndex<ServiceEntryResource>
    private var waypoints: WaypointBinding
    private var quarantined: [ServiceKey: Set<String>] = [:]
    private var world = DesiredWorld()

    init(_ written: ResourceSet, _ context: TranslateContext) {
        let gateways = WaypointGateways(written, context.settings)
        var resources = written
        resources.services = gateways.services(with: written.services)
        resources.pods += gateways.pods
        self.gateways = gateways
        self.resources = resources
        self.context = context
        livePods = resources.pods.filter(PodTranslation.isLive)
        endpoints = EndpointTable(resources, context, livePods: livePods)
        policies = PolicyTable(resources, context.settings)
        services = SelectorIndex(
            resources.services.compactMap { service in
                guard !service.selector.isEmpty, !service.isExternalName else { return nil }
                return (service.metadata.namespace, service.selector, service)
            })
        hosts = ServiceEntryHosts(resources, context)
        entries = SelectorIndex(
            hosts.entries.compactMap { entry in
                guard let selector = entry.workloadSelector else { return nil }
                return (entry.metadata.namespace, selector, entry)
            })
        waypoints = WaypointBinding(
            context, services: resources.services, gateways: gateways,
            unready: gateways.unready(resources, context))
        world.policies = policies.policies
        world.requestPolicies = policies.requestPolicies
        world.findings = gateways.findings + endpoints.findings + policies.findings + hosts.findings
    }

    mutating func translateServices() {
        var translation = ServiceTranslation(context)
        for resource in resources.services where !resource.isExternalName {
            let waypoint = waypoints.waypoint(for: resource, as: .service)
            world.services.append(translation.service(resource, waypoint: waypoint))
        }
        world.findings += translation.findings
    }

    mutating func translatePods() {
        let translation = PodTranslation(context: context)
        let capture = Capture(settings: context.settings, namespaceLabels: context.namespaceLabels)
        var gaps = PodGaps()
        var networkGaps = NetworkPolicyGaps(resources.networkPolicies)
        world.capturedNamespaces = capture.labelledNamespaces
        for pod in livePods {
            let isWanted = capture.isWanted(pod)
            if isWanted { world.capturedNamespaces.insert(pod.metadata.namespace) }
            gaps.check(pod, isWanted: isWanted)
            if isWanted || PodTranslation.isNative(pod) { networkGaps.check(pod) }
            if !pod.hostNetwork, !pod.nodeName.isEmpty {
                world.intents[pod.nodeName, default: []].append(capture.intent(for: pod, &world.findings))
            }
            if gateways.isWaypoint(pod) {
                world.waypoints.insert(context.identity(of: pod))
            }
            guard var workload = translation.workload(pod) else { continue }
            for service in services.matches(namespace: pod.metadata.namespace, labels: pod.metadata.labels) {
                workload.services[context.key(of: service)] = PodTranslation.ports(of: service, on: pod)
            }
            workload.services.merge(endpoints.pods[pod.key] ?? [:]) { first, _ in first }
            bind(&workload, labels: pod.metadata.labels, ports: [:])
            workload.waypoint = waypoints.waypoint(for: pod, as: .workload)
            confine(&workload, pod)
            world.workloads.append(workload)
        }
        world.workloads += endpoints.workloads
        world.findings += gaps.findings + networkGaps.findings
        world.redirections = RedirectionPatch.needed(by: resources.pods, context.settings)
    }

    mutating func translateEntries() {
        var translation = ServiceEntryTranslation(context)
        for entry in hosts.entries {
            let waypoint = waypoints.waypoint(for: entry, as: .service)
            for host in entry.hosts {
                let key = ServiceKey(namespace: entry.metadata.namespace, hostname: host)
                world.services.append(
                    translation.service(
                        entry, host: host, isCanonical: hosts.canonical.contains(key), waypoint: waypoint))
            }
            for (inline, labels) in translation.inlineWorkloads(entry) {
                var workload = inline
                workload.authorizationPolicies = policies.references(namespace: workload.namespace, labels: labels)
                world.workloads.append(workload)
            }
        }
        for entry in resources.workloadEntries {
            guard var workload = translation.workload(entry) else { continue }
            bind(&workload, labels: entry.endpoint.labels, ports: entry.endpoint.ports)
            workload.waypoint = waypoints.waypoint(for: entry, as: .workload)
            confine(&workload, entry)
            world.workloads.append(workload)
        }
        world.findings += translation.findings
    }

    /// Gateways' statuses, and the records by which waypoints are proven. Expects every service to be there.
    mutating func translateGateways() {
        let judgement = GatewayJudgement(
            context.settings, gateways, unready: gateways.unready(resources, context), services: world.services)
        world.gatewayStatuses = judgement.statuses
        world.wantedWaypoints = judgement.wanted
        world.findings += judgement.findings
        if let responder = context.settings.probeResponder {
            let records = ProbeRecords(context, responder)
            world.probeServices = context.settings.waypoints.map(records.service)
            world.probeWorkloads = [records.workload(for: world.probeServices)]
        }
    }

    /// Expects every service to be there.
    mutating func attachPolicies() {
        var attachment = PolicyAttachment(context, gateways, hosts, world.services)
        var authorizers = AuthorizerTable(resources, context, hosts)
        for var policy in world.requestPolicies {
            guard let resource = policies.requestResources[policy.key] else { continue }
            if case .custom(let provider) = policy.action, !provider.isEmpty {
                policy.authorizer = authorizers.authorizer(provider, of: resource)
            }
            let bindings = attachment.bindings(of: policy.targets, of: resource)
            if !bindings.isEmpty { world.attachedPolicies.append(AttachedPolicy(policy, bindings: bindings)) }
        }
        for (policy, resource) in policies.tokenPolicies {
            let bindings = attachment.bindings(of: resource.targets, of: resource)
            if !bindings.isEmpty { world.attachedPolicies.append(AttachedPolicy(policy, bindings: bindings)) }
        }
        world.findings += attachment.findings + authorizers.findings
        world.policyStatuses = zip(resources.authorizationPolicies, policies.errors).map { resource, errors in
            let isForWaypoint = resource.hasTargetReferences && resource.selector == nil
            return PolicyStatus(
                isForWaypoint ? .waypoint : .node, resource, errors: errors,
                unbound: isForWaypoint ? attachment.unbound[resource.title] ?? [] : [])
        }
        world.policyStatuses.sort { ($0.namespace, $0.name) < ($1.namespace, $1.name) }
        world.attachedPolicies.sort { $0.name < $1.name }
    }

    /// Expects every service to be there.
    mutating func translateRoutes() {
        let bound = Set(world.services.lazy.filter { $0.waypoint != nil }.map(\.key))
        let routes = RouteTranslation(resources, context, hosts, waypoints: bound)
        world.routes = routes.attached
        world.routeStatuses = routes.statuses
        world.findings += routes.findings
    }

    /// Expects every service and workload to be there.
    mutating func translateTraffic() {
        var proxies: Set<String> = []
        for waypoint in world.services.lazy.map(\.waypoint) + world.workloads.lazy.map(\.waypoint) {
            if case .hostname(let key)? = waypoint?.destination { proxies.insert(key.namespace) }
        }
        let traffic = TrafficTranslation(
            resources, context, hosts, services: world.services.map(\.key), proxies: proxies,
            quarantined: quarantined)
        world.traffic = traffic.rules
        world.findings += traffic.findings
    }

    /// A workload in quarantine is unwell to everybody; waypoints learn that it could serve those they send there.
    private mutating func confine(_ workload: inout Workload, _ resource: some MeshResource) {
        guard let text = resource.metadata.labels[Label.quarantine] else { return }
        guard let isConfined = boolean(text) else {
            let message = "label \(Label.quarantine): expected true or false, found \"\(text)\"; not in quarantine"
            world.findings.append(Finding(.error, resource.metadata.origin, resource: resource.title, message))
            return
        }
        guard isConfined, workload.status == .healthy else { return }
        workload.status = .unhealthy
        for service in workload.services.keys { quarantined[service, default: []].insert(workload.uid) }
    }

    /// What follows from labels alone: selecting ServiceEntries and policies.
    private func bind(_ workload: inout Workload, labels: [String: String], ports: [String: UInt16]) {
        for entry in entries.matches(namespace: workload.namespace, labels: labels) {
            for host in entry.hosts {
                let bindings = ServiceEntryTranslation.bindings(entry, host: host, ports: ports)
                workload.services.merge(bindings) { first, _ in first }
            }
        }
        workload.authorizationPolicies = policies.references(namespace: workload.namespace, labels: labels)
    }

    /// Sorted, and each uid once.
    consuming func finish() -> DesiredWorld {
        var result = world
        result.findings += waypoints.findings
        result.bindingStatuses = waypoints.statuses.sorted {
            ($0.kind.rawValue, $0.namespace, $0.name) < ($1.kind.rawValue, $1.namespace, $1.name)
        }
        result.services.sort { ($0.namespace, $0.hostname) < ($1.namespace, $1.hostname) }
        result.workloads.sort { $0.uid < $1.uid }
        var unique: [Workload] = []
        unique.reserveCapacity(result.workloads.count)
        for workload in result.workloads {
            if workload.uid == unique.last?.uid {
                let message = "this address is written twice; only the first is in force"
                result.findings.append(Finding(.error, .unknown, resource: workload.uid, message))
            } else {
                unique.append(workload)
            }
        }
        result.workloads = unique
        for node in result.intents.keys {
            result.intents[node]?.sort { $0.pod < $1.pod }
        }
        result.findings.sort()
        return result
    }
}

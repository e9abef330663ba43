internal import FoundationEssentials
package import MeshDiscovery
package import MeshModel
package import ZtunnelTunnel

/// What the node shows of itself, as text for a terminal and as one JSON document.
package struct NodeViews: Sendable {
    private let nodeName: String
    private let agent: NodeAgent
    private let tunnel: Tunnel
    private let version: VersionDump
    private let world: @Sendable () async -> World
    private let certificates: @Sendable () async -> [CertificateDump]
    private let pending: @Sendable () -> [String]

    /// - Parameters:
    ///   - certificates: what is held for the node's pods.
    ///   - pending: names of the parts that are not ready.
    package init(
        nodeName: String, agent: NodeAgent, tunnel: Tunnel, version: VersionDump,
        world: @escaping @Sendable () async -> World,
        certificates: @escaping @Sendable () async -> [CertificateDump], pending: @escaping @Sendable () -> [String]
    ) {
        self.nodeName = nodeName
        self.agent = agent
        self.tunnel = tunnel
        self.version = version
        self.world = world
        self.certificates = certificates
        self.pending = pending
    }

    /// One view: a table, or JSON for the dump.
    package func text(_ view: NodeView) async throws -> String {
        switch view {
        case .status: return await status()
        case .workloads: return await workloads()
        case .services: return await services()
        case .policies: return await policies()
        case .certificates: return await certificateTable()
        case .connections: return await connections()
        case .dump: return String(decoding: try await dump().json(), as: UTF8.self) + "\n"
        }
    }

    /// `config_dump`.
    package func dump() async -> ConfigDump {
        let world = await self.world()
        return ConfigDump(
            workloads: world.workloads.sorted { $0.uid < $1.uid }.map(WorkloadDump.init),
            services: world.services.sorted { $0.key.description < $1.key.description }
                .map { ServiceDump($0, in: world) },
            policies: world.authorizationPolicies.sorted { $0.key < $1.key }.map(PolicyDump.init),
            certificates: await certificates().sorted { $0.identity < $1.identity },
            workloadState: await podStates(world),
            version: version
        )
    }

    /// What nodes would do with a connection, by the world that this one knows.
    package func explain(_ question: String, network: String) async throws -> String {
        let question = try JSONDecoder().decode(ConnectionQuestion.self, from: Data(question.utf8))
        let report = try ConnectionExplainer(world: await world(), network: network).explain(question)
        return String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
    }

    private func podStates(_ world: World) async -> [String: PodStateDump] {
        let open = await tunnel.connections()
        var states: [String: PodStateDump] = [:]
        for status in await agent.statuses() {
            let pod = status.report.pod
            let all = open[pod] ?? []
            let dump = { (direction: String) in
                all.filter { $0.direction == direction }.map {
                    PodStateDump.Connection(
                        src: $0.client.description, originalDst: $0.originalDestination.description,
                        actualDst: $0.actualDestination?.description, protocol: $0.protocolName
                    )
                }
            }
            let workload = world.localWorkload(namespace: pod.namespace, name: pod.name, node: nodeName)
            states[workload?.uid ?? pod.description] = PodStateDump(
                status.report, workload: workload,
                connections: PodStateDump.Connections(inbound: dump("inbound"), outbound: dump("outbound"))
            )
        }
        return states
    }
}

// MARK: - Tables

extension NodeViews {
    private func status() async -> String {
        let world = await self.world()
        let pending = self.pending()
        var text = "node \(nodeName): \(pending.isEmpty ? "ready" : "waiting for " + pending.joined(separator: ", "))\n"
        text += "version \(version.version), \(version.tlsLibrary)\n"
        text += "knows \(world.workloadCount) workloads, \(world.serviceCount) services, "
        text += "\(world.policyCount) policies\n\n"
        let statuses = await agent.statuses()
        guard !statuses.isEmpty else {
            return text + "no pod is attached; try: apus attach /run/netns/NAME --pod NAMESPACE/NAME\n"
        }
        let open = await tunnel.connections()
        var table = TextTable(["POD", "STATE", "CONNECTIONS", "RULES HELD", "NAMESPACE", "MESSAGE"])
        for status in statuses {
            table.add([
                status.report.pod.description, Self.word(for: status.report.phase),
                String(open[status.report.pod]?.count ?? 0), status.ownership, status.path, status.report.message,
            ])
        }
        return text + table.text
    }

    private static func word(for phase: PodReport.Phase) -> String {
        switch phase {
        case .attached: return "attached"
        case .enrolling: return "enrolling"
        case .proven: return "captured"
        case .leaving: return "leaving"
        case .failed: return "failed"
        }
    }

    private func workloads() async -> String {
        var table = TextTable(["NAMESPACE", "POD", "ADDRESS", "NODE", "PROTOCOL", "IDENTITY", "STATUS"])
        for workload in await world().workloads.sorted(by: { ($0.namespace, $0.name) < ($1.namespace, $1.name) }) {
            table.add([
                workload.namespace, workload.name, workload.addresses.map(\.description).joined(separator: ","),
                workload.node, workload.tunnel.rawValue, workload.identity.description, workload.status.rawValue,
            ])
        }
        return table.text
    }

    private func services() async -> String {
        let world = await self.world()
        var table = TextTable(["NAMESPACE", "SERVICE", "HOSTNAME", "ADDRESS", "ENDPOINTS"])
        for service in world.services.sorted(by: { ($0.namespace, $0.name) < ($1.namespace, $1.name) }) {
            let addresses = service.virtualAddresses.map { $0.exact.map(\.description) ?? $0.block.description }
            let endpoints = world.endpoints(of: service.key).map(\.workload.name).sorted()
            table.add([
                service.namespace, service.name, service.hostname, addresses.joined(separator: ","),
                endpoints.joined(separator: ","),
            ])
        }
        return table.text
    }

    private func policies() async -> String {
        var table = TextTable(["NAMESPACE", "POLICY", "ACTION", "SCOPE", "RULES", "DRY RUN"])
        for policy in await world().authorizationPolicies.sorted(by: { $0.key < $1.key }) {
            table.add([
                policy.namespace, policy.name, policy.action.rawValue, policy.scope.rawValue,
                String(policy.rules.count), policy.isDryRun ? "yes" : "no",
            ])
        }
        return table.text
    }

    private func certificateTable() async -> String {
        var table = TextTable(["IDENTITY", "STATE", "SERIAL NUMBER", "VALID FROM", "VALID UNTIL"])
        for certificate in await certificates().sorted(by: { $0.identity < $1.identity }) {
            let leaf = certificate.certChain.first
            table.add([
                certificate.identity, certificate.state, leaf?.serialNumber ?? "", leaf?.validFrom ?? "",
                leaf?.expirationTime ?? "",
            ])
        }
        return table.text
    }

    private func connections() async -> String {
        var table = TextTable(["POD", "DIRECTION", "PROTOCOL", "FROM", "TO", "BY WAY OF"])
        for (pod, all) in await tunnel.connections().sorted(by: { $0.key < $1.key }) {
            for connection in all.sorted(by: { $0.client.description < $1.client.description }) {
                table.add([
                    pod.description, connection.direction, connection.protocolName, connection.client.description,
                    connection.originalDestination.description, connection.actualDestination?.description ?? "",
                ])
            }
        }
        return table.text
    }
}

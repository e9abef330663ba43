package import Logging
package import MeshDiscovery
package import MeshKernel
package import MeshModel
package import ZtunnelTunnel

/// The pods of this node: who is attached, who shall be captured, how far each is. Level-triggered: every change of
/// what is wanted, and every look at what is there, leads through the same machine.
package actor NodeAgent {
    let tunnel: Tunnel
    private let home: NetworkNamespace
    let store: AttachmentStore
    let logger: Logger
    private let nodeName: String
    private let report: @Sendable ([PodReport]) -> Void
    var drivers: [PodKey: PodDriver] = [:]
    /// `nil` until the control plane has spoken.
    private var intents: [PodKey: PodIntent]?
    private var intentWaiters: [CheckedContinuation<Void, Never>] = []
    private var world = World()
    /// Pods on their way out; until they are, their namespace is not free.
    var leaving: [PodKey: Task<Void, Never>] = [:]
    private var isReporting = false
    private var isReportStale = false

    package init(
        tunnel: Tunnel, home: NetworkNamespace, storePath: String, nodeName: String, logger: Logger,
        report: @escaping @Sendable ([PodReport]) -> Void
    ) {
        self.tunnel = tunnel
        self.home = home
        self.store = AttachmentStore(path: storePath)
        self.nodeName = nodeName
        self.logger = logger
        self.report = report
    }

    // MARK: - What is wanted

    /// Every pod that the control plane places on this node.
    package func learn(_ intents: [PodIntent]) async {
        self.intents = Dictionary(intents.map { ($0.pod, $0) }) { first, _ in first }
        let waiting = intentWaiters
        intentWaiters.removeAll()
        for waiter in waiting { waiter.resume() }
        for (key, driver) in drivers { await driver.want(desire(for: key)) }
    }

    package func learn(_ world: World) async {
        self.world = world
        for (key, driver) in drivers {
            let workload = world.localWorkload(namespace: key.namespace, name: key.name, node: nodeName)
            await driver.learn(tunnelProtocol: workload?.tunnel)
        }
    }

    func desire(for key: PodKey) -> PodEnrolment.Desire? {
        guard let intents else { return nil }
        guard let intent = intents[key], intent.captured else { return .released }
        var rules = CaptureRules()
        rules.captureInbound = !intent.bypassInbound
        return .captured(rules)
    }

    // MARK: - Attaching

    /// Takes a pod's namespace. What it does from then on follows the pod's labels.
    package func attach(_ key: PodKey, _ namespace: NetworkNamespace, path: String) async -> NodeReply {
        if let refusal = answerBeforeIntents(key, namespace, path: path) { return refusal }
        await intentsKnown()
        guard let intents else {
            return .refused(
                "the control plane has not said yet which pods belong to node \(nodeName); "
                    + "check that apusd is reachable, then try again"
            )
        }
        guard let intent = intents[key] else {
            return .refused(
                "no pod \(key) on node \(nodeName): expected a Pod with spec.nodeName \(nodeName) in the resources"
            )
        }
        // Others may have attached or detached while we waited.
        if let refusal = answerBeforeIntents(key, namespace, path: path) { return refusal }
        return await adopt(key, namespace, path: path, intent)
    }

    /// What can be said of an attach without the control plane; `nil` when nothing speaks against it.
    private func answerBeforeIntents(_ key: PodKey, _ namespace: NetworkNamespace, path: String) -> NodeReply? {
        guard namespace.identity != home.identity else {
            return .refused("\(path) is the node's own network namespace; expected the namespace of pod \(key)")
        }
        guard leaving[key] == nil else {
            return .refused("\(key) is being detached; try again when 'apus detach \(key)' says that it is")
        }
        if let present = drivers[key] {
            guard present.namespace.identity != namespace.identity else {
                return .done("\(key) is attached already; nothing to do")
            }
            return .refused(
                "\(key) is attached already, to \(present.path); run 'apus detach \(key)' before attaching another "
                    + "namespace"
            )
        }
        if let other = drivers.first(where: { $0.value.namespace.identity == namespace.identity }) {
            return .refused("\(path) belongs to pod \(other.key) already; each pod has a namespace of its own")
        }
        return nil
    }

    private func adopt(
        _ key: PodKey, _ namespace: NetworkNamespace, path: String, _ intent: PodIntent
    ) async -> NodeReply {
        let driver: PodDriver
        do {
            driver = try makeDriver(key, namespace, path: path)
        } catch {
            return .refused("cannot open netlink in \(path): \(error)")
        }
        drivers[key] = driver
        save()
        logger.info("pod attached", metadata: ["pod": "\(key)", "namespace": "\(path)"])
        await driver.want(desire(for: key))
        let next =
            intent.captured
            ? "its labels ask for capture"
            : "not captured: neither the pod nor its namespace is labelled istio.io/dataplane-mode=ambient"
        return .done("\(key) attached; \(next)")
    }

    func makeDriver(_ key: PodKey, _ namespace: NetworkNamespace, path: String) throws -> PodDriver {
        try PodDriver(key: key, namespace: namespace, path: path, tunnel: tunnel, logger: logger) { [weak self] in
            Task { await self?.reportAll() }
        }
    }

    /// Waits a bounded time for the first word of the control plane.
    private func intentsKnown() async {
        guard intents == nil else { return }
        let timeout = Task {
            try? await Task.sleep(for: .seconds(5))
            self.stopWaiting()
        }
        await withCheckedContinuation { intentWaiters.append($0) }
        timeout.cancel()
    }

    private func stopWaiting() {
        let waiting = intentWaiters
        intentWaiters.removeAll()
        for waiter in waiting { waiter.resume() }
    }

    // MARK: - Telling

    /// One report at a time: of two that overlap the older one could arrive last.
    func reportAll() async {
        isReportStale = true
        guard !isReporting else { return }
        isReporting = true
        while isReportStale {
            isReportStale = false
            report(await statuses().map(\.report))
        }
        isReporting = false
    }

    /// How far each attached pod is, by name.
    package func statuses() async -> [PodStatus] {
        var all: [PodStatus] = []
        for key in drivers.keys.sorted() {
            if let status = await drivers[key]?.status() { all.append(status) }
        }
        return all
    }
}

/// One attached pod, for people and for the control plane.
package struct PodStatus: Hashable, Sendable {
    package let report: PodReport
    package let path: String
    package let ownership: String
}

package import Logging
package import MeshDiscovery
package import MeshKernel
package import MeshModel
package import ZtunnelTunnel

/// The pods of this node: who is attached, who shall be captured, how far each is. Level-triggered: every change of
/// what is wanted, and every look at what is there, leads through the same machine.
package actor NodeAgent {
    let tunnel: Tunnel
    let home: NetworkNamespace
    let store: AttachmentStore
    let logger: Logger
    let nodeName: String
    private let onCapturedNamespaces: @Sendable (Set<String>) -> Void
    private let report: @Sendable ([PodReport]) -> Void
    var drivers: [PodKey: PodDriver] = [:]
    /// `nil` until the control plane has spoken.
    private(set) var intents: [PodKey: PodIntent]?
    /// Namespaces of the cluster that have something to capture; `nil` until the control plane has spoken.
    private(set) var capturedNamespaces: Set<String>?
    /// Of pods that a container runtime announced.
    var sandboxes: [PodKey: PodSandbox] = [:]
    /// Grows with everything that somebody may wait for.
    private(set) var changeCount = 0
    private var changeWaiters: [CheckedContinuation<Void, Never>] = []
    private(set) var world = World()
    /// `nil`: pods that run already are attached by hand.
    let scan: ProcessScan?
    var isSearching = false
    /// Istio's node agent makes the rules of pods and says which there are; nothing is kept on disk then.
    let isLed: Bool
    /// `nil`: probes of the node come to pods like any plain text.
    var probes: NodeProbes?
    var probeFailure = ""
    /// Pods on their way out; until they are, their namespace is not free.
    var leaving: [PodKey: Task<Void, Never>] = [:]
    /// Whom the pods were taken over from, until it has ended.
    var predecessor: Predecessor?
    var phase: AgentPhase
    private var isReporting = false
    private var isReportStale = false

    /// - Parameter isWaiting: a predecessor has the node; nothing is done before `Takeover.take` or `restore`.
    package init(
        tunnel: Tunnel, home: NetworkNamespace, storePath: String, nodeName: String, logger: Logger,
        isWaiting: Bool = false, isLed: Bool = false, scan: ProcessScan? = nil, probes: NodeProbes? = nil,
        onCapturedNamespaces: @escaping @Sendable (Set<String>) -> Void = { _ in },
        report: @escaping @Sendable ([PodReport]) -> Void
    ) {
        self.tunnel = tunnel
        self.home = home
        self.store = AttachmentStore(path: storePath)
        self.nodeName = nodeName
        self.logger = logger
        self.phase = isWaiting ? .waiting : .serving
        self.isLed = isLed
        self.scan = scan
        self.probes = probes
        self.onCapturedNamespaces = onCapturedNamespaces
        self.report = report
    }

    // MARK: - What is wanted

    /// What the control plane wants of this node.
    package func learn(_ intent: NodeIntent) async {
        intents = Dictionary(intent.pods.map { ($0.pod, $0) }) { first, _ in first }
        if capturedNamespaces != intent.capturedNamespaces {
            capturedNamespaces = intent.capturedNamespaces
            onCapturedNamespaces(intent.capturedNamespaces)
        }
        tellChange()
        for (key, driver) in drivers { await driver.want(desire(for: key)) }
        searchRunning()
    }

    package func learn(_ world: World) async {
        self.world = world
        for (key, driver) in drivers {
            let workload = world.localWorkload(namespace: key.namespace, name: key.name, node: nodeName)
            await driver.learn(tunnelProtocol: workload?.tunnel)
        }
    }

    func desire(for key: PodKey) -> PodEnrolment.Desire? {
        if isLed { return .captured(CaptureRules()) }
        guard let intents else { return nil }
        guard let intent = intents[key], intent.captured else { return .released }
        var rules = CaptureRules()
        rules.captureInbound = !intent.bypassInbound
        return .captured(rules)
    }

    // MARK: - Changes

    func makeDriver(
        _ key: PodKey, _ namespace: NetworkNamespace, path: String, inheriting inheritance: PodInheritance? = nil
    ) throws -> PodDriver {
        try PodDriver(
            key: key, namespace: namespace, path: path, tunnel: tunnel, makesRules: !isLed, logger: logger,
            inheriting: inheritance,
            untilPredecessorIsIdle: { [weak self] in await self?.untilPredecessorIsIdle(key) },
            onChange: { [weak self] in Task { await self?.reportAll() } })
    }

    /// Returns when anything has changed since the count was read, or at the deadline.
    func untilChange(since count: Int, before deadline: ContinuousClock.Instant) async {
        guard count == changeCount else { return }
        let timeout = Task {
            do { try await Task.sleep(until: deadline, clock: .continuous) } catch { return }
            self.tellChange()
        }
        await withCheckedContinuation { changeWaiters.append($0) }
        timeout.cancel()
    }

    func tellChange() {
        changeCount += 1
        let waiting = changeWaiters
        changeWaiters.removeAll()
        for waiter in waiting { waiter.resume() }
    }

    // MARK: - Telling

    /// One report at a time: of two that overlap the older one could arrive last.
    package func reportAll() async {
        tellChange()
        isReportStale = true
        guard !isReporting, phase == .serving else { return }
        isReporting = true
        while isReportStale {
            isReportStale = false
            let statuses = await self.statuses()
            guard phase == .serving else { break }
            openToProbes(statuses)
            report(statuses.map(\.report))
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

internal import Logging
internal import MeshKernel
internal import MeshModel
internal import NIOCore
internal import ZtunnelTunnel

/// Carries out what the enrolment machine of one pod says, one action at a time.
actor PodDriver {
    nonisolated let key: PodKey
    nonisolated let namespace: NetworkNamespace
    nonisolated let path: String
    let table: CaptureTable
    private let tunnel: Tunnel
    /// Otherwise somebody else does, before we hear of the pod and until after we do.
    private let makesRules: Bool
    private let logger: Logger
    private let onChange: @Sendable () -> Void
    var machine: PodEnrolment
    /// Outcomes of actions that were overtaken are dropped.
    var actionNumber = 0
    private var peersToldPlain: CheckedContinuation<Void, Never>?
    private var tunnelProtocol: TunnelProtocol?
    /// Peers came with HBONE until a moment ago.
    private var mayBeCalled = false
    var idleWaiters: [CheckedContinuation<Void, Never>] = []
    var audit: Task<Void, Never>?
    private(set) var isLeaving = false
    /// A successor is about to take over: nothing is done meanwhile.
    var isFrozen = false
    /// Returns when no connection of the pod is left at the process that it was taken over from.
    private let untilPredecessorIsIdle: @Sendable () async -> Void
    private var isAbandoned = false

    init(
        key: PodKey, namespace: NetworkNamespace, path: String, tunnel: Tunnel, makesRules: Bool, logger: Logger,
        inheriting inheritance: PodInheritance? = nil,
        untilPredecessorIsIdle: @escaping @Sendable () async -> Void = {}, onChange: @escaping @Sendable () -> Void
    ) throws {
        self.key = key
        self.namespace = namespace
        self.path = path
        self.tunnel = tunnel
        self.makesRules = makesRules
        self.logger = logger
        self.untilPredecessorIsIdle = untilPredecessorIsIdle
        self.onChange = onChange
        if let inheritance {
            self.table = try inheritance.table(in: namespace)
            self.machine = PodEnrolment(continuing: inheritance.standing)
            return
        }
        let table = try CaptureTable(in: namespace)
        self.table = table
        // What cannot be read is taken for there, so that it is removed before the pod counts as free of us.
        self.machine = PodEnrolment(hasLeftovers: makesRules && (try? table.verify(CaptureRules())) != .absent)
    }

    func status() -> PodStatus {
        PodStatus(
            report: PodReport(pod: key, phase: machine.phase, message: machine.message), path: path,
            ownership: String(describing: table.ownership)
        )
    }

    /// `nil`: nobody has said yet; what is there stays.
    func want(_ desire: PodEnrolment.Desire?) {
        guard let desire, !isLeaving, !isFrozen else { return }
        perform(machine.want(desire))
    }

    /// What the world says of this pod; peers follow it.
    func learn(tunnelProtocol: TunnelProtocol?) {
        self.tunnelProtocol = tunnelProtocol
        guard tunnelProtocol != .hbone else { return }
        peersToldPlain?.resume()
        peersToldPlain = nil
    }

    /// Takes everything back; returns when the namespace is as it was.
    func leave() async {
        guard !isAbandoned else { return }
        isLeaving = true
        // Somebody waits: a step that failed is tried again now rather than at its time.
        perform(machine.want(.released) ?? machine.retryDue())
        if machine.holdsNamespace {
            await withCheckedContinuation { idleWaiters.append($0) }
        }
        audit?.cancel()
    }

    /// The pod has ended, and with it whoever talked through its namespace: nothing drains.
    func abandon() async {
        (isLeaving, isAbandoned) = (true, true)
        actionNumber += 1
        audit?.cancel()
        // Fails where the namespace has nothing left to remove from, which is as good.
        try? removeRules()
        await tunnel.close(key)
        stopWaitingForPeers()
        let waiting = idleWaiters
        idleWaiters.removeAll()
        for waiter in waiting { waiter.resume() }
    }

    // MARK: - Actions

    func perform(_ action: PodEnrolment.Action?) {
        onChange()
        guard let action else { return settle() }
        actionNumber += 1
        let number = actionNumber
        if case .retryLater(let seconds) = action {
            logger.warning("enrolment failed; trying again",
                metadata: ["pod": "\(key)", "error": "\(machine.message)", "seconds": "\(seconds)"])
            Task {
                try? await Task.sleep(for: .seconds(seconds))
                self.retry(number)
            }
            return
        }
        Task {
            guard number == self.actionNumber else { return }
            do {
                try await self.carryOut(action)
                self.finished(number)
            } catch {
                self.failed(number, error)
            }
        }
    }

    private func carryOut(_ action: PodEnrolment.Action) async throws {
        switch action {
        case .openListeners:
            try await tunnel.open(key, in: namespace)
        case .install(let rules):
            try install(rules)
        case .prove(let rules):
            try await prove(rules)
        case .withdraw:
            await untilPeersKnow()
        case .drain:
            try retreat()
            if mayBeCalled { try await Task.sleep(for: PodRetreat.linger) }
            mayBeCalled = false
            try await tunnel.untilDrained(key)
            await untilPredecessorIsIdle()
        case .remove:
            try removeRules()
            await tunnel.close(key)
        case .retryLater:
            break
        }
    }

    private func finished(_ number: Int) {
        guard number == actionNumber else { return }
        let before = machine.stage
        let next = machine.completed()
        if before == .proving, machine.stage == .proven {
            logger.info("pod captured: rules read back, self-test went through", metadata: ["pod": "\(key)"])
        }
        if before == .removing, machine.stage == .idle {
            logger.info("pod released: nothing is left in its namespace", metadata: ["pod": "\(key)"])
        }
        perform(next)
    }

    private func failed(_ number: Int, _ error: any Error) {
        guard number == actionNumber else { return }
        perform(machine.failed(String(describing: error)))
    }

    private func retry(_ number: Int) {
        guard number == actionNumber else { return }
        perform(machine.retryDue())
    }

    /// Nothing is under way: those who wait for an empty namespace are told, a proven pod is watched.
    private func settle() {
        if !machine.holdsNamespace {
            let waiting = idleWaiters
            idleWaiters.removeAll()
            for waiter in waiting { waiter.resume() }
            audit?.cancel()
            audit = nil
        } else if machine.stage == .proven, audit == nil {
            audit = Task { await self.keepAuditing() }
        }
    }
}

// MARK: - Netlink
// Each of these is a few system calls on the namespace's own socket and blocks for well under a millisecond.

extension PodDriver {
    private func install(_ rules: CaptureRules) throws { if makesRules { try table.install(rules) } }
    private func retreat() throws { if makesRules { try table.retreat() } }
    private func removeRules() throws { if makesRules { try table.remove() } }
    private func readBack(_ rules: CaptureRules) throws -> CaptureState {
        makesRules ? try table.verify(rules) : .equal
    }
}

// MARK: - Proof

extension PodDriver {
    private func prove(_ rules: CaptureRules) async throws {
        let state = try readBack(rules)
        guard state == .equal else { throw ProofFailure(found: state) }
        let namespace = self.namespace
        for destination in try SelfTest.destinations(in: namespace) {
            let isRoutable = try await tunnel.expectSelfTest(
                of: key, to: destination, in: namespace, within: SelfTest.timeout)
            if isRoutable { return }
        }
        // No route to anywhere: no process of this pod can connect either, so there is nothing to capture yet.
    }

    /// Waits until the control plane told everybody, or a bounded time: a peer that still comes with HBONE is served.
    private func untilPeersKnow() async {
        guard tunnelProtocol == .hbone else { return }
        mayBeCalled = makesRules
        let timeout = Task {
            do { try await Task.sleep(for: PodRetreat.patience) } catch { return }
            self.stopWaitingForPeers()
        }
        await withCheckedContinuation { peersToldPlain = $0 }
        timeout.cancel()
    }

    private func stopWaitingForPeers() {
        peersToldPlain?.resume()
        peersToldPlain = nil
    }

    /// Reads the rules back again and again, so that what somebody else changed is repaired.
    private func keepAuditing() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: PodAudit.period)
            guard !Task.isCancelled, machine.stage == .proven, let rules = machine.wantedRules else { continue }
            let state = (try? readBack(rules)) ?? .absent
            guard let action = machine.audited(state) else { continue }
            logger.warning("capture rules were changed by somebody; installing them again",
                metadata: ["pod": "\(key)", "found": "\(state)"])
            perform(action)
        }
    }
}

enum PodAudit {
    /// How long a change by somebody else may stay unnoticed. Reading one pod's rules back takes well under a
    /// millisecond, so 200 pods cost a few per cent of one core.
    static let period: Duration = .seconds(2)
}

enum PodRetreat {
    /// How long the control plane may take to say that the pod is reached in plain text. With replicas it says so when
    /// the API server has the word.
    static let patience: Duration = .seconds(5)
    /// How long HBONE is taken still: nodes hear of it at different moments, above all those of another replica.
    static let linger: Duration = .seconds(1)
}

/// The rules read back are not the rules written.
struct ProofFailure: Error, CustomStringConvertible {
    let found: CaptureState

    var description: String { "capture rules read back differ from those written: \(found)" }
}

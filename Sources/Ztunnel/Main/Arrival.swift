import Logging
import MeshKernel
import MeshModel
import MeshRuntime
import ServiceLifecycle
import ZtunnelNode
import ZtunnelTunnel

/// How this daemon comes to its node: alone, or from a predecessor that runs.
struct Arrival: Sendable {
    /// What is pending while a predecessor has the node.
    private static let task = "hand-over"
    /// For the sockets of a process that is ending.
    private static let patience = Duration.seconds(2)

    let settings: ZtunnelSettings
    let agent: NodeAgent
    let tunnel: Tunnel
    let control: ControlSocketServer
    let successors: HandoverServer
    let keeper: NetworkKeeper?
    let readiness: Readiness
    let succession: Succession
    let logger: Logger

    /// Nobody serves the node: what a predecessor that has ended left behind is found again.
    func alone() async throws {
        try await patiently { try control.start() }
        try await patiently { try successors.start(path: HandoverServer.path(besides: settings.controlSocketPath)) }
        await agent.restore()
        // Last of those that pods need: from now on their start waits for us.
        keeper?.start()
        succession.arrived.fire()
    }

    /// A process that was killed lets go of its sockets one after the other.
    private func patiently(_ start: () throws -> Void) async throws {
        let deadline = ContinuousClock.now + Self.patience
        while true {
            do {
                return try start()
            } catch KernelError.socketInUse where ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    /// First everything is there that the pods need, then the predecessor is asked for them. If it ends meanwhile,
    /// this is a restart like any other. Errors: it goes on, and this daemon has to end.
    func takeOver(_ takeover: Takeover) async throws {
        logger.info("a daemon runs on this node; getting ready to take over",
            metadata: ["version": "\(takeover.predecessor.program)", "pods": "\(takeover.candidates.count)"])
        readiness.undone(Self.task)
        do {
            await tunnel.expect(takeover.candidates)
            try await takeover.wait { knowsAll }
            try await untilCertified(takeover)
            let inheritance = try await takeover.take(agent)
            try inheritance.start(control, successors)
            keeper?.start()
            succession.arrived.fire()
            logger.info("taken over", metadata: ["pods": "\(inheritance.pods)"])
        } catch let error as HandoverError where error.meansEnded {
            logger.warning("the daemon that ran has ended; going on as after a restart")
            try await alone()
            await agent.reportAll()
        }
        await tunnel.expect([])
        readiness.done(Self.task)
    }

    /// The control plane has said everything.
    private var knowsAll: Bool {
        var pending = Set(readiness.pending)
        pending.remove(Self.task)
        // Istio's node agent tells its pods to whom serves them.
        if settings.agentSocket != nil { pending.remove(NodeProcess.Pending.pods) }
        return pending.isEmpty
    }

    /// Waits for the certificates of all pods, or a bounded time: one that nobody gets must not hold up the others.
    private func untilCertified(_ takeover: Takeover) async throws(HandoverError) {
        let deadline = ContinuousClock.now + .seconds(HandoverLimits.certificateSeconds)
        try await takeover.wait {
            guard ContinuousClock.now < deadline else { return true }
            return await tunnel.awaited().isEmpty
        }
        let missing = await tunnel.awaited()
        guard !missing.isEmpty else { return }
        logger.warning("taking over although certificates are missing",
            metadata: ["pods": "\(missing.map(\.description).joined(separator: ", "))"])
    }
}

/// Takes over while the other services run; where nobody is to be taken over from, it does nothing.
struct ArrivalService: ServiceLifecycle.Service {
    let arrival: Arrival
    let takeover: Takeover?

    func run() async throws {
        if let takeover {
            do {
                try await cancelWhenGracefulShutdown { try await arrival.takeOver(takeover) }
            } catch HandoverError.stopped {}
        }
        try? await gracefulShutdown()
    }
}

/// Between a predecessor and a successor: what has happened.
struct Succession: Sendable {
    /// The node is ours.
    let arrived = OneShot()
    /// A successor has the node.
    let released = OneShot()
    /// And knows it.
    let begun = OneShot()
    let successor = Latch<Successor>()
    /// The successor has ended, and nobody has asked us to.
    let lost = OneShot()

    func begin(_ successor: Successor) {
        self.successor.set(successor)
        begun.fire()
    }

    /// Runs the body until a successor has the node, and never returns before its task is cancelled.
    func whileServing(_ body: @escaping @Sendable () async -> Void) async {
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await body() }
            tasks.addTask { await released.wait() }
            await tasks.next()
            tasks.cancelAll()
        }
        await OneShot().wait()
    }
}

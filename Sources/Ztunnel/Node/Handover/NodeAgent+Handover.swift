internal import Logging
internal import MeshDiscovery
package import MeshKernel
package import MeshModel
internal import ZtunnelTunnel

/// A pod on its way from one process to the next.
package struct PassedPod: Sendable {
    package let record: HandoverPod
    package let namespace: NetworkNamespace
    /// The netlink socket that owns the pod's rules.
    private(set) var owner: PassedDescriptor?
    private(set) var doors: [PodDoor: PassedDescriptor]

    mutating func add(_ kind: HandoverSocket, _ descriptor: PassedDescriptor) {
        switch kind {
        case .owner: owner = descriptor
        case .door(let door): doors[door] = descriptor
        case .probes, .control, .handover: break
        }
    }
}

/// Where this agent is between a predecessor and a successor.
enum AgentPhase: Hashable, Sendable {
    /// A predecessor has the node still.
    case waiting
    case serving
    /// A successor is about to take over: nothing changes meanwhile.
    case frozen
    /// The node is the successor's.
    case handedOver
}

// MARK: - Handing over

extension NodeAgent {
    /// Pods that would be handed over now.
    package func attachedPods() -> Set<PodKey> { Set(drivers.keys) }

    /// Stops every change. Returns all pods with what belongs to them. `thaw` or `handOver` follows.
    package func freeze() async throws -> [PassedPod] {
        phase = .frozen
        var passed: [PassedPod] = []
        for (key, driver) in drivers.sorted(by: { $0.key < $1.key }) {
            let inheritance = try await driver.freeze()
            let record = HandoverPod(
                key: key, path: driver.path, sandbox: sandboxes[key], standing: inheritance.standing,
                isLeaving: leaving[key] != nil)
            passed.append(
                PassedPod(
                    record: record, namespace: driver.namespace, owner: inheritance.owner,
                    doors: try await tunnel.listeningSockets(of: key)))
        }
        return passed
    }

    /// The socket that owns the node's rules for probes.
    func probesOwner() throws -> PassedDescriptor? { try probes.map { PassedDescriptor(try $0.ownerDescriptor()) } }

    /// Goes on: nobody has taken over.
    package func thaw() async {
        phase = .serving
        for (key, driver) in drivers {
            await driver.thaw()
            await driver.want(desire(for: key))
        }
        save()
        await reportAll()
    }

    /// Lets go of every pod: a successor has them. Their connections stay with the tunnel.
    package func handOver() async {
        phase = .handedOver
        let former = drivers.values
        (drivers, sandboxes, leaving) = ([:], [:], [:])
        probes = nil
        for driver in former { await driver.handOver() }
        tellChange()
    }

    /// Waits while a successor is about to take over. Whether this agent still answers for the node then.
    func mayChange() async -> Bool {
        while phase == .frozen || phase == .waiting {
            await untilChange(since: changeCount, before: .now + .seconds(1))
        }
        return phase == .serving
    }

    /// Whether a successor answers for the node.
    package var hasHandedOver: Bool { phase == .handedOver }

    static let handedOverReply = NodeReply.refused("this daemon is being replaced; ask again")
}

// MARK: - Taking over

extension NodeAgent {
    /// Takes pods over whose predecessor has stopped to change anything: opens their doors, which both accept from
    /// then on, and does nothing else yet.
    func inherit(_ pods: [PassedPod], _ predecessor: Predecessor) async throws {
        self.predecessor = predecessor
        for pod in pods {
            let key = pod.record.key
            if !pod.doors.isEmpty { try await tunnel.open(key, in: pod.namespace, inheriting: pod.doors) }
            drivers[key] = try makeDriver(
                key, pod.namespace, path: pod.record.path,
                inheriting: PodInheritance(standing: pod.record.standing, owner: pod.owner))
            sandboxes[key] = pod.record.sandbox
        }
    }

    /// Returns when nothing of the pod, or of any, is left at the process that it was taken over from.
    package func untilPredecessorIsIdle(_ pod: PodKey? = nil) async {
        if let pod { await predecessor?.untilIdle(pod) } else { await predecessor?.untilIdle() }
    }

    /// The predecessor has let go: the pods are ours.
    func resume(_ pods: [PassedPod]) async {
        phase = .serving
        for pod in pods {
            guard let driver = drivers[pod.record.key] else { continue }
            let key = pod.record.key
            let workload = world.localWorkload(namespace: key.namespace, name: key.name, node: nodeName)
            await driver.learn(tunnelProtocol: workload?.tunnel)
            await driver.start(desire(for: key))
            if pod.record.isLeaving { beginLeaving(key, driver) }
        }
        save()
        await reportAll()
        searchRunning()
    }

    /// Goes on with the rules for probes that the predecessor wrote.
    func inherit(probes descriptor: PassedDescriptor) throws {
        guard probes != nil, let owner = descriptor.take() else { return }
        probes = try NodeProbes(adoptingOwner: owner)
    }
}

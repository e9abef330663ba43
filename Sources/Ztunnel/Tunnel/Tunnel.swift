package import MeshDiscovery
package import MeshIdentity
package import MeshKernel
package import MeshModel
package import MeshTelemetry
internal import MeshTLS
package import NIOCore
package import NIOPosix

/// The data plane of a node: the doors of its pods and everything that comes through them, spread over event loops.
/// The actor only opens and closes; no byte of a pod passes through it.
package actor Tunnel {
    private let group: MultiThreadedEventLoopGroup
    let slots: [LoopSlot]
    let certificates: CertificateManager
    let settings: TunnelSettings
    var pods: [PodKey: OpenPod] = [:]
    private(set) var world = World()
    /// Certificates for pods that are to be taken over.
    var expected: [PodKey: ExpectedPod] = [:]
    /// A successor accepts from now on.
    var hasSuccessor = false

    /// One pod's doors and the certificate that is kept for it.
    struct OpenPod {
        let namespace: NetworkNamespace
        var listeners: [OpenDoor]
        var hold: CertificateManager.HoldToken?
        var identity: Identity?
    }

    /// - Parameter group: the data loops; nothing else should run on them.
    package init(
        group: MultiThreadedEventLoopGroup, settings: TunnelSettings, certificates: CertificateManager,
        accessLog: AccessLog
    ) async throws {
        self.group = group
        self.settings = settings
        self.certificates = certificates
        var slots: [LoopSlot] = []
        let loopCount = group.makeIterator().reduce(0) { count, _ in count + 1 }
        for eventLoop in group.makeIterator() {
            let slot = try await eventLoop.submit {
                LoopSlot(
                    try TunnelLoop(
                        eventLoop: eventLoop, settings: settings, metrics: MetricsShard(), accessLog: accessLog,
                        world: World(), loopCount: loopCount
                    )
                )
            }.get()
            slots.append(slot)
        }
        self.slots = slots
    }

    /// A new world, for every loop and every pod. Returns when each loop goes by it.
    package func learn(_ world: World) async {
        self.world = world
        let learnt = slots.map { slot in slot.eventLoop.submit { slot.loop.learn(world) } }
        for key in pods.keys { await holdCertificate(for: key) }
        await holdExpected()
        // A loop that has ended goes by nothing.
        for loop in learnt { try? await loop.get() }
    }

    /// Opens the doors of a pod inside its namespace. Opening a pod that is open changes nothing.
    /// - Parameter sockets: listening ones that a predecessor passed over; what waits in their queues is served.
    package func open(
        _ key: PodKey, in namespace: NetworkNamespace, inheriting sockets: [PodDoor: PassedDescriptor] = [:]
    ) async throws {
        guard !hasSuccessor else { throw ConnectionFailure.drained }
        if pods[key]?.namespace.identity == namespace.identity { return }
        if pods[key] != nil { await close(key) }
        for slot in slots {
            try await slot.run { loop in loop.add(PodOnLoop(key: key, namespace: namespace, loop: loop)) }
        }
        pods[key] = OpenPod(namespace: namespace, listeners: [])
        do {
            for door in PodDoor.allCases {
                let descriptor =
                    try sockets[door]?.take()?.release() ?? PodListening.open(door, in: namespace, settings: settings)
                let listener = try await listen(at: door, of: key, on: descriptor)
                guard pods[key]?.namespace === namespace, !hasSuccessor else {
                    // Closed meanwhile, by the end of the process.
                    try? await listener.channel.close()
                    throw ConnectionFailure.drained
                }
                pods[key]?.listeners.append(listener)
            }
        } catch {
            await close(key)
            throw error
        }
        await holdCertificate(for: key)
    }

    /// Closes the doors and ends what still came through them.
    package func close(_ key: PodKey) async {
        guard let pod = pods.removeValue(forKey: key) else { return }
        for listener in pod.listeners { try? await listener.channel.close() }
        for slot in slots {
            try? await slot.run { loop in loop.remove(key)?.close(.drained) }
        }
        if let hold = pod.hold { await certificates.release(hold) }
    }

    private func listen(at door: PodDoor, of key: PodKey, on descriptor: CInt) async throws -> OpenDoor {
        let slots = self.slots
        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.maxMessagesPerRead, value: PodListening.acceptsPerTurn)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: door != .inboundTunnel)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let slot = slots.first(where: { $0.eventLoop === channel.eventLoop }) else { return }
                    try Acceptor(loop: slot.loop, pod: key, door: door).accept(channel)
                }
            }
            .withBoundSocket(descriptor)
            .get()
        // NIO has called listen again, with its own small number.
        PodSockets.setBacklog(PodListening.backlog, of: descriptor)
        return OpenDoor(door: door, channel: listener, descriptor: descriptor)
    }

    /// Keeps a certificate for the pod's identity as discovery states it now.
    private func holdCertificate(for key: PodKey) async {
        let workload = world.localWorkload(namespace: key.namespace, name: key.name, node: settings.nodeName)
        guard let identity = workload?.identity, let pod = pods[key], pod.identity != identity else { return }
        pods[key]?.identity = identity
        let slots = self.slots
        let hold = await certificates.hold(identity) { result in
            for slot in slots { slot.execute { loop in loop.pods[key]?.learn(result, of: identity) } }
        }
        // Meanwhile the pod may have been closed, opened anew, or got another identity.
        guard let present = pods[key], present.namespace === pod.namespace, present.identity == identity else {
            return await certificates.release(hold)
        }
        pods[key]?.hold = hold
        if let former = present.hold { await certificates.release(former) }
    }
}

// MARK: - Leaving

extension Tunnel {
    /// Returns when no connection that came through the pod's doors is alive.
    package func untilDrained(_ key: PodKey) async throws {
        for slot in slots {
            let eventLoop = slot.eventLoop
            let idle = eventLoop.makePromise(of: Void.self)
            slot.execute { loop in
                guard let pod = loop.pods[key] else { return idle.succeed() }
                pod.whenIdle { idle.succeed() }
            }
            try await idle.futureResult.get()
        }
    }

    /// Tells every peer that no new streams are welcome, waits for the running ones, ends what is left at the deadline.
    package func drain(within bound: TimeAmount) async {
        for key in pods.keys {
            for listener in pods[key]?.listeners ?? [] { try? await listener.channel.close() }
            pods[key]?.listeners = []
        }
        for slot in slots { slot.execute { loop in for pod in loop.pods.values { pod.drain() } } }
        let keys = Array(pods.keys)
        let deadline = slots[0].eventLoop.makePromise(of: Void.self)
        slots[0].eventLoop.scheduleTask(in: bound) { deadline.succeed() }
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                for key in keys { try? await self.untilDrained(key) }
            }
            tasks.addTask { try? await deadline.futureResult.get() }
            await tasks.next()
            for key in keys { await self.close(key) }
            deadline.succeed()
        }
    }
}

internal import MeshDiscovery
internal import MeshIdentity
package import MeshKernel
package import MeshModel
internal import NIOCore

/// A certificate that is kept for a pod of which another process has the doors still.
struct ExpectedPod {
    var identity: Identity?
    var hold: CertificateManager.HoldToken?
}

// MARK: - Taking over

extension Tunnel {
    /// Gets ready for pods that will be opened: keeps their certificates. Once more replaces the list.
    package func expect(_ keys: Set<PodKey>) async {
        for key in expected.keys where !keys.contains(key) {
            if let hold = expected.removeValue(forKey: key)?.hold { await certificates.release(hold) }
        }
        for key in keys where expected[key] == nil { expected[key] = ExpectedPod() }
        await holdExpected()
    }

    /// Those of the expected pods whose certificate is not there. Pods that the world does not know have none to wait
    /// for.
    package func awaited() async -> [PodKey] {
        var missing: [PodKey] = []
        for (key, pod) in expected {
            guard let identity = pod.identity else { continue }
            if await certificates.certificate(for: identity) == nil { missing.append(key) }
        }
        return missing.sorted()
    }

    func holdExpected() async {
        for key in Array(expected.keys) {
            let workload = world.localWorkload(namespace: key.namespace, name: key.name, node: settings.nodeName)
            guard let identity = workload?.identity, expected[key]?.identity != identity else { continue }
            let former = expected[key]?.hold
            expected[key]?.identity = identity
            let hold = await certificates.hold(identity) { _ in }
            guard expected[key]?.identity == identity else {
                await certificates.release(hold)
                continue
            }
            expected[key]?.hold = hold
            if let former { await certificates.release(former) }
        }
    }
}

// MARK: - Handing over

extension Tunnel {
    /// Second descriptors of a pod's listening sockets; both processes may accept until `stopAccepting`.
    package func listeningSockets(of key: PodKey) throws(KernelError) -> [PodDoor: PassedDescriptor] {
        var sockets: [PodDoor: PassedDescriptor] = [:]
        for listener in pods[key]?.listeners ?? [] {
            sockets[listener.door] = PassedDescriptor(try OwnedDescriptor.duplicate(of: listener.descriptor))
        }
        return sockets
    }

    /// A successor has the same listening sockets and accepts: lets go of ours. What waits in their queues is the
    /// successor's, what was accepted stays here.
    package func stopAccepting() async {
        hasSuccessor = true
        let listeners = pods.values.flatMap(\.listeners)
        for key in pods.keys { pods[key]?.listeners = [] }
        for listener in listeners { try? await listener.channel.setOption(.autoRead, value: false).get() }
        // A connection is accepted on one loop, set up on another and handed back: two rounds, and none is in between.
        for _ in 0..<2 {
            for slot in slots { try? await slot.run { _ in } }
        }
        for listener in listeners { try? await listener.channel.close() }
    }

    /// After `stopAccepting`: peers are told to make new tunnels, which the successor gets; streams that run go on.
    /// Returns when nothing is left, or at the end of the bound, when what is left is cut.
    /// - Parameter onQuiet: nothing of this pod is left; once for each pod.
    package func retire(
        within bound: Duration, onQuiet: @Sendable (PodKey) async -> Void = { _ in }
    ) async {
        for slot in slots { slot.execute { loop in for pod in loop.pods.values { pod.drainPeers() } } }
        let deadline = ContinuousClock.now + bound
        var told: Set<PodKey> = []
        while !Task.isCancelled {
            let busy = await busyPods()
            for key in pods.keys where !busy.contains(key) && told.insert(key).inserted { await onQuiet(key) }
            guard !busy.isEmpty, ContinuousClock.now < deadline else { break }
            try? await Task.sleep(for: Self.quietLookInterval)
        }
        guard !Task.isCancelled else { return }
        for key in pods.keys { await close(key) }
    }

    /// Between two looks whether connections are left.
    private static let quietLookInterval = Duration.milliseconds(200)

    private func busyPods() async -> Set<PodKey> {
        var busy: Set<PodKey> = []
        for slot in slots {
            let some = try? await slot.run { loop in loop.pods.values.filter { !$0.isQuiet }.map(\.key) }
            busy.formUnion(some ?? [])
        }
        return busy
    }
}

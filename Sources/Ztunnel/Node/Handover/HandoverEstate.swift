internal import MeshKernel
package import MeshRuntime
package import ZtunnelTunnel

/// What a daemon hands over, and how it lets go of it.
package struct HandoverEstate: Sendable {
    let agent: NodeAgent
    private let tunnel: Tunnel
    private let control: ControlSocketServer
    private let onRelease: @Sendable (HandoverGreeting) async -> Void

    /// - Parameter onRelease: stops what must not run in two daemons, but for pods and the control socket.
    package init(
        agent: NodeAgent, tunnel: Tunnel, control: ControlSocketServer,
        onRelease: @escaping @Sendable (HandoverGreeting) async -> Void
    ) {
        self.agent = agent
        self.tunnel = tunnel
        self.control = control
        self.onRelease = onRelease
    }

    /// Stops every change, and returns everything as packets. `thaw` or `release` follows.
    func freeze() async throws(HandoverError) -> [HandoverConnection.Packet] {
        do {
            // First: a question that changes something would wait for the end otherwise.
            let socket = try control.pause()
            var packets: [HandoverConnection.Packet] = []
            for pod in try await agent.freeze() { packets += try Self.packets(pod) }
            if let probes = try await agent.probesOwner() { packets.append(.init(.socket(.probes), probes)) }
            if let socket { packets.append(.init(.socket(.control), PassedDescriptor(socket))) }
            return packets
        } catch let error as KernelError {
            throw .system(error)
        } catch {
            throw .unexpected("\(error)")
        }
    }

    func thaw() async {
        await agent.thaw()
        control.resume()
    }

    /// The successor accepts: from the return on only what was accepted before is here.
    func release(to successor: HandoverGreeting) async {
        await tunnel.stopAccepting()
        control.stop()
        await agent.handOver()
        await onRelease(successor)
    }

    private static func packets(_ pod: PassedPod) throws(KernelError) -> [HandoverConnection.Packet] {
        let namespace = PassedDescriptor(try pod.namespace.duplicateDescriptor())
        var packets = [HandoverConnection.Packet(.pod(pod.record), namespace)]
        if let owner = pod.owner { packets.append(.init(.socket(.owner), owner)) }
        for (door, socket) in pod.doors { packets.append(.init(.socket(.door(door)), socket)) }
        return packets
    }
}

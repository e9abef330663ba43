internal import MeshKernel
internal import NIOCore

/// The listening sockets of a pod.
enum PodListening {
    /// Pending connections of one door; Istio's ztunnel has 128, a burst of a busy pod is larger.
    static let backlog: CInt = 1024
    /// Connections accepted before other events of the loop get their turn.
    static let acceptsPerTurn: UInt = 16

    /// A descriptor for NIO, which owns it from then on.
    static func open(_ door: PodDoor, in namespace: NetworkNamespace, settings: TunnelSettings) throws -> CInt {
        let descriptor = try PodSockets.listen(
            port: door.port, in: namespace, backlog: backlog, transparent: true
        ).release()
        // Accepted sockets inherit these, which saves their system calls on every connection.
        PodSockets.tuneListener(descriptor)
        if let name = congestionControl(of: door, settings) {
            PodSockets.setCongestionControl(name, of: descriptor)
        }
        return descriptor
    }

    /// `nil`: the host's default, for peers that are anywhere.
    private static func congestionControl(of door: PodDoor, _ settings: TunnelSettings) -> String? {
        switch door {
        case .outbound: settings.loopbackCongestionControl
        case .inboundTunnel: settings.tunnelCongestionControl
        case .inboundPlaintext: nil
        }
    }
}

/// One listening socket of a pod, and the number that NIO has it under.
struct OpenDoor {
    let door: PodDoor
    let channel: any Channel
    let descriptor: CInt
}

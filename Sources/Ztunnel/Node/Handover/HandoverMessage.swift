package import MeshKernel
package import MeshModel
package import ZtunnelTunnel

/// What the daemon of a node and its successor tell each other, one message a packet. The successor asks:
///
///     hello  ->            <- welcome, candidate …, complete      who is there, and for which pods to get ready
///     begin  ->            <- everything: pod, its sockets …, sockets of the process, complete
///     taken  ->            <- released                            both accept before, only the successor after
///                          <- idle …                              nothing of that pod is left at the predecessor
///
/// `refused` may come instead of any answer and ends it; then the predecessor goes on as if nothing had been.
package enum HandoverMessage: Hashable, Sendable {
    case hello(HandoverGreeting)
    case welcome(HandoverGreeting)
    /// A pod that would be handed over now.
    case candidate(PodKey)
    /// The list or the transfer is over.
    case complete
    case begin
    /// The pod's network namespace comes along. Its sockets follow.
    case pod(HandoverPod)
    /// The socket comes along.
    case socket(HandoverSocket)
    case taken
    case released
    case refused(String)
    case idle(PodKey)
}

/// Who speaks.
package struct HandoverGreeting: Hashable, Sendable {
    /// Version of the program, for people.
    package var program: String
    package var node: String
    /// The network namespace that the process itself is in.
    package var network: NamespaceIdentity

    package init(program: String, node: String, network: NamespaceIdentity) {
        self.program = program
        self.node = node
        self.network = network
    }
}

/// One attached pod as its driver left it.
package struct HandoverPod: Hashable, Sendable {
    package var key: PodKey
    /// Where its namespace was found.
    package var path: String
    /// `nil` for a pod that a person attached.
    package var sandbox: PodSandbox?
    /// How far it is.
    package var standing: PodStanding
    /// Somebody detaches it.
    package var isLeaving: Bool

    package init(
        key: PodKey, path: String, sandbox: PodSandbox?, standing: PodStanding, isLeaving: Bool
    ) {
        self.key = key
        self.path = path
        self.sandbox = sandbox
        self.standing = standing
        self.isLeaving = isLeaving
    }
}

/// What a process hands over beside namespaces.
package enum HandoverSocket: Hashable, Sendable {
    /// The netlink socket that owns the rules of the pod named last.
    case owner
    /// A listening socket in the namespace of the pod named last.
    case door(PodDoor)
    /// The netlink socket that owns the node's rules for probes.
    case probes
    /// Where `apus` and the CNI plugin ask.
    case control
    /// Where the next successor asks.
    case handover

    private static let codes: [(HandoverSocket, UInt8)] = [
        (.owner, 1), (.door(.outbound), 2), (.door(.inboundPlaintext), 3), (.door(.inboundTunnel), 4), (.probes, 5),
        (.control, 6), (.handover, 7),
    ]

    init?(code: UInt8) {
        guard let known = Self.codes.first(where: { $0.1 == code }) else { return nil }
        self = known.0
    }

    /// On the wire; 0 is none.
    var code: UInt8 { Self.codes.first { $0.0 == self }?.1 ?? 0 }
}

/// Bounds of a hand-over.
package enum HandoverLimits {
    /// Of one packet: a path (4,096) and the names of a pod and its sandbox.
    package static let packetBytesMax = 8 << 10
    /// Of one text in a packet.
    package static let textBytesMax = 4_096
    /// A node has a few hundred.
    package static let podsMax = 10_000
    /// From a connection to its hello.
    static let helloMilliseconds = 2_000
    /// For one packet to be taken by the other end's socket.
    static let sendMilliseconds = 5_000
    /// From the transfer's end to `taken`, and from there to `released`.
    static let answerMilliseconds = 10_000
    /// Between two looks whether the other end is still there.
    static let lookMilliseconds = 200
    /// How long the successor waits for the certificates of all pods: one that cannot be had must not hold up others.
    package static let certificateSeconds = 30
}

/// Why a hand-over came to nothing.
package enum HandoverError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The daemon that runs says no.
    case refused(String)
    case malformed(HandoverCodecError)
    case system(KernelError)
    /// A message at the wrong place.
    case unexpected(String)
    /// The other end has ended or gone silent.
    case ended
    /// This daemon was asked to end before it had taken over.
    case stopped
    /// The daemon that took over has ended, and nobody serves the node.
    case successorEnded

    /// The other end is not there any more, rather than of another opinion.
    package var meansEnded: Bool {
        switch self {
        case .ended: true
        case .system(let error): error.meansReset
        default: false
        }
    }

    package var description: String {
        switch self {
        case .refused(let reason):
            "the daemon that runs on this node does not hand over: \(reason); stop it first, or try again"
        case .malformed(let error): "hand-over: \(error)"
        case .system(let error): "hand-over: \(error)"
        case .unexpected(let what): "hand-over: \(what)"
        case .ended: "hand-over: the other daemon has ended"
        case .stopped: "asked to end before the node was taken over"
        case .successorEnded: "the daemon that took over has ended; starting anew"
        }
    }
}

internal import HBONE
internal import MeshModel
internal import NIOCore
internal import WaypointHTTP2

/// One HTTP/2 connection to an endpoint, for callers of one identity.
final class EndpointConnection {
    /// What requests must have in common to share a connection: what the endpoint's node was told of the caller stays
    /// true.
    struct Key: Hashable {
        let target: TransportAddress
        let isTunnel: Bool
        let expected: [Identity]
        let tls: OriginTLS?
        let caller: Identity

        init(_ hop: EndpointHop, for caller: Identity) {
            target = hop.target
            isTunnel = hop.isTunnel
            expected = hop.expected
            tls = hop.tls
            self.caller = caller
        }

        /// What tells most keys apart; the rest is compared.
        func hash(into hasher: inout Hasher) {
            hasher.combine(target)
            hasher.combine(caller.serviceAccount)
            hasher.combine(caller.namespace)
        }
    }

    let hop: EndpointHop
    let loop: any EventLoop
    /// An exchange has been given it.
    var isUsed = false
    /// Others may be given it; otherwise it ends with its first exchange.
    var isKept = false
    private(set) var usedAt = NIODeadline.now()
    private let messages: MessageConnection
    private var tunnel: HBONEConnection?
    /// Counts the connection, where rules of traffic do.
    let lease: EndpointLease?
    private(set) var life: ConnectionLife

    /// - Parameter onEnd: called once, when it is no more.
    init(_ upstream: Upstream, on loop: any EventLoop, onEnd: @escaping (EndpointConnection) -> Void) throws {
        hop = upstream.hop
        lease = upstream.lease
        life = ConnectionLife(lease?.cluster.policy.connections)
        self.loop = loop
        let box = Holder()
        messages = MessageConnection(
            role: .client,
            onEnd: { _ in
                guard let connection = box.connection else { return }
                box.connection = nil
                onEnd(connection)
            })
        switch upstream.link {
        case .stream(let stream):
            tunnel = stream.connection
            let messages = messages
            let channel = try stream.makeChannel { try $0.pipeline.syncOperations.addHandler(messages) }
            lease?.end(with: channel.closeFuture)
        case .socket(let channel), .secured(let channel, _, _):
            if case .secured(_, _, let below) = upstream.link { tunnel = below }
            try channel.pipeline.syncOperations.addHandler(messages)
            try channel.syncOptions?.setOption(.autoRead, value: true)
            lease?.end(with: channel.closeFuture)
        }
        box.connection = self
    }

    /// Until the connection ends.
    private final class Holder {
        var connection: EndpointConnection?
    }

    var isOver: Bool { messages.isClosed }

    /// Another request may be sent, while it ``isWelcome``.
    var canOpen: Bool { messages.canOpen && !life.isOver }

    /// The tunnel below takes new work. No tunnel outlives its certificates by being used.
    var isWelcome: Bool { tunnel?.canOpenStream ?? true }

    var isIdle: Bool { messages.streamCount == 0 }

    func open(
        _ head: HTTP2RequestHead, endStream: Bool, user: any MessageStreamUser
    ) throws(HTTP2OpenRefusal) -> EndpointStream {
        let stream = try messages.open(head, endStream: endStream, user: user)
        life.took()
        if life.isOver { isKept = false }
        if !isKept { messages.drain() }
        return stream
    }

    func streamEnded() {
        usedAt = .now()
        if life.isOver { isKept = false }
        if !isKept { messages.drain() }
        lease?.cluster.wakeNext()
    }

    /// Rules of traffic bound its rest, and it has rested longer.
    var isStaleByRule: Bool { life.idleTime.map { isStale($0, now: .now()) } ?? false }

    /// It has rested too long.
    func isStale(_ standard: TimeAmount, now: NIODeadline) -> Bool {
        isIdle && life.isStale(since: usedAt, standard: standard, now: now)
    }

    /// No new requests; ends with the last one.
    func leave() {
        isKept = false
        messages.drain()
    }

    func close() { messages.close() }
}

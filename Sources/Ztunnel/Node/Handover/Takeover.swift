package import Logging
internal import MeshKernel
package import MeshModel
package import MeshRuntime
internal import ZtunnelTunnel

/// A running daemon of this node, as its successor sees it.
package struct Takeover: Sendable {
    private let connection: HandoverConnection
    private let logger: Logger
    /// Who runs.
    package let predecessor: HandoverGreeting
    /// Pods to get ready for.
    package let candidates: Set<PodKey>

    /// Asks the daemon that listens there; `nil` when nobody does. Errors: it does not hand over.
    package static func find(
        path: String, greeting: HandoverGreeting, logger: Logger
    ) async throws(HandoverError) -> Takeover? {
        guard let connection = try await HandoverConnection.find(path: path) else { return nil }
        do throws(HandoverError) {
            return try await Takeover(connection, greeting, logger)
        } catch {
            // It has ended in the middle of its greeting.
            guard error.meansEnded else { throw error }
            return nil
        }
    }

    private init(
        _ connection: HandoverConnection, _ greeting: HandoverGreeting, _ logger: Logger
    ) async throws(HandoverError) {
        try await connection.send(.hello(greeting))
        guard case .welcome(let predecessor) = try await connection.next().message else {
            throw .unexpected("expected a welcome")
        }
        var candidates: Set<PodKey> = []
        while case .candidate(let pod) = try await connection.next().message {
            candidates.insert(pod)
            guard candidates.count <= HandoverLimits.podsMax else { throw .unexpected("too many pods") }
        }
        self.connection = connection
        self.logger = logger
        self.predecessor = predecessor
        self.candidates = candidates
    }

    /// Returns when the condition holds. Errors: `.ended` when the predecessor has ended meanwhile.
    package func wait(until condition: @Sendable () async -> Bool) async throws(HandoverError) {
        while await !condition() {
            let packet = try await connection.receive(withinMilliseconds: HandoverLimits.lookMilliseconds)
            if packet != nil { throw .unexpected("a word that nobody asked for") }
            guard !Task.isCancelled else { throw .stopped }
        }
    }

    /// Takes everything: from the return on the node is ours, and the predecessor accepts nothing any more.
    /// Errors: nothing was taken. After `.ended` the node has no daemon; after any other the predecessor goes on.
    package func take(_ agent: NodeAgent) async throws -> Inheritance {
        try await connection.send(.begin)
        let bundle = try await receiveAll()
        let shadow = Predecessor(pods: Set(bundle.pods.map(\.record.key)))
        try await agent.inherit(bundle.pods, shadow)
        if let probes = bundle.sockets[.probes] { try await agent.inherit(probes: probes) }
        do throws(HandoverError) {
            try await connection.send(.taken)
            guard case .released = try await connection.next().message else { throw .unexpected("expected a release") }
        } catch {
            // It died after it had given all away: what it would have released is free.
            guard error.meansEnded else { throw error }
            logger.warning("the predecessor has ended while it handed over")
        }
        await agent.resume(bundle.pods)
        watch(shadow)
        return Inheritance(
            pods: bundle.pods.count, control: bundle.sockets[.control], handover: bundle.sockets[.handover])
    }

    private func receiveAll() async throws(HandoverError) -> HandoverBundle {
        var bundle = HandoverBundle()
        while true {
            let packet = try await connection.next()
            if case .complete = packet.message { return bundle }
            try bundle.add(packet)
        }
    }

    /// Until the predecessor has ended.
    private func watch(_ shadow: Predecessor) {
        let connection = self.connection
        Task {
            do throws(HandoverError) {
                while true {
                    let packet = try await connection.receive(withinMilliseconds: HandoverLimits.answerMilliseconds)
                    if case .idle(let pod)? = packet?.message { shadow.isIdle(pod) }
                }
            } catch {
                logger.info("the former daemon of the node has ended")
                shadow.hasEnded()
            }
        }
    }
}

/// The sockets of a process that its successor goes on with.
package struct Inheritance: Sendable {
    package let pods: Int
    let control: PassedDescriptor?
    let handover: PassedDescriptor?

    /// Answers where the predecessor did, and listens for the next successor.
    package func start(_ server: ControlSocketServer, _ successors: HandoverServer) throws {
        if let socket = control?.take() { try server.start(adopting: socket) } else { try server.start() }
        if let socket = handover?.take() { try successors.start(adopting: socket) }
    }
}

/// What has come so far.
struct HandoverBundle: Sendable {
    private(set) var pods: [PassedPod] = []
    private(set) var sockets: [HandoverSocket: PassedDescriptor] = [:]

    mutating func add(_ packet: HandoverConnection.Packet) throws(HandoverError) {
        switch packet.message {
        case .pod(let record):
            guard let descriptor = packet.descriptor?.take() else { throw .unexpected("a pod without its namespace") }
            guard pods.count < HandoverLimits.podsMax else { throw .unexpected("too many pods") }
            do throws(KernelError) {
                let namespace = try NetworkNamespace(adopting: descriptor)
                pods.append(PassedPod(record: record, namespace: namespace, owner: nil, doors: [:]))
            } catch {
                throw .system(error)
            }
        case .socket(let kind):
            guard let descriptor = packet.descriptor else { throw .unexpected("a socket that did not come along") }
            try add(kind, descriptor)
        default:
            throw .unexpected("neither a pod nor a socket")
        }
    }

    private mutating func add(_ kind: HandoverSocket, _ descriptor: PassedDescriptor) throws(HandoverError) {
        switch kind {
        case .owner, .door:
            guard !pods.isEmpty else { throw .unexpected("a socket of no pod") }
            pods[pods.count - 1].add(kind, descriptor)
        case .probes, .control, .handover:
            sockets[kind] = descriptor
        }
    }
}

internal import Dispatch
package import Logging
internal import MeshDiscovery
internal import MeshKernel
internal import MeshModel

/// Keeps a connection to Istio's node agent (SOCK_SEQPACKET, one message a packet, one request at a time), and does
/// what it asks. Pods that are open stay open while the agent is away.
package final class AgentLink: Sendable {
    private static let longestPause = Duration.seconds(15)

    private let path: String
    private let agent: NodeAgent
    private let logger: Logger
    private let onSnapshot: @Sendable (Bool) -> Void
    /// Calls that block.
    private let queue = DispatchQueue(label: "node-agent")

    /// - Parameter onSnapshot: whether everything that the agent has is known and open.
    package init(
        path: String, agent: NodeAgent, logger: Logger, onSnapshot: @escaping @Sendable (Bool) -> Void
    ) {
        self.path = path
        self.agent = agent
        self.logger = logger
        self.onSnapshot = onSnapshot
    }

    /// Runs until its task is cancelled. Connects again after 10 ms, then ever later, 15 s at most.
    package func run() async {
        var pause = Duration.milliseconds(10)
        while !Task.isCancelled {
            var session = AgentSession()
            do {
                try await talk(&session)
            } catch {
                logger.debug("no connection to the node agent", metadata: ["error": "\(error)"])
            }
            onSnapshot(false)
            if session.isComplete {
                logger.warning("the node agent is away; pods stay as they are", metadata: ["socket": "\(path)"])
                pause = .milliseconds(10)
            }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, Self.longestPause)
        }
    }

    /// One connection. Returns at its end.
    private func talk(_ session: inout AgentSession) async throws {
        let path = self.path
        let connection = try await blocking { try AgentConnection(path: path) }
        while !Task.isCancelled {
            guard let packet = try await blocking({ try connection.receive() }) else { continue }
            guard !packet.bytes.isEmpty else { return }
            let (error, endsSession) = await answer(packet, &session)
            try await blocking { try connection.acknowledge(error: error) }
            if endsSession { return logger.warning("node agent refused", metadata: ["reason": "\(error)"]) }
        }
    }

    /// The error to acknowledge with, empty when there is none, and whether the connection ends with it.
    private func answer(
        _ packet: AgentConnection.Packet, _ session: inout AgentSession
    ) async -> (String, Bool) {
        let request: AgentRequest
        do {
            request = try WireCodec.agentRequest(packet.bytes)
        } catch {
            return (error.description, true)
        }
        switch session.receive(request, hasNamespace: packet.namespace != nil) {
        case .nothing: return ("", false)
        case .reject(let reason): return (reason, true)
        case .start(let pod):
            guard let namespace = packet.namespace else { return ("no network namespace", true) }
            guard case .refused(let reason) = await agent.takeOver(pod, namespace) else { return ("", false) }
            return ("failed to start proxy: \(reason)", false)
        case .stop(let uid): await agent.giveBack(uid: uid)
        case .retain(let uids):
            await agent.retain(uids: uids)
            onSnapshot(true)
            logger.info("the node agent has named its pods", metadata: ["pods": "\(uids.count)"])
        }
        return ("", false)
    }

    private func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try body() }) }
        }
    }
}

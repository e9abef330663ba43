internal import Foundation
package import Logging
internal import MeshKernel
package import MeshModel
internal import Synchronization

/// Where a successor finds the daemon that runs, and gets its node. One at a time; until it has taken over, this daemon
/// goes on as if nothing were.
package final class HandoverServer: Sendable {
    private struct State {
        var listener: ControlListener?
        /// Somebody is being served, or has taken over.
        var isTaken = false
    }

    private let greeting: HandoverGreeting
    private let estate: HandoverEstate
    private let logger: Logger
    private let onHandedOver: @Sendable (Successor) -> Void
    private let state = Mutex(State())

    /// - Parameter onHandedOver: the node is the successor's, and nothing here accepts any more.
    package init(
        greeting: HandoverGreeting, estate: HandoverEstate, logger: Logger,
        onHandedOver: @escaping @Sendable (Successor) -> Void
    ) {
        self.greeting = greeting
        self.estate = estate
        self.logger = logger
        self.onHandedOver = onHandedOver
    }

    /// Where the daemon with this control socket listens for successors.
    package static func path(besides socket: String) -> String { socket + ".handover" }

    /// Starts to listen; the thread lives as long as the process.
    package func start(path: String) throws { try start(ControlListener(path: path, kind: .packets)) }

    /// Goes on with the socket that a predecessor passed over.
    func start(adopting descriptor: consuming OwnedDescriptor) throws {
        try start(ControlListener(adopting: descriptor))
    }

    private func start(_ listener: ControlListener) throws {
        state.withLock { $0.listener = listener }
        let thread = Thread { [self] in listen(listener) }
        thread.name = "handover"
        thread.stackSize = 512 << 10
        thread.start()
    }

    private func listen(_ listener: ControlListener) {
        while true {
            do {
                guard let socket = try listener.accept() else { return }
                try HandoverConnection.checkUser(of: socket)
                let connection = HandoverConnection(socket)
                Task { await self.serve(connection) }
            } catch {
                logger.warning("successor not accepted", metadata: ["error": "\(error)"])
                // Descriptors may be short: asking again at once would spin.
                Thread.sleep(forTimeInterval: 0.1)
            }
        }
    }

    private func serve(_ connection: HandoverConnection) async {
        do throws(HandoverError) {
            let successor = try await hear(connection)
            guard take() else { throw .refused("another daemon is taking over already") }
            defer { giveBack() }
            logger.info("a successor gets ready", metadata: ["version": "\(successor.program)"])
            try await tell(connection, successor)
        } catch {
            // It may be gone already.
            try? await connection.send(.refused(error.reason))
            logger.warning("not handed over; going on", metadata: ["reason": "\(error.reason)"])
        }
    }

    private func take() -> Bool {
        state.withLock { state in
            guard !state.isTaken else { return false }
            state.isTaken = true
            return true
        }
    }

    private func giveBack() { state.withLock { $0.isTaken = $0.listener == nil } }

    /// Who is there.
    private func hear(_ connection: HandoverConnection) async throws(HandoverError) -> HandoverGreeting {
        let packet = try await connection.next(withinMilliseconds: HandoverLimits.helloMilliseconds)
        guard case .hello(let other) = packet.message else { throw .unexpected("no greeting at the beginning") }
        guard other.node == greeting.node else {
            throw .refused("this is the daemon of node \(greeting.node), not of \(other.node)")
        }
        return other
    }

    private func tell(
        _ connection: HandoverConnection, _ successor: HandoverGreeting
    ) async throws(HandoverError) {
        var packets = [HandoverConnection.Packet(.welcome(greeting))]
        packets += await estate.agent.attachedPods().sorted().map { HandoverConnection.Packet(.candidate($0)) }
        try await connection.send(packets + [HandoverConnection.Packet(.complete)])
        // It takes the time that it needs.
        while true {
            guard let packet = try await connection.receive(withinMilliseconds: HandoverLimits.answerMilliseconds)
            else { continue }
            guard case .begin = packet.message else { throw .unexpected("expected a begin") }
            break
        }
        let started = ContinuousClock.now
        do throws(HandoverError) {
            try await pass(connection)
        } catch {
            await estate.thaw()
            throw error
        }
        await estate.release(to: successor)
        state.withLock { state in
            state.listener?.wake()
            state.listener = nil
        }
        // It goes on without this word, too, once we have ended.
        try? await connection.send(.released)
        logger.info("handed over; connections that live go on to their end",
            metadata: ["duration": "\(ContinuousClock.now - started)"])
        onHandedOver(Successor(connection))
    }

    /// Everything, and the word that it has arrived.
    private func pass(_ connection: HandoverConnection) async throws(HandoverError) {
        var packets = try await estate.freeze()
        let listener = state.withLock { $0.listener }
        if let listener {
            do throws(KernelError) {
                packets.append(
                    HandoverConnection.Packet(
                        .socket(.handover), PassedDescriptor(try listener.duplicateDescriptor())))
            } catch {
                throw .system(error)
            }
        }
        try await connection.send(packets + [HandoverConnection.Packet(.complete)])
        let packet = try await connection.next()
        guard case .taken = packet.message else { throw .unexpected("expected that all was taken") }
    }
}

/// The daemon that has taken over, as the former one sees it.
package struct Successor: Sendable {
    private let connection: HandoverConnection

    init(_ connection: HandoverConnection) { self.connection = connection }

    /// Nothing of this pod is left here.
    package func tell(idle pod: PodKey) async { try? await connection.send(.idle(pod)) }

    /// Returns when it has ended, or its task is cancelled.
    package func untilEnded() async {
        while !Task.isCancelled {
            do throws(HandoverError) {
                _ = try await connection.receive(withinMilliseconds: HandoverLimits.lookMilliseconds)
            } catch {
                return
            }
        }
    }
}

extension HandoverError {
    /// As `description`, without the advice to whom a refusal is told.
    var reason: String {
        if case .refused(let reason) = self { return reason }
        return description
    }
}

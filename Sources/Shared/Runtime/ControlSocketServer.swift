internal import Dispatch
internal import Foundation
package import Logging
package import MeshKernel
package import MeshModel
internal import Synchronization

/// Answers `apus` on a daemon's Unix socket. One thread accepts; each question is read on a thread of its own and
/// answered by a task, so that a client that is silent or slow holds up nobody else.
package final class ControlSocketServer: Sendable {
    package typealias Answer = @Sendable (NodeRequest, NetworkNamespace?) async -> NodeReply
    /// Waits for a connection; `nil` when the wait was ended.
    typealias Accept = @Sendable (ControlListener) throws -> OwnedDescriptor?

    private let path: String
    private let logger: Logger
    private let requestMilliseconds: Int
    private let accept: Accept
    private let answer: Answer
    private let readers = DispatchQueue(label: "control-readers", attributes: .concurrent)
    private let state = Mutex(State())
    /// The thread has seen that it shall pause.
    private let paused = DispatchSemaphore(value: 0)
    private let resumed = DispatchSemaphore(value: 0)

    private struct State {
        var listener: ControlListener?
        var hasEnded = false
    }

    package convenience init(path: String, logger: Logger, answer: @escaping Answer) {
        self.init(path: path, logger: logger, requestMilliseconds: ControlLimits.requestMilliseconds, answer: answer)
    }

    /// - Parameter requestMilliseconds: from a connection to its whole request.
    init(
        path: String, logger: Logger, requestMilliseconds: Int,
        accept: @escaping Accept = { try $0.accept() }, answer: @escaping Answer
    ) {
        self.path = path
        self.logger = logger
        self.requestMilliseconds = requestMilliseconds
        self.accept = accept
        self.answer = answer
    }

    /// Starts to listen; the thread lives as long as the process, or until `stop`.
    package func start() throws { try start(ControlListener(path: path)) }

    /// Goes on with a socket of this path that a predecessor passed over.
    package func start(adopting descriptor: consuming OwnedDescriptor) throws {
        try start(ControlListener(adopting: descriptor))
    }

    private func start(_ listener: ControlListener) throws {
        state.withLock { $0.listener = listener }
        let thread = Thread { [self] in serve(listener) }
        thread.name = "control"
        thread.stackSize = 512 << 10
        thread.start()
    }

    private func serve(_ listener: ControlListener) {
        let places = DispatchSemaphore(value: ControlLimits.connectionsMax)
        var lastFailure = ""
        while true {
            places.wait()
            do {
                guard let connection = try accept(listener) else {
                    places.signal()
                    paused.signal()
                    resumed.wait()
                    if state.withLock({ $0.hasEnded }) { return }
                    continue
                }
                let raw = connection.release()
                lastFailure = ""
                readers.async { [self] in question(raw) { places.signal() } }
            } catch {
                places.signal()
                // Descriptors or memory are short: the connection stays in the queue, and asking at once would spin.
                if lastFailure != "\(error)" {
                    lastFailure = "\(error)"
                    logger.warning("control connection not accepted; trying on", metadata: ["error": "\(error)"])
                }
                Thread.sleep(forTimeInterval: ControlLimits.acceptPauseSeconds)
            }
        }
    }

    /// One connection, from its request to the end of its answer; then `done`.
    private func question(_ raw: CInt, done: @escaping @Sendable () -> Void) {
        let connection = OwnedDescriptor(adopting: raw)
        do {
            let (request, namespace) = try read(connection)
            let raw = connection.release()
            Task {
                let reply = await self.answer(request, namespace)
                self.send(reply, raw)
                done()
            }
        } catch {
            logger.debug("control request not understood", metadata: ["error": "\(error)"])
            done()
        }
    }

    private func read(_ connection: borrowing OwnedDescriptor) throws -> (NodeRequest, NetworkNamespace?) {
        var line: [UInt8] = []
        var namespace: NetworkNamespace?
        let clock = ContinuousClock()
        let deadline = clock.now + .milliseconds(requestMilliseconds)
        while !line.contains(UInt8(ascii: "\n")), line.count < NodeRequest.lineBytesMax {
            // For the whole request: one byte now and then does not count as one.
            let left = Int((deadline - clock.now) / .milliseconds(1))
            guard left > 0 else {
                throw KernelError.controlMessage("no whole request within \(requestMilliseconds) ms")
            }
            try connection.setTimeouts(
                receiveMilliseconds: left, sendMilliseconds: ControlLimits.answerSilenceMilliseconds)
            let part = try UnixControl.receive(bytesMax: NodeRequest.lineBytesMax, over: connection)
            if part.bytes.isEmpty { break }
            line += part.bytes
            if let descriptor = part.takeDescriptor() {
                namespace = try NetworkNamespace(adopting: descriptor)
            }
        }
        let text = String(decoding: line.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        guard let request = NodeRequest(line: text) else {
            let reply = NodeReply.refused(
                "not understood: '\(text.prefix(200))'; are apus and this daemon of one version?")
            try UnixControl.send(Array(reply.text.utf8), over: connection)
            throw KernelError.controlMessage("unknown request")
        }
        return (request, namespace)
    }

    private func send(_ reply: NodeReply, _ raw: CInt) {
        do {
            try UnixControl.send(Array(reply.text.utf8), over: OwnedDescriptor(adopting: raw))
        } catch {
            logger.debug("control answer not sent", metadata: ["error": "\(error)"])
        }
    }
}

// MARK: - Handing over

extension ControlSocketServer {
    /// From its return on no question is taken out of the socket's queue; those that were are answered. The descriptor
    /// is a second one of the same queue; `nil` when the server was not started.
    package func pause() throws -> OwnedDescriptor? {
        guard let listener = state.withLock({ $0.listener }) else { return nil }
        listener.wake()
        // Where it waits for a place instead of a caller, it will find the wake there.
        _ = paused.wait(timeout: .now() + .milliseconds(ControlLimits.pauseMilliseconds))
        return try listener.duplicateDescriptor()
    }

    /// Takes `pause` back.
    package func resume() {
        state.withLock { $0.listener }?.rest()
        resumed.signal()
    }

    /// After `pause`: closes this end of the socket.
    package func stop() {
        state.withLock { state in
            state.hasEnded = true
            state.listener = nil
        }
        resumed.signal()
    }
}

/// Bounds of the control socket.
enum ControlLimits {
    /// Questions being read or answered at the same time; more wait in the socket's queue. All pods of a node may start
    /// at once, each with a question that is answered when it is enrolled.
    static let connectionsMax = 512
    /// From a connection to its whole request: `apus` sends it at once.
    static let requestMilliseconds = 2_000
    /// How long a client may take nothing of its answer.
    static let answerSilenceMilliseconds = 10_000
    /// For the thread to see that it shall pause.
    static let pauseMilliseconds = 500
    /// Before the next try after an accept that failed: long enough not to burn a core, short enough not to be noticed.
    static let acceptPauseSeconds = 0.2
}

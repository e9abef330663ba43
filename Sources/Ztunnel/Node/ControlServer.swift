internal import Foundation
package import Logging
package import MeshKernel
package import MeshModel

/// Answers `apus` on the node's Unix socket. One thread accepts; each question is answered by a task of its own.
package final class ControlServer: Sendable {
    /// Questions answered at the same time; more wait in the socket's queue.
    private static let connectionsMax = 32

    private let path: String
    private let logger: Logger
    private let answer: @Sendable (NodeRequest, NetworkNamespace?) async -> NodeReply

    package init(
        path: String, logger: Logger,
        answer: @escaping @Sendable (NodeRequest, NetworkNamespace?) async -> NodeReply
    ) {
        self.path = path
        self.logger = logger
        self.answer = answer
    }

    /// Starts to listen; the thread lives as long as the process.
    package func start() throws {
        let raw = try UnixControl.listen(path: path).release()
        let thread = Thread { [self] in serve(OwnedDescriptor(adopting: raw)) }
        thread.name = "control"
        thread.stackSize = 512 << 10
        thread.start()
    }

    private func serve(_ listener: consuming OwnedDescriptor) {
        let places = DispatchSemaphore(value: Self.connectionsMax)
        while true {
            places.wait()
            do {
                let connection = try UnixControl.accept(on: listener)
                let (request, namespace) = try read(connection)
                let raw = connection.release()
                Task {
                    let reply = await self.answer(request, namespace)
                    self.send(reply, raw)
                    places.signal()
                }
            } catch {
                logger.debug("control request not understood", metadata: ["error": "\(error)"])
                places.signal()
            }
        }
    }

    private func read(_ connection: borrowing OwnedDescriptor) throws -> (NodeRequest, NetworkNamespace?) {
        var line: [UInt8] = []
        var namespace: NetworkNamespace?
        while !line.contains(UInt8(ascii: "\n")), line.count < NodeRequest.lineBytesMax {
            let part = try UnixControl.receive(bytesMax: NodeRequest.lineBytesMax, over: connection)
            if part.bytes.isEmpty { break }
            line += part.bytes
            if let descriptor = part.takeDescriptor() {
                namespace = try NetworkNamespace(adopting: descriptor)
            }
        }
        let text = String(decoding: line.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        guard let request = NodeRequest(line: text) else {
            let reply = NodeReply.refused("not understood: '\(text.prefix(200))'; are apus and ztunnel of one version?")
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

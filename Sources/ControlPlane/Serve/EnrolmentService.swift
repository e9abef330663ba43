package import GRPCCore
package import Logging
import MeshDiscovery
import MeshModel
package import MeshWire
import SwiftProtobuf

/// Nodes report what they capture and hear what they should. Each intent, also a repeated one, asks for a report.
package struct EnrolmentService: Apus_Node_V1_NodeEnrolment.StreamingServiceProtocol {
    private let authenticator: Authenticator
    private let desk: ControlDesk
    private let metrics: ControlMetrics
    private let log: Logger

    package init(authenticator: Authenticator, desk: ControlDesk, metrics: ControlMetrics, log: Logger) {
        self.authenticator = authenticator
        self.desk = desk
        self.metrics = metrics
        self.log = log
    }

    package func synchronize(
        request: StreamingServerRequest<Apus_Node_V1_NodeReport>, context: ServerContext
    ) async throws -> StreamingServerResponse<Apus_Node_V1_NodeIntent> {
        let (node, caller) = try await authenticator.node(request.metadata)
        return StreamingServerResponse { writer in
            metrics.changeStreams(.enrolmentStreams, node: node, by: 1)
            defer { metrics.changeStreams(.enrolmentStreams, node: node, by: -1) }
            let session = await desk.openEnrolment(node: node)
            do {
                try await run(node: node, caller, session: session, request.messages, writer)
                await desk.closeEnrolment(node: node, session: session)
                return [:]
            } catch {
                await desk.closeEnrolment(node: node, session: session)
                throw error
            }
        }
    }

    private func run(
        node: String, _ caller: Caller, session: Int, _ reports: RPCAsyncSequence<Apus_Node_V1_NodeReport, any Error>,
        _ writer: RPCWriter<Apus_Node_V1_NodeIntent>
    ) async throws {
        let mailbox = Mailbox<Apus_Node_V1_NodeReport>(weightMax: ServeLimits.waitingPodsMax) { $0.pods.count }
        let trust = StreamTrust(caller: caller, nodes: desk.nodeBoard, metrics: metrics, log: log)
        let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let board = desk.nodeBoard
        let listener = board.add { wake.yield() }
        defer { board.remove(listener) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { await mailbox.fill(from: reports) { wake.yield() } }
            var sent: (page: NodeBook.Page, namespaces: Set<String>)?
            wake.yield()
            for await _ in wakes {
                let content = mailbox.take()
                if let failure = content.failure { throw failure }
                try trust.check()
                // Each report is the node's whole state: of several that wait only the last one counts.
                if let report = content.messages.last {
                    await desk.report(node: node, session: session, try decode(report, node: node))
                }
                if content.hasEnded { return }
                if board.isClosed {
                    throw RPCError(code: .unavailable, message: "the control plane is shutting down")
                }
                guard let book = board.current else { continue }
                let page = book.pages[node] ?? NodeBook.Page(intents: [], reportsWanted: 0)
                let namespaces = book.capturedNamespaces
                if let sent, sent == (page, namespaces) { continue }
                sent = (page, namespaces)
                let intent = NodeIntent(pods: page.intents, capturedNamespaces: namespaces)
                try await writer.write(WireCodec.message(intent))
            }
        }
    }

    private func decode(_ report: Apus_Node_V1_NodeReport, node: String) throws(RPCError) -> [PodReport] {
        guard report.node.isEmpty || report.node == node else {
            throw RPCError(
                code: .permissionDenied,
                message: "the token belongs to node \(node), the report is for node \(report.node)")
        }
        guard report.pods.count <= ServeLimits.podsPerReportMax else {
            throw RPCError(
                code: .invalidArgument,
                message: "a report names at most \(ServeLimits.podsPerReportMax) pods, found \(report.pods.count)")
        }
        var pods: [PodReport] = []
        for message in report.pods {
            do {
                pods.append(try WireCodec.report(message))
            } catch {
                throw RPCError(code: .invalidArgument, message: "pod report: \(error.description)")
            }
        }
        return pods
    }
}

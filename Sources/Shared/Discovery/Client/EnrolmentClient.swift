package import Logging
package import MeshModel

import GRPCCore
import GRPCNIOTransportHTTP2Posix
import MeshWire
import SwiftProtobuf

/// Tells the control plane how far this node's pods are, and learns which it should capture. Every message is the whole
/// state. Reconnects for ever; what was learnt last stays valid meanwhile.
package actor EnrolmentClient {
    /// A report at least this often, so that a lost one heals.
    package static let reportInterval = Duration.seconds(30)

    private let connection: ControlPlaneConnection
    private let node: String
    private let log: Logger
    private let interval: Duration
    private let onIntent: @Sendable (NodeIntent) -> Void
    /// `nil`: nothing is said yet; a predecessor speaks for this node, or its pods are being found again.
    private var reports: [PodReport]?
    private var wake: AsyncStream<Void>.Continuation?
    private var hadMessages = false

    /// - Parameter isSilent: nothing is said before the first `report`.
    package init(
        connection: ControlPlaneConnection, node: String, log: Logger,
        interval: Duration = EnrolmentClient.reportInterval, isSilent: Bool = false,
        onIntent: @escaping @Sendable (NodeIntent) -> Void
    ) {
        self.connection = connection
        self.node = node
        self.log = log
        self.interval = interval
        self.reports = isSilent ? nil : []
        self.onIntent = onIntent
    }

    /// The state of every pod on this node; sent soon, and again until it is replaced.
    package func report(_ pods: [PodReport]) {
        guard pods != reports else { return }
        reports = pods
        wake?.yield()
    }

    /// Runs until its task is cancelled.
    package func run() async {
        var delay = ReconnectDelay()
        var generator = SystemRandomNumberGenerator()
        while !Task.isCancelled {
            await runStream()
            if hadMessages { delay.reset() }
            try? await Task.sleep(for: delay.afterFailure(using: &generator))
        }
    }

    private func runStream() async {
        hadMessages = false
        var client: ControlPlaneConnection.Client?
        do {
            let dialled = try await connection.client()
            client = dialled
            try await exchange(on: dialled.client, metadata: try await connection.metadata())
            log.debug("the enrolment stream ended; connecting again")
        } catch {
            guard !Task.isCancelled else { return }
            log.warning("the enrolment stream broke; the last intents stay valid", metadata: ["error": "\(error)"])
            let termination = StreamTermination(error, hadMessages: hadMessages)
            if let client, termination != .error { await connection.failed(client) }
        }
    }

    private func exchange(
        on client: GRPCClient<ControlPlaneConnection.Transport>, metadata: Metadata
    ) async throws {
        // One pending wake-up is enough: each report is the whole state.
        let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.wake = wake
        wake.yield()
        let ticker = Task { [interval] in
            while !Task.isCancelled {
                try await Task.sleep(for: interval)
                wake.yield()
            }
        }
        defer {
            ticker.cancel()
            wake.finish()
            self.wake = nil
        }
        let enrolment = Apus_Node_V1_NodeEnrolment.Client(wrapping: client)
        try await enrolment.synchronize(metadata: metadata) { writer in
            for await _ in wakes {
                if let message = await self.message() { try await writer.write(message) }
            }
        } onResponse: { response in
            for try await intent in response.messages { await self.receive(intent) }
        }
    }

    private func message() -> Apus_Node_V1_NodeReport? {
        reports.map { reports in
            .with {
                $0.node = node
                $0.pods = reports.map(WireCodec.message)
            }
        }
    }

    private func receive(_ message: Apus_Node_V1_NodeIntent) {
        hadMessages = true
        var intents: [PodIntent] = []
        for pod in message.pods {
            do throws(WireRejection) {
                intents.append(try WireCodec.intent(pod))
            } catch {
                log.warning("intent refused", metadata: ["reason": "\(error)"])
            }
        }
        onIntent(NodeIntent(pods: intents, capturedNamespaces: Set(message.capturedNamespaces)))
        // Asks for a report, too: proofs may have been forgotten over there though nothing has changed here.
        wake?.yield()
    }
}

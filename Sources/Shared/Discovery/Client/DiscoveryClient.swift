package import Logging

import GRPCCore
import GRPCNIOTransportHTTP2Posix
import MeshModel
import MeshWire

/// Keeps the world up to date over one delta stream, for ever: reconnects, resumes from what it holds, and keeps the
/// last world while there is no connection.
/// Source: Envoy's documentation, "xDS REST and gRPC protocol", incremental xDS.
package actor DiscoveryClient {
    /// What happened, for metrics and readiness. Called in order, never concurrently.
    package enum Event: Hashable, Sendable {
        case connected
        /// A response: its type and the sum of its resources' payloads.
        case message(typeURL: String, byteCount: Int)
        /// Every type asked for has had a response; once.
        case ready
        case terminated(StreamTermination)
    }

    private let connection: ControlPlaneConnection
    private let node: NodeDescription
    private let log: Logger
    private let onWorld: @Sendable (World) async -> Void
    private let onEvent: @Sendable (Event) -> Void
    private var session: DiscoverySession
    private var delay = ReconnectDelay()
    private var hadMessages = false
    private var generator = SystemRandomNumberGenerator()

    /// - `wantsRoutes`: routes and policies of waypoints, as waypoints do.
    /// - `onWorld`: gets a snapshot after every response that changed something, and one when first ready. Returns when
    ///   everything goes by it: the response is acknowledged then, and not before.
    package init(
        connection: ControlPlaneConnection, node: NodeDescription, wantsRoutes: Bool = false, log: Logger,
        onWorld: @escaping @Sendable (World) async -> Void, onEvent: @escaping @Sendable (Event) -> Void = { _ in }
    ) {
        self.connection = connection
        self.node = node
        session = DiscoverySession(wantsRoutes: wantsRoutes)
        self.log = log
        self.onWorld = onWorld
        self.onEvent = onEvent
    }

    /// The last known world.
    package var world: World { session.world }

    /// Every type asked for has had a response.
    package var isReady: Bool { session.isReady }

    /// Runs until its task is cancelled.
    package func run() async {
        while !Task.isCancelled {
            let termination = await runStream()
            session.disconnect()
            if Task.isCancelled { return }
            onEvent(.terminated(termination))
            try? await Task.sleep(for: delay.afterFailure(using: &generator))
        }
    }

    private func runStream() async -> StreamTermination {
        hadMessages = false
        var client: ControlPlaneConnection.Client?
        do {
            let dialled = try await connection.client()
            client = dialled
            let metadata = try await connection.metadata()
            try await exchange(on: dialled.client, metadata: metadata)
            log.info("the discovery stream ended; connecting again")
            return .complete
        } catch {
            let termination = StreamTermination(error, hadMessages: hadMessages)
            log.warning(
                "the discovery stream broke; the last known state stays in use",
                metadata: ["reason": "\(termination.rawValue)", "error": "\(error)"])
            if let client, termination != .error { await connection.failed(client) }
            return termination
        }
    }

    private func exchange(
        on client: GRPCClient<ControlPlaneConnection.Transport>, metadata: Metadata
    ) async throws {
        // Unbounded by type, bounded by use: two to four initial requests, then one per response received.
        let (requests, outgoing) = AsyncStream.makeStream(of: DeltaRequest.self)
        for request in session.connect() { outgoing.yield(request) }
        defer { outgoing.finish() }
        var options = CallOptions.defaults
        options.maxResponseMessageBytes = ControlPlaneLimits.messageBytesMax
        let discovery = Envoy_Service_Discovery_V3_AggregatedDiscoveryService.Client(wrapping: client)
        try await discovery.deltaAggregatedResources(metadata: metadata, options: options) { [node] writer in
            for await request in requests { try await writer.write(request.message(from: node)) }
        } onResponse: { response in
            await self.opened()
            for try await message in response.messages {
                if let request = await self.receive(message) { outgoing.yield(request) }
            }
        }
    }

    private func opened() { onEvent(.connected) }

    private func receive(_ response: Envoy_Service_Discovery_V3_DeltaDiscoveryResponse) async -> DeltaRequest? {
        hadMessages = true
        delay.reset()
        let wasReady = session.isReady
        let step = session.receive(response)
        onEvent(.message(typeURL: response.typeURL, byteCount: step.byteCount))
        for rejection in step.rejections.prefix(Self.loggedRejectionsMax) {
            log.warning("resource refused", metadata: ["name": "\(rejection.name)", "reason": "\(rejection.reason)"])
        }
        let becameReady = !wasReady && session.isReady
        if step.worldChanged || becameReady { await onWorld(session.world) }
        if becameReady { onEvent(.ready) }
        return step.request
    }

    /// Of one response; the rest is in the NACK's count. A broken push must not fill the log.
    private static let loggedRejectionsMax = 20
}

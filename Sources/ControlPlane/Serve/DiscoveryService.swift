import ControlAuthority
package import GRPCCore
package import Logging
package import MeshWire

/// The aggregated discovery service: delta streams for nodes.
package struct DiscoveryService: Envoy_Service_Discovery_V3_AggregatedDiscoveryService.StreamingServiceProtocol {
    private let authenticator: Authenticator
    private let desk: ControlDesk
    private let metrics: ControlMetrics
    private let log: Logger

    package init(
        authenticator: Authenticator, desk: ControlDesk, metrics: ControlMetrics, log: Logger
    ) {
        self.authenticator = authenticator
        self.desk = desk
        self.metrics = metrics
        self.log = log
    }

    package func deltaAggregatedResources(
        request: StreamingServerRequest<Envoy_Service_Discovery_V3_DeltaDiscoveryRequest>, context: ServerContext
    ) async throws -> StreamingServerResponse<Envoy_Service_Discovery_V3_DeltaDiscoveryResponse> {
        let caller = try authenticator.caller(request.metadata)
        let audience: Acknowledgements.Audience = if case .node = caller { .nodes } else { .waypoints }
        let stream = DiscoveryStream(
            node: caller.name, board: audience == .nodes ? desk.worldBoard : desk.waypointBoard, audience: audience,
            acknowledgements: desk.acknowledgements, metrics: metrics, log: log)
        return StreamingServerResponse { writer in
            try await stream.run(request.messages, writer)
            return [:]
        }
    }

    /// State of the world is not spoken: each change would send everything.
    package func streamAggregatedResources(
        request: StreamingServerRequest<Envoy_Service_Discovery_V3_DiscoveryRequest>, context: ServerContext
    ) async throws -> StreamingServerResponse<Envoy_Service_Discovery_V3_DiscoveryResponse> {
        throw RPCError(
            code: .unimplemented, message: "only delta discovery is served: call DeltaAggregatedResources")
    }
}

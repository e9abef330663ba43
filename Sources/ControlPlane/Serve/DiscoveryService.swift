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
        let caller = try await authenticator.caller(request.metadata)
        let audience = try audience(caller.holder)
        let stream = DiscoveryStream(
            node: caller.holder.name,
            trust: StreamTrust(caller: caller, nodes: desk.nodeBoard, metrics: metrics, log: log),
            board: audience == .nodes ? desk.worldBoard : desk.waypointBoard, audience: audience,
            acknowledgements: desk.acknowledgements, metrics: metrics, log: log)
        return StreamingServerResponse { writer in
            try await stream.run(request.messages, writer)
            return [:]
        }
    }

    /// The world is for those who have to know it: nodes and waypoints, not for every pod with a token.
    private func audience(_ caller: TokenHolder) throws(RPCError) -> Acknowledgements.Audience {
        switch caller {
        case .node: return .nodes
        case .account: return .waypoints
        case .pod(let namespace, _, let account):
            guard desk.nodeBoard.current?.isWaypoint(namespace: namespace, serviceAccount: account) == true else {
                throw RPCError(
                    code: .permissionDenied,
                    message: "discovery is for nodes and waypoints, \(caller) is that of no waypoint's Gateway")
            }
            return .waypoints
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

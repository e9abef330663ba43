/// The resources that users wrote, typed. Order within a kind is the order in which they were read.
package struct ResourceSet: Hashable, Sendable {
    package var meshConfigs: [MeshConfigResource] = []
    package var namespaces: [NamespaceResource] = []
    package var nodes: [NodeResource] = []
    package var serviceAccounts: [ServiceAccountResource] = []
    package var pods: [PodResource] = []
    package var services: [ServiceResource] = []
    package var endpointSlices: [EndpointSliceResource] = []
    package var serviceEntries: [ServiceEntryResource] = []
    package var workloadEntries: [WorkloadEntryResource] = []
    package var gateways: [GatewayResource] = []
    package var authorizationPolicies: [AuthorizationPolicyResource] = []
    package var peerAuthentications: [PeerAuthenticationResource] = []
    package var requestAuthentications: [RequestAuthenticationResource] = []
    package var httpRoutes: [RouteResource<HTTPRouteKind>] = []
    package var grpcRoutes: [RouteResource<GRPCRouteKind>] = []
    package var tcpRoutes: [RouteResource<TCPRouteKind>] = []
    package var tlsRoutes: [RouteResource<TLSRouteKind>] = []
    package var referenceGrants: [ReferenceGrantResource] = []
    package var destinationRules: [DestinationRuleResource] = []
    package var trafficGuards: [TrafficGuardResource] = []
    package var networkPolicies: [NetworkPolicyResource] = []

    package init() {}

    /// How many resources of all kinds.
    package var count: Int {
        meshConfigs.count + namespaces.count + nodes.count + serviceAccounts.count + pods.count + services.count
            + endpointSlices.count + serviceEntries.count + workloadEntries.count + gateways.count
            + authorizationPolicies.count + peerAuthentications.count + requestAuthentications.count
            + httpRoutes.count + grpcRoutes.count + tcpRoutes.count + tlsRoutes.count + referenceGrants.count
            + destinationRules.count + trafficGuards.count + networkPolicies.count
    }
}

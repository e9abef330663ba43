package import MeshModel

/// What every node should know, and what each node should capture. Deterministic: equal resources and settings make
/// equal worlds, whatever the order of the files.
package struct DesiredWorld: Hashable, Sendable {
    /// By uid.
    package var workloads: [Workload] = []
    /// By namespace and hostname.
    package var services: [Service] = []
    /// By key.
    package var policies: [AuthorizationPolicy] = []
    /// Policies of waypoints as they were written, by key.
    package var requestPolicies: [RequestPolicy] = []
    /// Policies of waypoints as waypoints get them, by name.
    package var attachedPolicies: [AttachedPolicy] = []
    /// Routes of services, by scope.
    package var routes: [AttachedRoutes] = []
    /// Rules of traffic to services, by scope.
    package var traffic: [TrafficRules] = []
    /// What became of each route, by kind, namespace and name.
    package var routeStatuses: [RouteStatus] = []
    /// What became of each Gateway of a waypoint class, by namespace and name.
    package var gatewayStatuses: [GatewayStatus] = []
    /// What became of each service's wish for a waypoint, by kind, namespace and name.
    package var bindingStatuses: [BindingStatus] = []
    /// What became of each AuthorizationPolicy, by namespace and name.
    package var policyStatuses: [PolicyStatus] = []
    /// Pods whose annotation of redirection does not say what is proven, by pod.
    package var redirections: [RedirectionPatch] = []
    /// Gateways whose waypoint the control plane should run, by namespace and name.
    package var wantedWaypoints: [GatewayResource] = []
    /// What only waypoints are told: services without an address through which the control plane proves them, and the
    /// one workload that answers there.
    package var probeServices: [Service] = []
    package var probeWorkloads: [Workload] = []
    /// By node name: every pod placed there that has its own network namespace, by pod key.
    package var intents: [String: [PodIntent]] = [:]
    /// Namespaces that are labelled for capture or have a pod that is.
    package var capturedNamespaces: Set<String> = []
    /// Who waypoints are: what a waypoint may ask a certificate for.
    package var waypoints: Set<Identity> = []
    /// By place.
    package var findings: [Finding] = []

    package init() {}
}

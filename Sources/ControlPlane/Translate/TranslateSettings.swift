package import MeshModel

/// What the translation needs to know beside the resources.
package struct TranslateSettings: Hashable, Sendable {
    package var clusterID: String = "Kubernetes"
    package var trustDomain: String = Identity.defaultTrustDomain
    /// Other names of the mesh's trust domain: a principal of one of them is a principal of all.
    package var trustDomainAliases: [String] = []
    /// Policies here hold for the whole mesh; the ztunnel pods of this namespace are never captured.
    package var rootNamespace: String = "istio-system"
    package var clusterDomain: String = "cluster.local"
    /// Network of this cluster unless the root namespace's label topology.istio.io/network names another.
    package var network: String = ""
    /// Pods whose enrolment a node has proven: only these are reached by HBONE.
    package var proven: Set<PodKey> = []
    /// Pods that were proven and whose nodes are taking them out now.
    package var leaving: Set<PodKey> = []
    /// Nodes that are connected and have said which pods they have proven.
    package var heardNodes: Set<String> = []
    /// Also takes the annotation ambient.istio.io/redirection=enabled as proof; for nodes run by istio-cni.
    package var trustsRedirectionAnnotation: Bool = false
    /// There are other replicas, which nodes report to as well: of nodes that have not reported here, the annotation
    /// says what they have proven, and each replica writes it for those that have.
    package var sharesProofs: Bool = false
    /// A route needs a ReferenceGrant for a back end in another namespace. Istio asks for none where the parent is a
    /// service, and neither does the Gateway API's reading for meshes: clients could connect there anyway.
    package var requiresReferenceGrants: Bool = false
    /// The control plane runs the waypoints of Gateways itself.
    package var runsWaypoints: Bool = false
    /// The waypoints that it runs now, those that are about to leave among them.
    package var waypoints: [WaypointInstance] = []
    /// The control plane makes the waypoints of Gateways into pods of the cluster.
    package var deploysWaypoints: Bool = false
    /// What keeps Gateways from being made into pods, by `NAMESPACE/NAME`.
    package var waypointProblems: [String: WaypointProblem] = [:]
    /// A waypoint that is not ready is passed by, instead of its services' connections being refused.
    package var bypassesUnreadyWaypoints: Bool = false
    /// Where the control plane answers requests that it sends through waypoints to prove them; `nil`: nowhere.
    package var probeResponder: TransportAddress?
    /// Namespaces whose pods are never captured.
    package var excludedNamespaces: Set<String> = ["kube-system"]

    package init() {}
}

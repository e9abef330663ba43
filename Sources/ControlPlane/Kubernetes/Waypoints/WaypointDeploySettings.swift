/// How waypoints run as pods.
package struct WaypointDeploySettings: Hashable, Sendable {
    /// Of the waypoint's container.
    package var image: String
    /// `https://HOST:PORT` of discovery and certificates, as pods reach it.
    package var controlPlane: String
    package var rootNamespace: String
    package var trustDomain: String
    package var clusterID: String
    package var network: String
    /// How long requests may go on when a pod ends, in seconds.
    package var drainSeconds: Int
    /// More settings of each waypoint, by name.
    package var moreSettings: [String: String]
    /// Who we are in `metadata.managedFields`.
    package var manager = "apusd-waypoints"
    /// Of Gateways, as owners of what is made for them.
    package var ownerVersion = "gateway.networking.k8s.io/v1"
    /// Beyond the time for draining, until a pod is killed, in seconds.
    package var killSeconds = 10
    /// A new pod is called ready so long, in seconds, before an old one goes: by then every node knows it.
    package var newPodSeconds = 5
    /// What an overlay says is read again after so long; nobody watches ConfigMaps of all namespaces for it.
    package var lookMilliseconds: Int64 = 30_000
    /// Objects are applied again after so long, which repairs what others have changed in them.
    package var repairMilliseconds: Int64 = 300_000
    /// For one answer of the API server.
    package var answerSeconds = 15

    package init(
        image: String, controlPlane: String, rootNamespace: String, trustDomain: String, clusterID: String,
        network: String, drainSeconds: Int, moreSettings: [String: String]
    ) {
        self.image = image
        self.controlPlane = controlPlane
        self.rootNamespace = rootNamespace
        self.trustDomain = trustDomain
        self.clusterID = clusterID
        self.network = network
        self.drainSeconds = drainSeconds
        self.moreSettings = moreSettings
    }

    /// Settings that follow from the Gateway and from ours: nobody may give others.
    package static let ownNames: Set<String> = [
        "POD_NAME", "POD_NAMESPACE", "NODE_NAME", "INSTANCE_IP", "SERVICE_ACCOUNT", "GATEWAY_NAME",
        "GATEWAY_SERVICE", "TRUST_DOMAIN", "CLUSTER_ID", "NETWORK", "XDS_ADDRESS", "CA_ADDRESS", "XDS_ROOT_CA",
        "CA_ROOT_CA", "AUTH_TOKEN",
        "TERMINATION_DRAIN_DURATION", "APUS_METRICS_ADDRESS", "APUS_READINESS_ADDRESS",
    ]
}

/// Labels and annotations with a meaning to the mesh; Istio's documentation, "Resource Labels" and "Resource
/// Annotations".
enum Label {
    static let dataplaneMode = "istio.io/dataplane-mode"
    static let useWaypoint = "istio.io/use-waypoint"
    static let useWaypointNamespace = "istio.io/use-waypoint-namespace"
    static let useWaypointCanary = "istio.io/use-waypoint-canary"
    static let waypointFor = "istio.io/waypoint-for"
    static let gatewayName = "gateway.networking.k8s.io/gateway-name"
    static let managedGateway = "gateway.istio.io/managed"
    static let namespaceName = "kubernetes.io/metadata.name"
    static let network = "topology.istio.io/network"
    static let subzone = "topology.istio.io/subzone"
    static let region = "topology.kubernetes.io/region"
    static let zone = "topology.kubernetes.io/zone"
    static let tunnel = "networking.istio.io/tunnel"
    static let podTemplateHash = "pod-template-hash"
    static let quarantine = "apus.io/quarantine"
    static let app = "app"
    static let canonicalNames = ["service.istio.io/canonical-name", "app.kubernetes.io/name", "app"]
    static let canonicalRevisions = ["service.istio.io/canonical-revision", "app.kubernetes.io/version", "version"]
}

enum Annotation {
    static let gatewayNameOverride = "gateway.istio.io/name-override"
    static let gatewayServiceAccount = "gateway.istio.io/service-account"
    static let redirection = "ambient.istio.io/redirection"
    static let bypassInboundCapture = "ambient.istio.io/bypass-inbound-capture"
    static let sidecarStatus = "sidecar.istio.io/status"
    static let trafficDistribution = "networking.istio.io/traffic-distribution"
    static let exportTo = "networking.istio.io/exportTo"
    /// On what the API server shows of a static pod: the uid that its kubelet gave it.
    static let mirror = "kubernetes.io/config.mirror"
    static let dryRun = "istio.io/dry-run"
}

/// The forms of a bool that Kubernetes components accept in annotations; `nil` for any other text.
func boolean(_ text: String) -> Bool? {
    switch text {
    case "1", "t", "T", "true", "TRUE", "True": return true
    case "0", "f", "F", "false", "FALSE", "False": return false
    default: return nil
    }
}

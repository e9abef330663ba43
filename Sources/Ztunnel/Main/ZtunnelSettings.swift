import MeshDiscovery
import MeshIdentity
import MeshModel
import MeshRuntime
import MeshTelemetry
import NIOCore
import NodeCNI
import ZtunnelNode
import ZtunnelTunnel

/// Everything that the environment can tell the node daemon. Names are Istio's where Istio has the setting.
struct ZtunnelSettings {
    var tunnel: TunnelSettings
    var node: NodeDescription
    var discovery: ControlPlaneEndpoint
    var authority: ControlPlaneEndpoint
    /// An agent that gives certificates in place of the authority.
    var workloadAPI: WorkloadAPIEndpoint?
    var certificateLifetimeSeconds: Int64
    var workerThreads: Int
    var controlSocketPath: String
    var attachmentsPath: String
    var adminAddress: TransportAddress
    var metricsAddress: TransportAddress
    var readinessAddress: TransportAddress
    /// Istio's node agent listens here and leads; `nil`: apusd does.
    var agentSocket: String?
    /// `nil`: the node's networks are left alone.
    var installation: NetworkInstallation?
    /// Where pods that run already are looked for; `nil`: nowhere.
    var processes: ProcessScan?
    /// Path of the node's own network namespace, where probes are marked as such; `nil`: they are not.
    var probedFrom: String?
    var logFilter: LogFilter
    var logFormat: LogFormat
    var drainSeconds: Int64
    /// How long connections may go on after a successor has taken over.
    var handoverDrainSeconds: Int64
    /// Then the process waits until it is asked to stop: who supervises it would start it again otherwise.
    var staysAfterHandover: Bool
    /// Names that look like ours and are not.
    var unknownNames: [String]

    init(_ environment: [String: String]) throws {
        var reader = SettingsReader(environment)
        let nodeName = reader.text("NODE_NAME", default: "")
        if nodeName.isEmpty {
            reader.reject("NODE_NAME", expected: "the name of this node, as pods have it in spec.nodeName")
        }
        var tunnel = TunnelSettings(nodeName: nodeName)
        tunnel.network = reader.text("NETWORK") ?? ""
        tunnel.responseBaggage = reader.bool("ENABLE_RESPONSE_BAGGAGE", default: true)
        tunnel.reachesProxiedByLoopback = reader.bool("LOCALHOST_APP_TUNNEL", default: true)
        tunnel.sameNode =
            reader.value("APUS_SAME_NODE", expected: "local or encrypt") { TunnelSettings.SameNode(rawValue: $0) }
            ?? .handOver
        tunnel.tunnelCongestionControl = reader.text("APUS_TUNNEL_CONGESTION_CONTROL", default: "cubic")
        self.tunnel = tunnel
        self.node = NodeDescription(
            podName: reader.text("POD_NAME", default: "ztunnel-\(nodeName)"),
            podNamespace: reader.text("POD_NAMESPACE", default: "istio-system"),
            instanceIP: reader.text("INSTANCE_IP") ?? "",
            nodeName: nodeName
        )
        self.node.metadata = Self.metadata(&reader)
        let clusterID =
            reader.text("ISTIO_META_CLUSTER_ID") ?? reader.text("CLUSTER_ID") ?? "Kubernetes"
        self.discovery = Self.endpoint(.discovery, clusterID, &reader)
        self.authority = Self.endpoint(.certificates, clusterID, &reader)
        self.workloadAPI =
            reader.value(WorkloadAPIEndpoint.setting, expected: WorkloadAPIEndpoint.form) { WorkloadAPIEndpoint($0) }
        self.certificateLifetimeSeconds = reader.duration("SECRET_TTL", default: .seconds(86_400)).components.seconds
        self.workerThreads = reader.number("ZTUNNEL_WORKER_THREADS", default: 1, in: 1...64)
        self.controlSocketPath = reader.text("APUS_SOCKET", default: "/run/apus/ztunnel.sock")
        self.attachmentsPath = reader.text("APUS_ATTACHMENTS", default: controlSocketPath + ".attachments")
        self.agentSocket = reader.text("INPOD_UDS").flatMap { $0.isEmpty ? nil : $0 }
        self.installation = Self.installation(controlSocketPath, &reader)
        self.processes = reader.text("APUS_PROC").map { ProcessScan(root: $0) }
        self.probedFrom = reader.text("APUS_NODE_NETNS")
        let any = IPAddress(v4: 0)
        let loopback = IPAddress(v4: 0x7f00_0001)
        self.adminAddress = reader.address("APUS_ADMIN_ADDRESS", default: TransportAddress(loopback, port: 15000))
        self.metricsAddress = reader.address("APUS_METRICS_ADDRESS", default: TransportAddress(any, port: 15020))
        self.readinessAddress = reader.address("APUS_READINESS_ADDRESS", default: TransportAddress(any, port: 15021))
        self.logFilter =
            reader.value("RUST_LOG", expected: "levels such as info or info,access=debug") {
                try? LogFilter(parsing: $0)
            } ?? LogFilter()
        self.logFormat =
            reader.value("LOG_FORMAT", expected: "plain or json") { LogFormat($0) } ?? .text
        self.drainSeconds = Self.drainSeconds(&reader)
        self.handoverDrainSeconds = Self.handoverDrainSeconds(&reader)
        // A container that ends is started again by the kubelet, and would take over in its turn.
        let isContainer = reader.text("KUBERNETES_SERVICE_HOST")?.isEmpty == false
        self.staysAfterHandover = reader.bool("APUS_HANDOVER_STAY", default: isContainer)
        self.unknownNames = try reader.finish(prefixes: ["ZTUNNEL_"])
    }

    /// What istiod reads of a proxy beside its name.
    private static func metadata(_ reader: inout SettingsReader) -> [String: String] {
        var metadata = reader.texts(prefix: "ISTIO_META_")
        if let account = reader.text("SERVICE_ACCOUNT"), !account.isEmpty { metadata["SERVICE_ACCOUNT"] = account }
        return metadata
    }

    /// Without a deadline of its own, draining ends some seconds before the pod is killed.
    private static func drainSeconds(_ reader: inout SettingsReader) -> Int64 {
        if let deadline = reader.duration("CONNECTION_TERMINATION_DEADLINE") { return deadline.components.seconds }
        guard let grace = reader.number("TERMINATION_GRACE_PERIOD_SECONDS", in: 0...86_400) else { return 5 }
        return Int64(grace > 10 ? grace - 5 : max(grace - 1, 1))
    }

    /// An hour, unless the pod is killed before.
    private static func handoverDrainSeconds(_ reader: inout SettingsReader) -> Int64 {
        if let bound = reader.duration("APUS_HANDOVER_DRAIN") { return bound.components.seconds }
        guard let grace = reader.number("TERMINATION_GRACE_PERIOD_SECONDS", in: 0...86_400) else { return 3_600 }
        return Int64(max(grace - 5, 1))
    }

    private static func endpoint(
        _ api: ControlPlaneEndpoint.API, _ clusterID: String, _ reader: inout SettingsReader
    ) -> ControlPlaneEndpoint {
        let headers = reader.texts(prefix: api.headerPrefix)
        let endpoint = ControlPlaneEndpoint(api, clusterID: clusterID, headers: headers) { reader.text($0) }
        if let endpoint { return endpoint }
        reader.reject(api.addressSetting, expected: "an address such as https://10.0.0.1:15012")
        return ControlPlaneEndpoint(host: "localhost", port: 15012, security: .plaintext, clusterID: clusterID)
    }
}

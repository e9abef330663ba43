import MeshDiscovery
import MeshIdentity
import MeshModel
import MeshRuntime
import MeshTelemetry
import NIOCore
import WaypointGateway
import WaypointKeys
import WaypointToken

/// Everything that the environment can tell the waypoint. Names are Istio's where Istio has the setting.
struct WaypointSettings {
    var gateway: GatewaySettings
    var keys: KeyFetcher.Settings
    var node: NodeDescription
    var discovery: ControlPlaneEndpoint
    var authority: ControlPlaneEndpoint
    /// An agent that gives certificates in place of the authority.
    var workloadAPI: WorkloadAPIEndpoint?
    var certificateLifetimeSeconds: Int64
    var workerThreads: Int
    var tunnelAddress: TransportAddress
    var adminAddress: TransportAddress
    var metricsAddress: TransportAddress
    var readinessAddress: TransportAddress
    /// Where `apus` asks us; `nil`: nowhere.
    var controlSocketPath: String?
    var logFilter: LogFilter
    var logFormat: LogFormat
    var requestLines: RequestLineFormat
    var tracing: TracingSettings
    /// Our cluster, as telemetry names it.
    var clusterID: String
    var drainSeconds: Int64
    /// Names that look like ours and are not.
    var unknownNames: [String]

    init(_ environment: [String: String]) throws {
        var reader = SettingsReader(environment)
        let gateway = Self.gateway(&reader)
        self.gateway = gateway
        var node = NodeDescription(
            podName: gateway.podName, podNamespace: gateway.namespace,
            instanceIP: reader.text("INSTANCE_IP") ?? "", nodeName: gateway.nodeName)
        node.kind = "waypoint"
        self.node = node
        let clusterID = reader.text("ISTIO_META_CLUSTER_ID") ?? reader.text("CLUSTER_ID") ?? "Kubernetes"
        self.clusterID = clusterID
        self.discovery = Self.endpoint(.discovery, clusterID, &reader)
        self.authority = Self.endpoint(.certificates, clusterID, &reader)
        self.keys = Self.keys([discovery, authority], &reader)
        self.workloadAPI =
            reader.value(WorkloadAPIEndpoint.setting, expected: WorkloadAPIEndpoint.form) { WorkloadAPIEndpoint($0) }
        self.certificateLifetimeSeconds = reader.duration("SECRET_TTL", default: .seconds(86_400)).components.seconds
        self.workerThreads = reader.number("WAYPOINT_WORKER_THREADS", default: 1, in: 1...64)
        let any = IPAddress(v4: 0)
        let loopback = IPAddress(v4: 0x7f00_0001)
        let both = IPAddress(v6High: 0, low: 0)
        self.tunnelAddress = reader.address(
            "APUS_HBONE_ADDRESS", default: TransportAddress(both, port: TunnelPorts.inboundHBONE))
        self.adminAddress = reader.address("APUS_ADMIN_ADDRESS", default: TransportAddress(loopback, port: 15000))
        self.metricsAddress = reader.address("APUS_METRICS_ADDRESS", default: TransportAddress(any, port: 15020))
        self.readinessAddress = reader.address("APUS_READINESS_ADDRESS", default: TransportAddress(any, port: 15021))
        self.controlSocketPath = reader.text("APUS_SOCKET")
        self.logFilter =
            reader.value("RUST_LOG", expected: "levels such as info or info,access=debug") {
                try? LogFilter(parsing: $0)
            } ?? LogFilter()
        self.logFormat = reader.value("LOG_FORMAT", expected: "plain or json") { LogFormat($0) } ?? .text
        // The lines of requests follow the others unless they are told otherwise.
        let standard: RequestLineFormat = logFormat == .json ? .json : .text
        self.requestLines =
            reader.value("ACCESS_LOG_ENCODING", expected: "TEXT, JSON, FIELDS or OFF") {
                RequestLineFormat(rawValue: $0.lowercased())
            } ?? standard
        self.tracing = TracingSettings(&reader, serviceName: "\(gateway.name).\(gateway.namespace)")
        self.drainSeconds = reader.duration("TERMINATION_DRAIN_DURATION", default: .seconds(5)).components.seconds
        self.unknownNames = try reader.finish(prefixes: ["WAYPOINT_", "APUS_JWKS_"])
    }

    private static func gateway(_ reader: inout SettingsReader) -> GatewaySettings {
        let podName = needed("POD_NAME", "the name of our own pod", &reader)
        let namespace = needed("POD_NAMESPACE", "the namespace of our own pod", &reader)
        let name = needed("GATEWAY_NAME", "the name of our Gateway", &reader)
        var gateway = GatewaySettings(
            name: name, namespace: namespace, serviceAccount: reader.text("SERVICE_ACCOUNT", default: name),
            podName: podName)
        gateway.service = reader.text("GATEWAY_SERVICE", default: name)
        gateway.nodeName = reader.text("NODE_NAME") ?? ""
        gateway.network = reader.text("NETWORK") ?? ""
        gateway.systemRoots = reader.text("SSL_CERT_FILE")
        gateway.trustDomain = reader.text("TRUST_DOMAIN", default: Identity.defaultTrustDomain)
        let detection = reader.duration("PROTOCOL_DETECTION_TIMEOUT", default: .seconds(1)).components
        gateway.detectionTimeout = .seconds(detection.seconds) + .nanoseconds(detection.attoseconds / 1_000_000_000)
        return gateway
    }

    /// How keys of `jwksUri` are fetched.
    private static func keys(
        _ controlPlane: [ControlPlaneEndpoint], _ reader: inout SettingsReader
    ) -> KeyFetcher.Settings {
        var keys = KeyFetcher.Settings()
        keys.rules.allowed =
            reader.value("APUS_JWKS_ALLOWED_CIDRS", expected: "blocks such as 127.0.0.0/8,fd00:ec2::254") { text in
                let blocks = text.split(separator: ",", omittingEmptySubsequences: false).map { IPBlock($0) }
                return blocks.contains(nil) ? nil : blocks.compactMap(\.self)
            } ?? []
        keys.rules.refusedSockets = Set(controlPlane.map { .init(host: $0.host, port: $0.port) })
        keys.rootsPath = reader.text("APUS_JWKS_ROOT_CA")
        let refresh = reader.duration("APUS_JWKS_REFRESH", default: .seconds(300))
        if refresh < .seconds(1) { reader.reject("APUS_JWKS_REFRESH", expected: "at least 1s") }
        keys.limits.refresh = Double(refresh.components.seconds)
        keys.limits.age = Double(reader.duration("APUS_JWKS_AGE_MAX", default: .seconds(86_400)).components.seconds)
        return keys
    }

    private static func needed(_ name: String, _ what: String, _ reader: inout SettingsReader) -> String {
        let text = reader.text(name, default: "")
        if text.isEmpty { reader.reject(name, expected: what) }
        return text
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

import Logging
import MeshDiscovery
import MeshTelemetry
import MeshTracing
import NIOCore
import WaypointGateway

/// The way of spans out of the process: a queue that loops fill, and the task that carries it to the collector.
struct Tracing {
    let gateway: GatewayTracing
    private let exporter: SpanExporter
    private let task: Task<Void, Never>
    private let connection: GRPCCollector?

    /// Starts the task; `nil` when no collector is named.
    init?(_ settings: WaypointSettings, group: any EventLoopGroup, log: Logger) {
        let tracing = settings.tracing
        guard let endpoint = tracing.collector else { return nil }
        let resource = [("service.name", tracing.serviceName)]
        let queue = SpanQueue(spansMax: tracing.queueMax, batchMax: tracing.batchMax)
        let collector: any SpanCollector
        switch endpoint.form {
        case .http:
            collector = HTTPCollector(endpoint, resource: resource, group: group)
            connection = nil
        case .grpc:
            let made = GRPCCollector(endpoint, resource: resource, group: group)
            (collector, connection) = (made, made)
        }
        let exporter = SpanExporter(queue: queue, collector: collector, settings: tracing.exporter, log: log)
        self.exporter = exporter
        task = Task { await exporter.run() }
        gateway = GatewayTracing(settings: tracing.sampling, queue: queue, origin: Self.origin(settings))
    }

    func register(in metrics: MetricsRegistry) { exporter.register(in: metrics) }

    /// Sends what waits, then ends.
    func stop() async {
        await exporter.stop(task)
        await connection?.close()
    }

    private static func origin(_ settings: WaypointSettings) -> SpanOrigin {
        let gateway = settings.gateway
        let address = settings.node.instanceIP.isEmpty ? "0.0.0.0" : settings.node.instanceIP
        let domain = "\(gateway.namespace).svc.cluster.local"
        return SpanOrigin(
            nodeID: "waypoint~\(address)~\(gateway.podName).\(gateway.namespace)~\(domain)",
            canonicalService: gateway.name, canonicalRevision: "latest", namespace: gateway.namespace,
            clusterID: settings.clusterID, meshID: gateway.trustDomain)
    }
}

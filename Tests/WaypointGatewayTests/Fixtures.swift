import MeshDiscovery
import MeshModel
import MeshTelemetry
import Synchronization
import Testing

@testable import WaypointGateway

/// Short ways to say what a test is about.
enum Make {
    static let namespace = "shop"
    static let waypoint = ServiceKey(namespace: namespace, hostname: "waypoint.shop.svc.cluster.local")

    static var settings: GatewaySettings {
        GatewaySettings(name: "waypoint", namespace: namespace, serviceAccount: "waypoint", podName: "waypoint-0")
    }

    static func address(_ text: String) throws -> TransportAddress { try #require(TransportAddress(text)) }

    static func workload(
        _ name: String, at ip: String, tunnel: TunnelProtocol = .none, _ change: (inout Workload) -> Void = { _ in }
    ) throws -> Workload {
        var workload = Workload(
            uid: "c//Pod/\(namespace)/\(name)", name: name, namespace: namespace, serviceAccount: name)
        workload.addresses = [try #require(IPAddress(ip))]
        workload.tunnel = tunnel
        change(&workload)
        return workload
    }

    /// A service behind the waypoint.
    static func service(
        _ name: String, at ip: String, ports: [ServicePort], waypoint: ServiceKey? = Make.waypoint
    ) throws -> Service {
        var service = Service(name: name, namespace: namespace, hostname: "\(name).shop.svc.cluster.local")
        service.virtualAddresses = [VirtualAddress(try #require(IPAddress(ip)))]
        service.ports = ports
        service.waypoint = waypoint.map { GatewayReference(.hostname($0)) }
        return service
    }

    /// The waypoint's own service, and these.
    static func world(_ services: [Service], _ workloads: [Workload]) -> World {
        var own = Service(name: "waypoint", namespace: namespace, hostname: waypoint.hostname)
        own.ports = [ServicePort(servicePort: 15008, targetPort: 15008)]
        var world = World()
        world.apply(
            contentsOf: ([own] + services).map { WorldChange.upsertService($0) }
                + workloads.map { WorldChange.upsertWorkload($0) })
        return world
    }
}

/// What the access log says.
final class LogLines: Sendable {
    private final class Collected: Sendable {
        private let bytes = Mutex<[UInt8]>([])
        func append(_ more: [UInt8]) { bytes.withLock { $0 += more } }
        var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }
    }

    private let collected = Collected()
    let output: LogOutput

    init() {
        output = LogOutput(sink: LineSink { [collected] in collected.append($0) })
    }

    var text: String { collected.text }
}

/// Waits until `condition` holds; fails the test after `seconds`.
func eventually(
    _ what: String, seconds: Int = 20, sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < deadline {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record("not within \(seconds) s: \(what)", sourceLocation: sourceLocation)
}

import MeshDiscovery
import MeshRuntime
import MeshTelemetry
import NIOCore
import ServiceLifecycle
import Synchronization
import ZtunnelTunnel

/// When the process is asked to stop: peers are told, running streams may end, the rest is cut at the deadline. The
/// capture rules stay: until a successor is there, connections of captured pods are refused, not sent in clear text.
/// Where a successor serves already, running streams have the longer time of a hand-over.
struct DrainService: ServiceLifecycle.Service {
    let tunnel: Tunnel
    let settings: ZtunnelSettings
    let succession: Succession

    func run() async throws {
        try? await gracefulShutdown()
        if succession.released.hasFired {
            await tunnel.retire(within: .seconds(settings.handoverDrainSeconds))
        } else {
            await tunnel.drain(within: .seconds(settings.drainSeconds))
        }
    }
}

/// A value that is set once and read from any thread.
final class Latch<Value: Sendable>: Sendable {
    private let storage = Mutex<Value?>(nil)

    var value: Value? { storage.withLock { $0 } }

    func set(_ value: Value) {
        storage.withLock { $0 = $0 ?? value }
    }
}

/// Metrics of the discovery stream.
struct DiscoveryCounters: Sendable {
    private let messages: [String: (count: MetricCounter, bytes: MetricCounter)]
    private let terminations: [StreamTermination: MetricCounter]

    private static let types = [
        "type.googleapis.com/istio.workload.Address", "type.googleapis.com/istio.security.Authorization",
    ]

    init(_ registry: MetricsRegistry) {
        var messages: [String: (MetricCounter, MetricCounter)] = [:]
        for type in Self.types {
            messages[type] = (
                registry.counter("istio_xds_message", help: "Messages received (unstable).", labels: [("url", type)]),
                registry.counter(
                    "istio_xds_message_bytes", help: "Bytes of resources received (unstable).", labels: [("url", type)])
            )
        }
        self.messages = messages
        var terminations: [StreamTermination: MetricCounter] = [:]
        for reason in StreamTermination.allCases {
            terminations[reason] = registry.counter(
                "istio_xds_connection_terminations", help: "Ended discovery streams (unstable).",
                labels: [("reason", reason.rawValue)]
            )
        }
        self.terminations = terminations
    }

    func count(_ event: DiscoveryClient.Event) {
        switch event {
        case .message(let typeURL, let byteCount):
            messages[typeURL]?.count.add()
            messages[typeURL]?.bytes.add(byteCount)
        case .terminated(let reason):
            terminations[reason]?.add()
        case .connected, .ready:
            break
        }
    }
}

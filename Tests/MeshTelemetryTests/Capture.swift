import MeshModel
import MeshTelemetry
import Synchronization
import Testing

/// Collects what a sink writes.
final class Capture: Sendable {
    private let bytes = Mutex<[UInt8]>([])
    private let batches = Mutex<Int>(0)

    func take(_ batch: [UInt8]) {
        bytes.withLock { $0 += batch }
        batches.withLock { $0 += 1 }
    }

    var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }
    var lines: [String] { text.split(separator: "\n").map(String.init) }
    var batchCount: Int { batches.withLock { $0 } }
}

/// Clocks that stand still until they are moved.
final class StillClock: Sendable {
    private let moved = Mutex<Duration>(.zero)
    private let start = ContinuousClock.now

    func advance(_ duration: Duration) { moved.withLock { $0 += duration } }

    var clock: TelemetryClock {
        // 2026-01-31T23:59:59.000001Z
        TelemetryClock(
            wallMicroseconds: { 1_769_903_999_000_001 },
            monotonic: { [self] in start.advanced(by: moved.withLock { $0 }) })
    }
}

/// A log whose lines can be read back.
struct TestLog {
    let capture = Capture()
    let time = StillClock()
    let output: LogOutput

    init(_ format: LogFormat = .text, filter: LogFilter = LogFilter()) {
        let capture = capture
        output = LogOutput(format: format, filter: filter, sink: LineSink { capture.take($0) }, clock: time.clock)
    }

    /// Ends the log; everything written before.
    func finished() async -> [String] {
        await output.sink.close()
        return capture.lines
    }
}

func address(_ text: String) -> TransportAddress {
    TransportAddress(text) ?? TransportAddress(IPAddress(v4: 0), port: 0)
}

/// A workload with all names set.
func workload(_ name: String, namespace: String) -> Workload {
    var workload = Workload(uid: "c//Pod/\(namespace)/\(name)-1", name: "\(name)-1", namespace: namespace)
    workload.serviceAccount = name
    workload.workloadName = name
    workload.canonicalName = "\(name)-app"
    workload.canonicalRevision = "v1"
    workload.clusterID = "east"
    workload.locality = Locality(region: "r1", zone: "z1")
    return workload
}

/// An outbound connection of shop/web to shop/api over mutual TLS.
func outboundFields() -> ConnectionFields {
    let web = workload("web", namespace: "shop")
    let api = workload("api", namespace: "shop")
    return ConnectionFields(
        reporter: .source, source: ConnectionParty(web, identity: web.identity),
        destination: ConnectionParty(api, identity: api.identity),
        service: ConnectionService(Service(name: "api", namespace: "shop", hostname: "api.shop.svc.cluster.local")),
        sourceAddress: address("10.0.0.1:41000"), destinationAddress: address("10.0.0.2:15008"),
        hboneAuthority: "10.0.0.2:8080", isMutualTLS: true)
}

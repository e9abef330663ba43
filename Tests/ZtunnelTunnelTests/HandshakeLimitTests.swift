import MeshDiscovery
import MeshModel
import MeshTelemetry
import NIOCore
import NIOEmbedded
import NIOPosix
import Testing

@testable import ZtunnelTunnel

@Suite("Limits of TLS handshakes under way")
struct HandshakeLimitTests {
    private func settings(pod: Int, node: Int) -> TunnelSettings {
        var settings = TunnelSettings(nodeName: "local")
        settings.handshakesPerPodMax = pod
        settings.handshakesPerNodeMax = node
        return settings
    }

    private func second(_ rig: Rig) -> PodOnLoop {
        PodOnLoop(key: PodKey(namespace: "ns", name: "api"), namespace: rig.pod.namespace, loop: rig.loop)
    }

    @Test("a pod has so many in each direction, a node too; who ends gives his place back, once")
    func counts() async throws {
        let rig = try Rig(on: EmbeddedEventLoop(), log: LogLines(), settings: settings(pod: 2, node: 3))
        let first = try rig.pod.beginHandshake(.destination)
        _ = try rig.pod.beginHandshake(.destination)
        #expect(throws: ConnectionFailure.limitReached(limit: "handshakesPerPodMax")) {
            _ = try rig.pod.beginHandshake(.destination)
        }
        _ = try rig.pod.beginHandshake(.source)
        let other = second(rig)
        _ = try other.beginHandshake(.destination)
        #expect(throws: ConnectionFailure.limitReached(limit: "handshakesPerNodeMax")) {
            _ = try other.beginHandshake(.destination)
        }
        first.end()
        first.end()
        #expect(rig.pod.handshakes.count(.destination) == 1 && rig.loop.handshakes.count(.destination) == 2)
        _ = try other.beginHandshake(.destination)
        #expect(throws: ConnectionFailure.limitReached(limit: "handshakesPerNodeMax")) {
            _ = try rig.pod.beginHandshake(.destination)
        }
        let registry = MetricsRegistry()
        let counted = rig.loop.metrics.snapshot()
        registry.attach { counted }
        let page = await registry.expose()
        #expect(page.contains("apus_tls_handshakes_refused_total{reporter=\"destination\",limit=\"pod\"} 1\n"))
        #expect(page.contains("apus_tls_handshakes_refused_total{reporter=\"destination\",limit=\"node\"} 2\n"))
        #expect(page.contains("apus_tls_handshakes_refused_total{reporter=\"source\",limit=\"pod\"} 0\n"))
        _ = await rig.log.finished()
    }

    @Test("the node's limit is shared by its loops")
    func sharedByLoops() async throws {
        let log = LogLines()
        let loop = try TunnelLoop(
            eventLoop: EmbeddedEventLoop(), settings: settings(pod: 9, node: 9), metrics: MetricsShard(),
            accessLog: AccessLog(log.output), world: .init(), loopCount: 4)
        loop.handshakes.begin(.destination)
        #expect(!loop.handshakes.isFull(.destination))
        loop.handshakes.begin(.destination)
        #expect(loop.handshakes.isFull(.destination))
        _ = await log.finished()
    }

    @Test("an inbound connection over the limit is closed and logged with the limit's name; an end frees its place")
    func inbound() async throws {
        let eventLoop = EmbeddedEventLoop()
        let rig = try Rig(on: eventLoop, log: LogLines(), settings: settings(pod: 1, node: 9))
        func arrive() throws -> EmbeddedChannel {
            let channel = EmbeddedChannel(loop: eventLoop)
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            InboundTunnel(
                pod: rig.pod, channel: channel, client: try address("10.0.0.9:4000"),
                local: try address("10.0.0.2:15008")
            ).start()
            return channel
        }
        // It waits for the pod's certificate, which nobody issues here.
        let waiting = try arrive()
        let surplus = try arrive()
        #expect(waiting.isActive && !surplus.isActive)
        #expect(rig.pod.handshakes.count(.destination) == 1)
        waiting.close(promise: nil)
        eventLoop.run()
        #expect(rig.pod.handshakes.count(.destination) == 0 && rig.loop.handshakes.count(.destination) == 0)
        let next = try arrive()
        #expect(next.isActive)
        eventLoop.advanceTime(by: .seconds(6))
        #expect(!next.isActive && rig.pod.handshakes.count(.destination) == 0, "refused: no certificate came")
        let lines = await rig.log.finished()
        #expect(lines.filter { $0.contains("limit reached: handshakesPerPodMax") }.count == 1, "\(lines)")
    }
}

import MeshKernel
import MeshModel
import MeshTesting
import Testing

/// Connections that were alive before the rules changed.
@Suite struct LiveConnectionTests {
    static let families: [IPAddress.Family] = [.v4, .v6]

    /// From the pod to the client, past the proxy.
    private func directConnection(_ fixture: PodFixture, _ family: IPAddress.Family) throws -> PingPong {
        let server = try fixture.server(in: fixture.client, family)
        let address = TransportAddress(PodFixture.clientAddress(family), port: server.port)
        let connection = try fixture.connect(from: fixture.pod, to: address)
        return PingPong(client: connection, server: try server.accept())
    }

    /// Through the redirect to 15001.
    private func capturedConnection(
        _ fixture: PodFixture, _ family: IPAddress.Family, _ proxy: borrowing Server
    ) throws -> PingPong {
        let address = TransportAddress(PodFixture.farAddress(family), port: 8080)
        let connection = try fixture.connect(from: fixture.pod, to: address)
        return PingPong(client: connection, server: try proxy.accept())
    }

    /// From the proxy to the application, with a foreign source.
    private func foreignConnection(_ fixture: PodFixture, _ family: IPAddress.Family) throws -> PingPong {
        let application = try fixture.server(in: fixture.pod, family)
        let address = TransportAddress(PodFixture.podAddress(family), port: application.port)
        let connection = try fixture.connect(
            from: fixture.pod, to: address, source: PodFixture.farAddress(family), marked: true)
        return PingPong(client: connection, server: try application.accept())
    }

    @Test("a live connection survives install, a second install, retreat and remove", arguments: families)
    func olderConnectionSurvives(family: IPAddress.Family) throws {
        let fixture = try PodFixture()
        let live = try directConnection(fixture, family)
        try live.expectProgress()
        let table = try CaptureTable(in: fixture.pod.namespace)
        try table.install(CaptureRules())
        try live.expectProgress(100)
        try table.install(CaptureRules())
        try live.expectProgress()
        try table.retreat()
        try live.expectProgress()
        try table.remove()
        try live.expectProgress()
        try live.stop()
    }

    @Test("a live inbound connection survives install", arguments: families)
    func olderInboundConnectionSurvives(family: IPAddress.Family) throws {
        let fixture = try PodFixture()
        let application = try fixture.server(in: fixture.pod, family)
        let address = TransportAddress(PodFixture.podAddress(family), port: application.port)
        let caller = try fixture.connect(from: fixture.client, to: address)
        let live = PingPong(client: caller, server: try application.accept())
        try live.expectProgress()
        let table = try CaptureTable(in: fixture.pod.namespace)
        try table.install(CaptureRules())
        try live.expectProgress(100)
        try live.stop()
    }

    @Test("connections through the redirect and with a foreign source survive a second install", arguments: families)
    func proxiedConnectionsSurviveInstall(family: IPAddress.Family) throws {
        let fixture = try PodFixture()
        let table = try CaptureTable(in: fixture.pod.namespace)
        let proxy = try fixture.proxyListener(TunnelPorts.outbound)
        try table.install(CaptureRules())
        let captured = try capturedConnection(fixture, family, proxy)
        let foreign = try foreignConnection(fixture, family)
        for _ in 0..<5 {
            try table.install(CaptureRules())
            try captured.expectProgress(10)
            try foreign.expectProgress(10)
        }
        try captured.stop()
        try foreign.stop()
    }

    @Test("connections through the redirect and with a foreign source survive retreat", arguments: families)
    func proxiedConnectionsSurviveRetreat(family: IPAddress.Family) throws {
        let fixture = try PodFixture()
        let table = try CaptureTable(in: fixture.pod.namespace)
        let proxy = try fixture.proxyListener(TunnelPorts.outbound)
        try table.install(CaptureRules())
        let captured = try capturedConnection(fixture, family, proxy)
        let foreign = try foreignConnection(fixture, family)
        try captured.expectProgress()
        try foreign.expectProgress()
        try table.retreat()
        #expect(try table.verify(CaptureRules(keeperOnly: true)) == .equal)
        try captured.expectProgress(100)
        try foreign.expectProgress()
        // New connections go past the proxy.
        let direct = try directConnection(fixture, family)
        try direct.expectProgress()
        #expect(try !proxy.hasConnection())
        try captured.stop()
        try foreign.stop()
        try direct.stop()
    }

    @Test("retreat from inbound capture lets a redirected inbound connection live")
    func inboundConnectionSurvivesRetreat() throws {
        let fixture = try PodFixture()
        let table = try CaptureTable(in: fixture.pod.namespace)
        let proxy = try fixture.proxyListener(TunnelPorts.inboundPlaintext)
        try table.install(CaptureRules())
        let caller = try fixture.connect(
            from: fixture.client, to: TransportAddress(PodFixture.podV4, port: 8080))
        let live = PingPong(client: caller, server: try proxy.accept())
        try live.expectProgress()
        try table.retreat()
        try live.expectProgress(100)
        try live.stop()
    }
}

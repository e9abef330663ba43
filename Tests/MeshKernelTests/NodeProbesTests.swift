import MeshKernel
import MeshModel
import MeshTesting
import Testing

/// Rules of the node, on a real kernel. The fixture's client is the node.
@Suite struct NodeProbesTests {
    static let families: [IPAddress.Family] = [.v4, .v6]

    @Test("a process of the node reaches the application itself; HBONE keeps its source", arguments: families)
    func probes(family: IPAddress.Family) throws {
        let fixture = try PodFixture()
        let table = try CaptureTable(in: fixture.pod.namespace)
        try table.install(CaptureRules())
        let plain = try fixture.proxyListener(TunnelPorts.inboundPlaintext)
        let tunnel = try fixture.proxyListener(TunnelPorts.inboundHBONE)
        let server = try fixture.server(in: fixture.pod, family)
        let probes = try NodeProbes(in: fixture.client.namespace)
        try probes.install([PodFixture.podV4, PodFixture.podV6])
        #expect(try probes.verify() == .equal)
        let address = TransportAddress(PodFixture.podAddress(family), port: server.port)
        let probe = try fixture.connect(from: fixture.client, to: address)
        let accepted = try server.accept()
        try probe.write([7])
        #expect(try accepted.read(bytesMax: 1) == [7])
        #expect(try accepted.peerAddress().map { CaptureRules.defaultProbeSources.contains($0.ip) } == true)
        let hbone = TransportAddress(PodFixture.podAddress(family), port: TunnelPorts.inboundHBONE)
        _ = try fixture.connect(from: fixture.client, to: hbone)
        #expect(try tunnel.accept().peerAddress()?.ip == PodFixture.clientAddress(family))
        try probes.install([])
        #expect(try probes.verify() == .equal)
        _ = try fixture.connect(from: fixture.client, to: address)
        #expect(try plain.accept().peerAddress()?.ip == PodFixture.clientAddress(family), "captured as any client's")
        try probes.remove()
        #expect(try fixture.client.run("nft", "list", "ruleset") == "")
    }

    @Test("what the node only forwards keeps its source")
    func forwarded() throws {
        let fixture = try PodFixture()
        let other = try TestNamespace()
        let (nodeEnd, otherEnd) = (IPAddress(v4: 0x0a02_0001), IPAddress(v4: 0x0a02_0002))
        try TestNamespace.link(other, "eth0", [otherEnd], fixture.client, "wire2", [nodeEnd])
        try other.run("ip", "route", "add", "default", "via", "\(nodeEnd)")
        try fixture.client.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        let table = try CaptureTable(in: fixture.pod.namespace)
        try table.install(CaptureRules())
        let plain = try fixture.proxyListener(TunnelPorts.inboundPlaintext)
        let probes = try NodeProbes(in: fixture.client.namespace)
        try probes.install([PodFixture.podV4])
        _ = try fixture.connect(from: other, to: TransportAddress(PodFixture.podV4, port: 8080))
        #expect(try plain.accept().peerAddress()?.ip == otherEnd)
    }
}

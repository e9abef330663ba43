import MeshKernel
import MeshModel
import MeshTesting
import Testing

/// What the rules do to connections, on a real kernel.
@Suite struct CaptureTests {
    static let families: [IPAddress.Family] = [.v4, .v6]

    @Test("outbound connections arrive at 15001 and the original destination is known", arguments: families)
    func outboundIsCaptured(family: IPAddress.Family) throws {
        let fixture = try PodFixture()
        let table = try CaptureTable(in: fixture.pod.namespace)
        let proxy = try fixture.proxyListener(TunnelPorts.outbound)
        try table.install(CaptureRules())
        let wanted = TransportAddress(PodFixture.farAddress(family), port: 8080)
        let application = try fixture.connect(from: fixture.pod, to: wanted)
        let captured = try proxy.accept()
        try captured.write([1, 2, 3])
        #expect(try application.read(bytesMax: 10) == [1, 2, 3])
        let local = try #require(try captured.localAddress())
        #expect(local.port == TunnelPorts.outbound)
        #expect(PodSockets.originalDestination(of: captured.raw, local: local) == wanted)
    }

    @Test("plain text that comes to the pod arrives at 15006", arguments: families)
    func inboundIsCaptured(family: IPAddress.Family) throws {
        let fixture = try PodFixture()
        let table = try CaptureTable(in: fixture.pod.namespace)
        let proxy = try fixture.proxyListener(TunnelPorts.inboundPlaintext)
        try table.install(CaptureRules())
        let wanted = TransportAddress(PodFixture.podAddress(family), port: 8080)
        let caller = try fixture.connect(from: fixture.client, to: wanted)
        let captured = try proxy.accept()
        try caller.write([7])
        #expect(try captured.read(bytesMax: 10) == [7])
        let local = try #require(try captured.localAddress())
        #expect(PodSockets.originalDestination(of: captured.raw, local: local) == wanted)
        #expect(try captured.peerAddress()?.ip == PodFixture.clientAddress(family))
    }

    @Test("HBONE on 15008 is not redirected", arguments: families)
    func tunnelPortIsNotRedirected(family: IPAddress.Family) throws {
        let fixture = try PodFixture()
        let table = try CaptureTable(in: fixture.pod.namespace)
        let plaintext = try fixture.proxyListener(TunnelPorts.inboundPlaintext)
        let tunnel = try fixture.proxyListener(TunnelPorts.inboundHBONE)
        try table.install(CaptureRules())
        let address = TransportAddress(PodFixture.podAddress(family), port: TunnelPorts.inboundHBONE)
        let caller = try fixture.connect(from: fixture.client, to: address)
        let accepted = try tunnel.accept()
        try caller.write([1])
        #expect(try accepted.read(bytesMax: 1) == [1])
        #expect(try !plaintext.hasConnection())
    }

    @Test("a probe reaches the application itself", arguments: families)
    func probeIsExempt(family: IPAddress.Family) throws {
        let fixture = try PodFixture()
        let probe = try #require(CaptureRules.defaultProbeSources.first { $0.family == family })
        let address = family == .v4 ? ["\(probe)/32"] : ["\(probe)/128", "nodad"]
        try Shell.run(["ip", "-n", fixture.client.name, "address", "add", "dev", "wire"] + address)
        let table = try CaptureTable(in: fixture.pod.namespace)
        let plaintext = try fixture.proxyListener(TunnelPorts.inboundPlaintext)
        let application = try fixture.server(in: fixture.pod, family)
        try table.install(CaptureRules())
        let caller = try fixture.connect(
            from: fixture.client, to: TransportAddress(PodFixture.podAddress(family), port: application.port),
            source: probe)
        let accepted = try application.accept()
        try accepted.write([9])
        #expect(try caller.read(bytesMax: 1) == [9])
        #expect(try !plaintext.hasConnection())
    }

    @Test("with inbound capture off, callers reach the application", arguments: families)
    func ingressMode(family: IPAddress.Family) throws {
        let fixture = try PodFixture()
        let table = try CaptureTable(in: fixture.pod.namespace)
        let application = try fixture.server(in: fixture.pod, family)
        try table.install(CaptureRules(captureInbound: false))
        let caller = try fixture.connect(
            from: fixture.client, to: TransportAddress(PodFixture.podAddress(family), port: application.port))
        let accepted = try application.accept()
        try accepted.write([9])
        #expect(try caller.read(bytesMax: 1) == [9])
    }

    @Test("the proxy's own connections are not captured", arguments: families)
    func markedIsExempt(family: IPAddress.Family) throws {
        let fixture = try PodFixture()
        let table = try CaptureTable(in: fixture.pod.namespace)
        let proxy = try fixture.proxyListener(TunnelPorts.outbound)
        let server = try fixture.server(in: fixture.client, family)
        try table.install(CaptureRules())
        let address = TransportAddress(PodFixture.clientAddress(family), port: server.port)
        let connection = try fixture.connect(from: fixture.pod, to: address, marked: true)
        let accepted = try server.accept()
        try accepted.write([9])
        #expect(try connection.read(bytesMax: 1) == [9])
        #expect(try !proxy.hasConnection())
    }

    @Test("the pod calling loopback or its own address is not captured", arguments: families)
    func ownAddressIsExempt(family: IPAddress.Family) throws {
        let fixture = try PodFixture()
        let table = try CaptureTable(in: fixture.pod.namespace)
        let outbound = try fixture.proxyListener(TunnelPorts.outbound)
        let inbound = try fixture.proxyListener(TunnelPorts.inboundPlaintext)
        let application = try fixture.server(in: fixture.pod, family)
        try table.install(CaptureRules())
        let loopback = family == .v4 ? IPAddress(v4: 0x7f00_0001) : IPAddress(v6High: 0, low: 1)
        for address in [loopback, PodFixture.podAddress(family)] {
            let caller = try fixture.connect(
                from: fixture.pod, to: TransportAddress(address, port: application.port))
            let accepted = try application.accept()
            try accepted.write([9])
            #expect(try caller.read(bytesMax: 1) == [9])
        }
        #expect(try !outbound.hasConnection())
        #expect(try !inbound.hasConnection())
    }

    @Test("the proxy reaches the application with the caller's address and gets the replies", arguments: families)
    func foreignSourceWorks(family: IPAddress.Family) throws {
        let fixture = try PodFixture()
        // The strictest setting: it must not matter.
        try fixture.pod.run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=1")
        try fixture.pod.run("sysctl", "-qw", "net.ipv4.conf.lo.rp_filter=1")
        let table = try CaptureTable(in: fixture.pod.namespace)
        let inbound = try fixture.proxyListener(TunnelPorts.inboundPlaintext)
        let application = try fixture.server(in: fixture.pod, family)
        try table.install(CaptureRules())
        for source in [PodFixture.clientAddress(family), PodFixture.farAddress(family)] {
            let proxy = try fixture.connect(
                from: fixture.pod, to: TransportAddress(PodFixture.podAddress(family), port: application.port),
                source: source, marked: true)
            let accepted = try application.accept()
            #expect(try accepted.peerAddress()?.ip == source)
            try accepted.write([1, 2])
            #expect(try proxy.read(bytesMax: 10) == [1, 2])
            try proxy.write([3])
            #expect(try accepted.read(bytesMax: 10) == [3])
        }
        #expect(try !inbound.hasConnection())
    }

    @Test("without the rules a foreign source gets no reply")
    func foreignSourceNeedsTheRules() throws {
        let fixture = try PodFixture()
        let application = try fixture.server(in: fixture.pod, .v4)
        #expect(throws: KernelError.self) {
            _ = try PodSockets.connect(
                to: TransportAddress(PodFixture.podV4, port: application.port), in: fixture.pod.namespace,
                source: PodFixture.farV4, marked: true, timeoutMilliseconds: 300)
        }
    }
}

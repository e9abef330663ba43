import MeshKernel
import MeshModel
import MeshTesting
import Testing

/// Install again and again, and leave no trace.
@Suite struct CleanupTests {
    private func snapshot(_ pod: TestNamespace) throws -> [String] {
        try [
            pod.run("nft", "list", "ruleset"),
            pod.run("ip", "-4", "rule"), pod.run("ip", "-6", "rule"),
            // Entries that expire and hints about use are no configuration.
            pod.run("ip", "-4", "route", "show", "table", "all"), pod.run("ip", "-6", "route", "show", "table", "all"),
        ]
    }

    @Test("remove leaves everything as it was")
    func removeLeavesNothing() throws {
        let fixture = try PodFixture()
        let before = try snapshot(fixture.pod)
        let table = try CaptureTable(in: fixture.pod.namespace)
        try table.install(CaptureRules())
        #expect(try snapshot(fixture.pod) != before)
        try table.retreat()
        try table.remove()
        #expect(try snapshot(fixture.pod) == before)
        try table.remove()
        #expect(try snapshot(fixture.pod) == before)
        #expect(try table.verify(CaptureRules()) == .absent)
    }

    @Test("installing again changes nothing and doubles nothing")
    func installIsIdempotent() throws {
        let fixture = try PodFixture()
        let table = try CaptureTable(in: fixture.pod.namespace)
        try table.install(CaptureRules())
        let before = try snapshot(fixture.pod)
        try table.install(CaptureRules())
        #expect(try snapshot(fixture.pod) == before)
    }

    @Test("remove takes doubled routing rules too, and spares others")
    func removeTakesCopies() throws {
        let pod = try TestNamespace()
        let table = try CaptureTable(in: pod.namespace)
        try pod.run("ip", "rule", "add", "priority", "100", "fwmark", "0x7", "table", "100")
        let before = try snapshot(pod)
        try pod.run("ip", "rule", "add", "priority", "32764", "fwmark", "0x111/0xfff", "table", "100")
        try table.install(CaptureRules())
        #expect(try table.verify(CaptureRules()) == .equal)
        try table.remove()
        #expect(try snapshot(pod) == before)
    }

    @Test("a namespace without IPv6 gets IPv4 routing only")
    func withoutIPv6() throws {
        let pod = try TestNamespace()
        #expect(try pod.namespace.hasIPv6())
        try pod.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
        #expect(try !pod.namespace.hasIPv6())
        let table = try CaptureTable(in: pod.namespace)
        try table.install(CaptureRules())
        #expect(try table.verify(CaptureRules()) == .equal)
        #expect(try !pod.run("ip", "-6", "rule").contains("32764"))
        let listener = try PodSockets.listen(port: 0, in: pod.namespace)
        #expect(try listener.localAddress()?.ip == IPAddress(v4: 0))
    }
}

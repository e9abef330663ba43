import Foundation
import MeshModel
import MeshTesting
import Testing

/// Envoy 1.40 at the other end of the tunnel. Real processes, real capture, bytes counted and hashed at both ends.
@Suite("HBONE with Envoy", .serialized)
struct EnvoyTests {
    /// What one end of a connection saw.
    struct Seen: Decodable {
        var peer: String?
        var receivedBytes: Int
        var received: String
        var sent: String
    }

    private static let mebibytes = 64

    /// 64 MiB each way; who speaks first has closed its sending side before the other one starts.
    private func expectExchange(
        _ rig: MeshRig, application: Background, host: String, port: Int, order: String, serverSees peer: String
    ) throws {
        let known = reports(application).count
        let output = try rig[.client].run(
            "python3", MeshRig.exchangeScript, "call", host, "\(port)", "\(Self.mebibytes)", order)
        let client = try JSONDecoder().decode(Seen.self, from: Data(output.utf8))
        try application.wait(for: "the application's report") { reports(application).count == known + 1 }
        let server = try #require(reports(application).last)
        #expect(client.receivedBytes == Self.mebibytes << 20)
        #expect(server.receivedBytes == Self.mebibytes << 20)
        #expect(client.received == server.sent)
        #expect(server.received == client.sent)
        #expect(server.peer == peer)
    }

    private func reports(_ application: Background) -> [Seen] {
        application.log.split(separator: "\n").compactMap {
            try? JSONDecoder().decode(Seen.self, from: Data($0.utf8))
        }
    }

    private func expectRefusal(_ rig: MeshRig, application: Background, host: String, port: Int) throws {
        let (status, output) = try rig[.client].runAnyStatus(
            "python3", MeshRig.exchangeScript, "call", host, "\(port)", "1", "client-first")
        // A connection that is closed without an error has at least brought nothing.
        let seen = try? JSONDecoder().decode(Seen.self, from: Data(output.utf8))
        #expect(status != 0 || seen?.receivedBytes == 0, "\(output)")
        #expect(reports(application).isEmpty, "the application was reached")
    }

    @Test("our client reaches an application through an Envoy server", arguments: [IPAddress.Family.v4, .v6])
    func toEnvoyServer(_ family: IPAddress.Family) throws {
        let rig = try MeshRig(foreign: .server)
        let application = try rig.startApplication()
        let envoy = try EnvoyPeer.server(rig)
        let host = MeshRig.Pod.server.address(family)
        // Only Envoy connects from the server's own address: the bytes went through it. The other order is beyond it:
        // Envoy 1.40 resets a CONNECT stream (CONNECT_ERROR) when the application closes its sending side first.
        try expectExchange(
            rig, application: application, host: host, port: MeshRig.applicationPort, order: "client-first",
            serverSees: host)
        withExtendedLifetime(envoy) {}
    }

    @Test("an Envoy client reaches an application through our server", arguments: [IPAddress.Family.v4, .v6])
    func fromEnvoyClient(_ family: IPAddress.Family) throws {
        let rig = try MeshRig(foreign: .client)
        let application = try rig.startApplication()
        let envoy = try EnvoyPeer.client(rig, family)
        // Our server keeps the address of the pod that opened the tunnel.
        let caller = MeshRig.Pod.client.address(family)
        for (port, order) in [(9000, "client-first"), (9001, "server-first")] {
            try expectExchange(
                rig, application: application, host: "127.0.0.1", port: port + EnvoyPeer.tunnelPortOffset,
                order: order, serverSees: caller)
        }
        withExtendedLifetime(envoy) {}
    }

    @Test("an Envoy client that expects another identity is refused")
    func wrongExpectation() throws {
        let rig = try MeshRig(foreign: .client)
        let application = try rig.startApplication()
        let envoy = try EnvoyPeer.client(rig, .v4, expecting: "spiffe://cluster.local/ns/interop/sa/somebody-else")
        try expectRefusal(
            rig, application: application, host: "127.0.0.1",
            port: MeshRig.applicationPort + EnvoyPeer.tunnelPortOffset)
        withExtendedLifetime(envoy) {}
    }

    @Test("an Envoy server with a foreign identity is refused by our client, and the log says why")
    func foreignIdentity() throws {
        let rig = try MeshRig(foreign: .server)
        let application = try rig.startApplication()
        let envoy = try EnvoyPeer.server(rig, identity: "spiffe://cluster.local/ns/interop/sa/somebody-else")
        try expectRefusal(
            rig, application: application, host: MeshRig.Pod.server.address(.v4), port: MeshRig.applicationPort)
        try Wait.until("a log line with the reason") { rig.nodeLog.contains("somebody-else") }
        withExtendedLifetime(envoy) {}
    }
}

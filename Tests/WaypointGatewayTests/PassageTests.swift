import HBONE
import MeshDiscovery
import MeshModel
import NIOCore
import Testing

@testable import WaypointGateway

@Suite("A call whose bytes are carried as they are")
struct PassageTests {
    private func world(_ port: UInt16, _ declared: ApplicationProtocol = .tcp, hosts: [String] = ["127.0.0.1"]) throws
        -> World
    {
        let ports = [ServicePort(servicePort: 80, targetPort: port, applicationProtocol: declared)]
        let service = try Make.service("db", at: "10.1.0.1", ports: ports)
        return Make.world(
            [service],
            try hosts.enumerated().map { index, host in
                try Make.workload("db-\(index)", at: host) { $0.services[service.key] = ports }
            })
    }

    private func echo() async throws -> PlainServer {
        try await PlainServer { inbound, outbound in
            for try await bytes in inbound { try await outbound.write(bytes) }
            outbound.finish()
        }
    }

    @Test("reaches an endpoint, and both halves end by themselves", arguments: [ApplicationProtocol.tcp, .unknown])
    func carries(declared: ApplicationProtocol) async throws {
        let server = try await echo()
        let rig = try await GatewayRig(try world(server.port, declared))
        #expect(try await rig.exchange("10.1.0.1:80", "no HTTP at all", endsInput: true) == "no HTTP at all")
        try await eventually("one line says so") {
            rig.log.text.contains("connection complete") && rig.log.text.contains("src.identity=\"\(rig.caller)\"")
        }
        server.stop()
        try await rig.stop()
    }

    @Test("a server that speaks first is heard on a port that says nothing, after the time for detection")
    func serverFirst() async throws {
        let server = try await PlainServer { _, outbound in
            try await outbound.write(ByteBuffer(string: "220 hello"))
            outbound.finish()
        }
        var settings = Make.settings
        settings.detectionTimeout = .milliseconds(20)
        let rig = try await GatewayRig(settings: settings, try world(server.port, .unknown))
        let channel = try await rig.open("10.1.0.1:80")
        let heard = try await channel.executeThenClose { inbound, _ in
            var heard = ByteBuffer()
            for try await bytes in inbound { heard.writeImmutableBuffer(bytes) }
            return String(buffer: heard)
        }
        #expect(heard == "220 hello")
        server.stop()
        try await rig.stop()
    }

    @Test("an endpoint that cannot be reached is passed over for another")
    func retries() async throws {
        let server = try await echo()
        // Nobody listens on the other addresses.
        let rig = try await GatewayRig(try world(server.port, hosts: ["127.0.0.2", "127.0.0.3", "127.0.0.1"]))
        for _ in 0..<10 {
            #expect(try await rig.exchange("10.1.0.1:80", "x", endsInput: true) == "x")
        }
        server.stop()
        try await rig.stop()
    }

    @Test("with no endpoint the CONNECT is refused")
    func unreachable() async throws {
        let rig = try await GatewayRig(try world(9, hosts: []))
        await #expect(throws: HBONEError.status(503)) { try await rig.open("10.1.0.1:80") }
        await #expect(throws: HBONEError.status(404)) { try await rig.open("10.9.9.9:80") }
        try await eventually("the reason is logged") { rig.log.text.contains("no healthy upstream") }
        try await rig.stop()
    }

    @Test("a drain lets the running call end, and takes no new one")
    func drains() async throws {
        let server = try await echo()
        let rig = try await GatewayRig(try world(server.port))
        let tunnel = try await rig.connect()
        let channel = try await rig.open("10.1.0.1:80", on: tunnel)
        try await channel.executeThenClose { inbound, outbound in
            try await rig.onLoop { $0.drain() }
            try await eventually("the caller is told") {
                try await rig.eventLoop.submit { !tunnel.value.canOpenStream }.get()
            }
            try await outbound.write(ByteBuffer(string: "still"))
            outbound.finish()
            var answer = ByteBuffer()
            for try await bytes in inbound { answer.writeImmutableBuffer(bytes) }
            #expect(String(buffer: answer) == "still")
        }
        try await eventually("the tunnel ends") { try await rig.eventLoop.submit { tunnel.value.isClosed }.get() }
        server.stop()
        try await rig.stop()
    }
}

import HBONE
import MeshDiscovery
import MeshModel
import NIOCore
import Testing
import WaypointResilience
import WaypointRoute

@testable import WaypointGateway

@Suite("Connections to endpoints keep to the rules of traffic")
struct PoolTests {
    private func rig(
        _ port: UInt16, declared: ApplicationProtocol = .http11, _ change: (inout ConnectionLimits) -> Void
    ) async throws -> GatewayRig {
        var rules = TrafficRules(service: Make.target("api").service)
        change(&rules.policy.connections)
        var world = try Make.pair(api: [("127.0.0.1", port)], declared: declared)
        world.apply(.upsertTraffic(rules))
        return try await GatewayRig(world)
    }

    private func server() async throws -> WebServer {
        try await WebServer { $0.path == "/hold" ? "" : WebServer.text("ok") }
    }

    private static let hold = ByteBuffer(string: "GET /hold HTTP/1.1\r\nHost: api\r\n\r\n")

    @Test("a request waits for a connection, and is refused when too many wait: 503 UO")
    func waiting() async throws {
        let server = try await server()
        let rig = try await rig(server.port) { ($0.connectionsMax, $0.pendingMax) = (1, 1) }
        let tunnel = try await rig.connect()
        let held = try await rig.open("10.1.0.1:80", on: tunnel)
        try? await held.executeThenClose { _, outbound in
            try await outbound.write(Self.hold)
            try await eventually("one is under way") { server.requests.count == 1 }
            async let next = rig.get("/next")
            try await eventually("one waits") {
                try await rig.onLoop { loop in
                    guard case .cluster(let cluster) = loop.traffic.port(Make.target("api"), now: .sinceStart)
                    else { return false }
                    return cluster.count(.pending) == 1
                }
            }
            let refused = try await rig.get("/refused")
            #expect(refused.hasPrefix("HTTP/1.1 503 ") && refused.contains("x-envoy-overloaded: true"), "\(refused)")
            #expect(server.requests.count == 1)
            // The held one goes, and with it the only connection.
            try await rig.eventLoop.submit { tunnel.value.close(.cut(.drainDeadline)) }.get()
            let served = try await next
            #expect(served.hasPrefix("HTTP/1.1 200 "), "\(served)")
        }
        try await eventually("the log says so") { rig.log.text.contains("response_flags=UO") }
        server.stop()
        try await rig.stop()
    }

    @Test("a connection that rests for another caller makes room")
    func dismissed() async throws {
        let server = try await server()
        let rig = try await rig(server.port) { $0.connectionsMax = 1 }
        #expect(try await rig.get("/").hasPrefix("HTTP/1.1 200 "))
        let other = try await rig.connect(as: Identity(namespace: Make.namespace, serviceAccount: "other"))
        let connection = try await rig.openHTTP2(on: other)
        for _ in 0..<3 { #expect(try await rig.call(connection, "/").status == 200) }
        #expect(server.connectionCount == 2)
        #expect(try await rig.get("/").hasPrefix("HTTP/1.1 200 "))
        #expect(server.connectionCount == 3)
        server.stop()
        try await rig.stop()
    }

    @Test("a connection of HTTP/2 is counted, shared and waited for")
    func streams() async throws {
        let server = try await StreamServer()
        let rig = try await rig(server.port, declared: .http2) { $0.connectionsMax = 1 }
        let mine = try await rig.openHTTP2()
        async let one = rig.call(mine, "/a")
        async let two = rig.call(mine, "/b")
        let statuses = [try await one.status, try await two.status]
        #expect(statuses == [200, 200] && server.connectionCount == 1)
        let tunnel = try await rig.connect(as: Identity(namespace: Make.namespace, serviceAccount: "other"))
        let other = try await rig.openHTTP2(on: tunnel)
        #expect(try await rig.call(other, "/c").status == 200 && server.connectionCount == 2)
        server.stop()
        try await rig.stop()
    }

    @Test("a connection carries so many requests and no more", arguments: [1, 2] as [UInt32])
    func requestsPerConnection(_ most: UInt32) async throws {
        let server = try await server()
        let rig = try await rig(server.port) { $0.requestsPerConnectionMax = most }
        for _ in 0..<4 { #expect(try await rig.get("/").hasPrefix("HTTP/1.1 200 ")) }
        #expect(server.connectionCount == 4 / Int(most))
        server.stop()
        try await rig.stop()
        let streams = try await StreamServer()
        let shared = try await self.rig(streams.port, declared: .http2) { $0.requestsPerConnectionMax = most }
        let connection = try await shared.openHTTP2()
        for _ in 0..<4 { #expect(try await shared.call(connection, "/").status == 200) }
        #expect(streams.connectionCount == 4 / Int(most))
        streams.stop()
        try await shared.stop()
    }

    @Test("a connection rests and lasts no longer than it may")
    func times() async throws {
        let server = try await server()
        let changes: [@Sendable (inout ConnectionLimits) -> Void] = [
            { $0.idleTimeout = .milliseconds(100) }, { $0.connectionDurationMax = .milliseconds(100) },
        ]
        for change in changes {
            let rig = try await rig(server.port, change)
            let before = server.connectionCount
            #expect(try await rig.get("/").hasPrefix("HTTP/1.1 200 "))
            let end = ContinuousClock.now + .milliseconds(110)
            try await eventually("the time has gone by") { ContinuousClock.now > end }
            #expect(try await rig.get("/").hasPrefix("HTTP/1.1 200 "))
            #expect(server.connectionCount == before + 2)
            try await rig.stop()
        }
        let rig = try await rig(server.port) { $0.idleTimeout = .milliseconds(100) }
        #expect(try await rig.get("/").hasPrefix("HTTP/1.1 200 "))
        try await eventually("nobody asks, and it goes") { try await rig.onLoop { $0.idle.count } == 0 }
        server.stop()
        try await rig.stop()
    }

    @Test("bytes end when they rest too long, or last too long")
    func bytes() async throws {
        let server = try await PlainServer { inbound, outbound in
            for try await bytes in inbound { try await outbound.write(bytes) }
            outbound.finish()
        }
        let changes: [@Sendable (inout ConnectionLimits) -> Void] = [
            { $0.streamIdleTimeout = .milliseconds(500) }, { $0.connectionDurationMax = .milliseconds(500) },
        ]
        for change in changes {
            let rig = try await rig(server.port, declared: .tcp, change)
            try await eventually("bytes are carried, then cut") {
                // On a busy machine the time may be over before the first byte.
                (try? await rig.exchange("10.1.0.1:80", "echo")) == "echo<reset>"
            }
            try await eventually("the log says why") { rig.log.text.contains("while closing connection") }
            try await rig.stop()
        }
        let rig = try await rig(server.port, declared: .tcp) { $0.connectionsMax = 1 }
        let held = try await rig.open("10.1.0.1:80")
        try await held.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: "x"))
            for try await _ in inbound { break }
            await #expect(throws: (any Error).self) { _ = try await rig.open("10.1.0.1:80") }
        }
        try await eventually("the connection is given back") {
            (try? await rig.exchange("10.1.0.1:80", "x", endsInput: true)) == "x"
        }
        server.stop()
        try await rig.stop()
    }

    @Test("probes of idle connections are asked for")
    func keepAlive() async throws {
        let server = try await server()
        let probes = TCPKeepAlive(probes: 3, time: .seconds(60), interval: .seconds(7))
        let rig = try await rig(server.port) { $0.keepAlive = probes }
        #expect(try await rig.get("/").hasPrefix("HTTP/1.1 200 "))
        let channel = try await rig.onLoop { loop in
            let promise = loop.eventLoop.makePromise(of: (any Channel).self)
            let peer = TransportAddress(IPAddress(v4: 0x7f00_0001), port: server.port)
            PlainDial(loop: loop, peer: peer, isTunnel: false, keepAlive: probes).start { result in
                promise.completeWith(result.mapError { $0 as any Error })
            }
            return promise.futureResult
        }.get()
        let set = try await channel.getOption(.socketOption(.so_keepalive)).get()
        #expect(set == 1)
        for (name, value) in [(4, 60), (5, 7), (6, 3)] as [(CInt, Int)] {
            let found = try await channel.getOption(.tcpOption(NIOBSDSocket.Option(rawValue: name))).get()
            #expect(Int(found) == value)
        }
        try await channel.close().get()
        server.stop()
        try await rig.stop()
    }
}

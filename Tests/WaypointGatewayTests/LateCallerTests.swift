import Foundation
import HBONE
import MeshDiscovery
import MeshModel
import NIOCore
import Synchronization
import Testing

@testable import WaypointGateway

/// Callers that say nothing until the time for detection is over.
@Suite("A caller that is slow to speak")
struct LateCallerTests {
    /// A port that does not say what it speaks, before whose service every request is refused.
    private func rig(
        _ port: UInt16, isGuarded: Bool = true, bound: TimeAmount = .milliseconds(20)
    ) async throws -> GatewayRig {
        var world = try Make.pair(api: [("127.0.0.1", port)], declared: .unknown)
        if isGuarded {
            var rules = TrafficRules(service: Make.target("api").service)
            rules.limits.fault = FaultInjection(
                abort: .init(answer: .http(status: 418), share: try #require(RequestShare(percent: 100))))
            world.apply(.upsertTraffic(rules))
        }
        var settings = Make.settings
        settings.detectionTimeout = bound
        return try await GatewayRig(settings: settings, world)
    }

    private static let request = "GET / HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n"

    /// What comes back until the end; `<reset>` for an end that is none.
    private func rest(_ inbound: NIOAsyncChannelInboundStream<ByteBuffer>) async throws -> String {
        var text = ""
        do {
            for try await bytes in inbound { text += String(buffer: bytes) }
        } catch is HBONEError {
            text += "<reset>"
        }
        return text
    }

    @Test("a request that comes late is judged as any other, and the endpoint hears nothing of it")
    func handedOver() async throws {
        let server = try await PlainServer.listening()
        let rig = try await rig(server.server.port)
        let channel = try await rig.open("10.1.0.1:80")
        let answer = try await channel.executeThenClose { inbound, outbound in
            try await eventually("bytes would be carried") { server.heard.connections == 1 }
            try await outbound.write(ByteBuffer(string: Self.request))
            return try await rest(inbound)
        }
        #expect(answer.hasPrefix("HTTP/1.1 418 "), "\(answer)")
        try await eventually("the endpoint is left") { server.heard.ends == 1 }
        #expect(server.heard.text.isEmpty)
        server.server.stop()
        try await rig.stop()
    }

    @Test("without rules it is a request as well, and HTTP/2 is HTTP/2")
    func withoutRules() async throws {
        let server = try await WebServer { _ in WebServer.text("ok") }
        let rig = try await rig(server.port, isGuarded: false)
        let channel = try await rig.open("10.1.0.1:80")
        let answer = try await channel.executeThenClose { inbound, outbound in
            try await eventually("bytes would be carried") { server.connectionCount == 1 }
            try await outbound.write(ByteBuffer(string: Self.request))
            return try await rest(inbound)
        }
        #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(answer)")
        try await eventually("it was a request") { rig.log.text.contains("response_code=200") }
        let before = server.connectionCount
        let second = try await rig.open("10.1.0.1:80")
        let settings = try await second.executeThenClose { inbound, outbound in
            try await eventually("bytes would be carried") { server.connectionCount > before }
            try await outbound.write(
                ByteBuffer(bytes: Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]))
            for try await bytes in inbound { return Array(bytes.readableBytesView) }
            return []
        }
        #expect(settings.count > 3 && settings[3] == 4, "the first frame is SETTINGS: \(settings)")
        server.stop()
        try await rig.stop()
    }

    @Test("behind bytes of the server requests do not pass where something is said of them", arguments: [true, false])
    func behindServer(isGuarded: Bool) async throws {
        let server = try await PlainServer.listening(greeting: "220 hello\r\n")
        let rig = try await rig(server.server.port, isGuarded: isGuarded)
        let channel = try await rig.open("10.1.0.1:80")
        let text = try await channel.executeThenClose { inbound, outbound in
            var iterator = inbound.makeAsyncIterator()
            let greeting = try await iterator.next().map { String(buffer: $0) }
            #expect(greeting == "220 hello\r\n")
            try await outbound.write(ByteBuffer(string: Self.request))
            outbound.finish()
            do {
                return try await iterator.next().map { String(buffer: $0) } ?? ""
            } catch is HBONEError {
                return "<reset>"
            }
        }
        if isGuarded {
            #expect(text == "<reset>" && server.heard.text.isEmpty)
            try await eventually("the log says why") { rig.log.text.contains("behind other bytes") }
        } else {
            #expect(text == "bye")
            #expect(server.heard.text == Self.request)
        }
        server.server.stop()
        try await rig.stop()
    }

    @Test("a request in two pieces with a pause between them does not pass either")
    func dripped() async throws {
        let server = try await PlainServer.listening()
        let rig = try await rig(server.server.port)
        let channel = try await rig.open("10.1.0.1:80")
        let text = try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: "GE"))
            try await eventually("what may be all of it is passed on") { server.heard.text == "GE" }
            try await outbound.write(ByteBuffer(string: "T / HTTP/1.1\r\nHost: api\r\n\r\n"))
            return try await rest(inbound)
        }
        #expect(text == "<reset>")
        #expect(server.heard.text == "GE")
        server.server.stop()
        try await rig.stop()
    }

    @Test("what is no HTTP passes whenever it comes")
    func otherBytes() async throws {
        let server = try await PlainServer.listening()
        let rig = try await rig(server.server.port)
        let channel = try await rig.open("10.1.0.1:80")
        let text = try await channel.executeThenClose { inbound, outbound in
            try await eventually("bytes are carried") { server.heard.connections == 1 }
            try await outbound.write(ByteBuffer(string: "GEHEIM"))
            outbound.finish()
            return try await rest(inbound)
        }
        #expect(text == "bye" && server.heard.text == "GEHEIM")
        server.server.stop()
        try await rig.stop()
    }
}

/// What an endpoint has heard.
private final class Heard: Sendable {
    private let state = Mutex<(connections: Int, ends: Int, text: String)>((0, 0, ""))

    var connections: Int { state.withLock { $0.connections } }
    /// Connections whose caller has ended.
    var ends: Int { state.withLock { $0.ends } }
    var text: String { state.withLock { $0.text } }

    func connected() { state.withLock { $0.connections += 1 } }
    func ended() { state.withLock { $0.ends += 1 } }
    func heard(_ bytes: ByteBuffer) { state.withLock { $0.text += String(buffer: bytes) } }
}

extension PlainServer {
    /// Listens to the end of each connection, then says bye.
    fileprivate static func listening(greeting: String = "") async throws -> (server: PlainServer, heard: Heard) {
        let heard = Heard()
        let server = try await PlainServer { inbound, outbound in
            heard.connected()
            defer { heard.ended() }
            if !greeting.isEmpty { try await outbound.write(ByteBuffer(string: greeting)) }
            for try await bytes in inbound { heard.heard(bytes) }
            try await outbound.write(ByteBuffer(string: "bye"))
            outbound.finish()
        }
        return (server, heard)
    }
}

import Foundation
import MeshDiscovery
import MeshModel
import NIOCore
import Testing

@testable import WaypointGateway

@Suite("Connections to endpoints between requests")
struct KeptConnectionTests {
    private func rig(_ server: WebServer, _ settings: GatewaySettings = Make.settings) async throws -> GatewayRig {
        try await GatewayRig(settings: settings, Make.pair(api: [("127.0.0.1", server.port)]))
    }

    @Test("a connection carries one request after the other; one that is to end is not used again")
    func reuses() async throws {
        let server = try await WebServer {
            WebServer.text("ok", fields: $0.path == "/last" ? "Connection: close\r\n" : "")
        }
        let rig = try await rig(server)
        for _ in 0..<3 { #expect(try await rig.get("/").hasSuffix("ok")) }
        #expect(server.connectionCount == 1 && server.requests.map(\.number) == [1, 2, 3])
        #expect(server.requests.allSatisfy { $0.field("connection") == nil })
        #expect(try await rig.get("/last").hasSuffix("ok"))
        #expect(try await rig.get("/").hasSuffix("ok"))
        #expect(server.connectionCount == 2)
        server.stop()
        try await rig.stop()
    }

    @Test("as many as were needed at once are kept: the same crowd again opens none")
    func crowd() async throws {
        let (crowd, gate) = (48, Gate())
        let server = try await PlainServer { inbound, outbound in
            await gate.connected()
            for try await bytes in inbound where String(buffer: bytes).hasSuffix("\r\n\r\n") {
                await gate.arrive(atOnce: crowd)
                try await outbound.write(ByteBuffer(string: WebServer.text("ok")))
            }
            outbound.finish()
        }
        let rig = try await GatewayRig(Make.pair(api: [("127.0.0.1", server.port)]))
        for _ in 0..<2 {
            let answers = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<crowd { group.addTask { try await rig.get("/") } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.allSatisfy { $0.hasSuffix("ok") })
        }
        #expect(await gate.connections == crowd)
        server.stop()
        try await rig.stop()
    }

    @Test("a connection is not shared by two identities")
    func identities() async throws {
        let server = try await WebServer { _ in WebServer.text("ok") }
        let rig = try await rig(server)
        let other = Identity(namespace: Make.namespace, serviceAccount: "other")
        for identity in [rig.caller, other, rig.caller, other] {
            let channel = try await rig.open("10.1.0.1:80", on: rig.connect(as: identity))
            try await channel.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(string: "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
                for try await _ in inbound {}
            }
        }
        #expect(server.connectionCount == 2 && server.requests.map(\.number) == [1, 1, 2, 2])
        for request in server.requests {
            let isOther = request.connection == 2
            let caller = isOther ? other : rig.caller
            #expect(request.field("x-forwarded-client-cert")?.hasSuffix("URI=\(caller)") == true)
        }
        server.stop()
        try await rig.stop()
    }

    @Test(
        "one that turns out to be dead is replaced, if doing it twice is doing it once",
        arguments: [("GET", "", true), ("PUT", "body", true), ("POST", "body", false)])
    func repeats(method: String, body: String, isRepeated: Bool) async throws {
        let server = try await WebServer {
            $0.connection == 1 && $0.number == 2 ? nil : WebServer.text("ok")
        }
        let rig = try await rig(server)
        #expect(try await rig.get("/").hasSuffix("ok"))
        let answer = try await rig.get("/", method: method, body: body)
        #expect(answer.hasPrefix(isRepeated ? "HTTP/1.1 200 " : "HTTP/1.1 503 "), "\(answer)")
        #expect(server.requests.count == (isRepeated ? 3 : 2))
        #expect(server.requests.last?.text.hasSuffix(body) == true)
        server.stop()
        try await rig.stop()
    }

    @Test("none is used again after an exchange that was not finished")
    func unfinished() async throws {
        let server = try await PlainServer { inbound, outbound in
            for try await bytes in inbound where String(buffer: bytes).contains("\r\n\r\n") {
                try await outbound.write(ByteBuffer(string: WebServer.text("early")))
            }
        }
        let rig = try await GatewayRig(Make.pair(api: [("127.0.0.1", server.port)]))
        let channel = try await rig.open("10.1.0.1:80")
        try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf"))
            var text = ""
            for try await bytes in inbound { text += String(buffer: bytes) }
            #expect(text.hasSuffix("early"))
        }
        #expect(try await rig.onLoop { $0.idle.count } == 0)
        server.stop()
        try await rig.stop()
    }

    @Test("none is used again after an answer with bytes behind it that answer nothing")
    func leftOver() async throws {
        let server = try await PlainServer { inbound, outbound in
            for try await bytes in inbound where String(buffer: bytes).contains("\r\n\r\n") {
                try await outbound.write(ByteBuffer(string: WebServer.text("own") + WebServer.text("planted")))
            }
        }
        let rig = try await GatewayRig(Make.pair(api: [("127.0.0.1", server.port)]))
        for _ in 0..<2 { #expect(try await rig.get("/").hasSuffix("own")) }
        #expect(try await rig.onLoop { $0.idle.count } == 0)
        server.stop()
        try await rig.stop()
    }

    @Test("what rests too long, and what is too much, ends")
    func bounds() async throws {
        let server = try await WebServer { _ in WebServer.text("ok") }
        var settings = Make.settings
        settings.idleLimits.idleTime = .milliseconds(200)
        let rig = try await rig(server, settings)
        #expect(try await rig.get("/").hasSuffix("ok"))
        try await eventually("it ends") { try await rig.onLoop { $0.idle.count } == 0 }
        try await rig.stop()
        settings = Make.settings
        settings.idleLimits.perEndpointMax = 0
        let none = try await self.rig(server, settings)
        for _ in 0..<2 { #expect(try await none.get("/").hasSuffix("ok")) }
        #expect(try await none.onLoop { $0.idle.count } == 0)
        #expect(server.connectionCount == 3)
        server.stop()
        try await none.stop()
    }
}

/// Lets nobody through before a whole crowd is there.
private actor Gate {
    private(set) var connections = 0
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func connected() { connections += 1 }

    func arrive(atOnce crowd: Int) async {
        guard waiting.count + 1 < crowd else {
            for one in waiting { one.resume() }
            return waiting.removeAll()
        }
        await withCheckedContinuation { waiting.append($0) }
    }
}

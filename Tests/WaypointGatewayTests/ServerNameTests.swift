import HBONE
import MeshDiscovery
import MeshModel
import NIOCore
import Testing
import WaypointRoute

@testable import WaypointGateway

@Suite("Routes of connections, by server name and by weight")
struct ServerNameTests {
    /// A first message of TLS as clients send it, in one record.
    private static func hello(_ name: String?, extensions: [UInt8] = [0, 23, 0, 0]) -> [UInt8] {
        var all = extensions
        if let name {
            let bytes = Array(name.utf8)
            let entry: [UInt8] = [0] + number(bytes.count) + bytes
            let list = number(entry.count) + entry
            all += [0, 0] + number(list.count) + list
        }
        let body = [3, 3] + [UInt8](repeating: 7, count: 32) + [0, 0, 2, 0x13, 1, 1, 0] + number(all.count) + all
        let message: [UInt8] = [1, 0] + number(body.count) + body
        return [22, 3, 1] + number(message.count) + message
    }

    private static func number(_ value: Int) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 255)] }

    @Test("the name is read from any split of the message, over several records, and not from anything else")
    func reads() {
        let hello = Self.hello("DB.example")
        #expect(ClientHello.read(hello) == .found(serverName: "db.example"))
        for end in 0..<hello.count { #expect(ClientHello.read(hello[..<end]) == .incomplete, "\(end)") }
        let message = Array(hello[5...])
        for cut in [1, 4, 20, 60] {
            let halves = [message[..<cut], message[cut...]]
            let records = halves.flatMap { [22, 3, 1] + Self.number($0.count) + $0 }
            #expect(ClientHello.read(records) == .found(serverName: "db.example"), "\(cut)")
        }
        #expect(ClientHello.read(Self.hello(nil)) == .found(serverName: nil))
        #expect(ClientHello.read(Array("GET / HTTP/1.1".utf8)) == .none)
        #expect(ClientHello.read([22, 3, 1, 0xff, 0xff]) == .none)
        #expect(ClientHello.read([22, 3, 1, 0, 4, 2, 0, 0, 0]) == .none)
        #expect(ClientHello.read(Self.hello("a b")) == .none)
        #expect(ClientHello.read(Self.hello("")) == .none)
        #expect(ClientHello.read(Self.hello(nil, extensions: [0, 0, 0, 9])) == .none)
    }

    private static func origin(_ kind: RouteOrigin.Kind) -> RouteOrigin {
        RouteOrigin(kind: kind, namespace: Make.namespace, name: "route")
    }

    /// An endpoint that says its name, whatever it is sent.
    private func server(_ name: String) async throws -> PlainServer {
        try await PlainServer { inbound, outbound in
            for try await _ in inbound { break }
            try await outbound.write(ByteBuffer(string: name))
            outbound.finish()
        }
    }

    @Test("a connection goes where the rule says; a name that no rule knows is closed")
    func routes() async throws {
        let (api, other) = (try await server("api"), try await server("other"))
        var world = try Make.pair(
            api: [("127.0.0.1", api.port)], other: [("127.0.0.1", other.port)], declared: .tls)
        let tls = [
            try TLSRouteRule(
                origin: Self.origin(.tls), hostnames: [try RouteHostname("other.example")],
                backends: [try Make.forward("other")]),
            try TLSRouteRule(
                origin: Self.origin(.tls), hostnames: [try RouteHostname("bad.example")],
                backends: [RouteBackend(.invalid(.backendNotFound))]),
        ]
        func apply(_ table: RouteTable) { world.apply(contentsOf: [.upsertRoutes(AttachedRoutes(table))]) }
        func ask(_ rig: GatewayRig, _ name: String) async throws -> String {
            let hello = String(decoding: Self.hello(name), as: UTF8.self)
            return try await rig.exchange("10.1.0.1:80", hello)
        }
        apply(RouteTable(target: Make.target("api"), tls: tls))
        let rig = try await GatewayRig(world)
        #expect(try await ask(rig, "other.example") == "other")
        for name in ["unknown.example", "bad.example"] { #expect(try await ask(rig, name) == "<reset>") }
        let tcp = TCPRouteRule(origin: Self.origin(.tcp), backends: [try Make.forward("api")])
        apply(RouteTable(target: Make.target("api"), tcp: [tcp], tls: tls))
        try await rig.learn(world)
        #expect(try await ask(rig, "other.example") == "other")
        #expect(try await ask(rig, "unknown.example") == "api")
        api.stop()
        other.stop()
        try await rig.stop()
    }
}

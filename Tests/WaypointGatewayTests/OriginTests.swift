import Foundation
import HBONE
import MeshDiscovery
import MeshModel
import MeshTesting
import NIOCore
import NIOSSL
import Testing

@testable import WaypointGateway

@Suite("TLS to endpoints outside of the mesh")
struct OriginTests {
    private static let host = "DNS:api.shop.svc.cluster.local"
    private let authority: TestAuthority

    init() throws { authority = try TestAuthority() }

    /// A server's side of TLS.
    private func server(
        _ names: String = host, days: Int = 2, by authority: TestAuthority? = nil, protocols: [String] = ["http/1.1"],
        _ change: (inout TLSConfiguration) throws -> Void = { _ in }
    ) throws -> NIOSSLContext {
        let files = try (authority ?? self.authority).files("server", names: names, days: days)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(files.certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: files.key, format: .pem)))
        configuration.applicationProtocols = protocols
        try change(&configuration)
        return try NIOSSLContext(configuration: configuration)
    }

    private func rig(
        _ port: UInt16, _ declared: ApplicationProtocol = .http11, _ change: (inout OriginTLS) -> Void = { _ in }
    ) async throws -> GatewayRig {
        var tls = OriginTLS()
        tls.roots = .text(authority.rootPEM)
        change(&tls)
        var rules = TrafficRules(service: Make.target("api").service)
        rules.policy.tls = tls
        var world = try Make.pair(api: [("127.0.0.1", port)], declared: declared)
        world.apply(.upsertTraffic(rules))
        var settings = Make.settings
        // A busy machine is no slow caller.
        settings.detectionTimeout = .seconds(60)
        return try await GatewayRig(settings: settings, world)
    }

    @Test("requests go to a server that has the called name, over one connection")
    func simple() async throws {
        let server = try await WebServer(tls: try server()) { WebServer.text($0.path) }
        let rig = try await rig(server.port)
        for path in ["/a", "/b"] { #expect(try await rig.get(path).hasSuffix("\r\n\r\n\(path)")) }
        #expect(server.connectionCount == 1 && server.requests.count == 2)
        server.stop()
        try await rig.stop()
    }

    struct Refusal: Sendable {
        let reason: String
        var names = host
        var days = 2
        var isForeign = false
        var change: @Sendable (inout OriginTLS) -> Void = { _ in }
    }

    @Test("a server that is not the right one gets no request, and the log says why", arguments: [
        Refusal(
            reason: "it is not for api.shop.svc.cluster.local, but for other.example.com",
            names: "DNS:other.example.com"),
        Refusal(reason: "invalid peer certificate: expired", days: -1),
        Refusal(reason: "unknown issuer", isForeign: true),
        Refusal(reason: "it is not for a.example.com", change: { $0.names = ["a.example.com"] }),
        Refusal(reason: "it is not for a.example.com", change: { $0.serverName = "a.example.com" }),
        Refusal(reason: "cannot use /nowhere.pem", change: { $0.roots = .file("/nowhere.pem") }),
        Refusal(reason: "it is not for 192.0.2.1", change: { $0.names = ["192.0.2.1"] }),
    ])
    func refused(_ refusal: Refusal) async throws {
        let foreign = refusal.isForeign ? try TestAuthority(name: "foreign") : nil
        let tls = try server(refusal.names, days: refusal.days, by: foreign)
        let server = try await WebServer(tls: tls) { _ in WebServer.text("no") }
        let rig = try await rig(server.port, .http11, refusal.change)
        let answer = try await rig.get()
        #expect(answer.hasPrefix("HTTP/1.1 503 "), "\(answer)")
        try await eventually("the reason is logged") {
            rig.log.text.contains("response_flags=UF") && rig.log.text.contains(refusal.reason)
        }
        #expect(server.requests.isEmpty)
        server.stop()
        try await rig.stop()
    }

    @Test("any of the names will do: of hosts, with a star, addresses, URIs", arguments: [
        "DNS:api.example.com", "DNS:*.example.com", "IP:192.0.2.1", "URI:spiffe://partner/api",
    ])
    func names(_ name: String) async throws {
        let server = try await WebServer(tls: try server(name)) { _ in WebServer.text("ok") }
        let rig = try await rig(server.port) { tls in
            tls.names = ["x.example.org", "api.example.com", "192.0.2.1", "spiffe://partner/api"]
        }
        #expect(try await rig.get().hasSuffix("ok"))
        server.stop()
        try await rig.stop()
    }

    @Test("where nothing is to be verified, any server will do")
    func unverified() async throws {
        let foreign = try TestAuthority(name: "foreign")
        let tls = try server("DNS:other.example.com", days: -1, by: foreign)
        let server = try await WebServer(tls: tls) { _ in WebServer.text("ok") }
        let rig = try await rig(server.port) { $0.isUnverified = true }
        #expect(try await rig.get().hasSuffix("ok"))
        server.stop()
        try await rig.stop()
    }

    @Test("a server that asks for a certificate gets ours, the file as it is now")
    func mutual() async throws {
        let roots = NIOSSLTrustRoots.certificates(try NIOSSLCertificate.fromPEMBytes(Array(authority.rootPEM.utf8)))
        let tls = try server { configuration in
            configuration.trustRoots = roots
            configuration.certificateVerification = .noHostnameVerification
        }
        let server = try await WebServer(tls: tls) { _ in WebServer.text("ok") }
        let without = try await rig(server.port)
        #expect(try await without.get().hasPrefix("HTTP/1.1 503 "))
        try await without.stop()
        // Nobody's certificate at first.
        let foreign = try TestAuthority(name: "foreign")
        let other = try foreign.files("client", names: "DNS:we")
        let files = try authority.files("client", names: "DNS:we")
        let place = authority.folder.appending(path: "shown")
        func show(_ certificate: String, _ key: String) throws {
            for (from, to) in [(certificate, "crt"), (key, "key")] {
                let text = try String(contentsOfFile: from, encoding: .utf8)
                try text.write(toFile: "\(place.path).\(to)", atomically: true, encoding: .utf8)
            }
        }
        try show(other.certificate, other.key)
        let rig = try await rig(server.port) { tls in
            tls.client = .init(certificate: "\(place.path).crt", privateKey: "\(place.path).key")
        }
        #expect(try await rig.get().hasPrefix("HTTP/1.1 503 "))
        try show(files.certificate, files.key)
        #expect(try await rig.get().hasSuffix("ok"))
        // Its folder goes with it.
        #expect(foreign.rootPEM != authority.rootPEM)
        server.stop()
        try await rig.stop()
    }

    @Test("HTTP/2 where the server chooses it, HTTP/1.1 where it does not", arguments: [
        ApplicationProtocol.unknown, .http2,
    ])
    func http2(_ declared: ApplicationProtocol) async throws {
        let streams = try await StreamServer(tls: try server(protocols: ["h2"]))
        let rig = try await rig(streams.port, declared)
        let caller = try await rig.openHTTP2()
        for body in ["a", "b"] {
            #expect(try await rig.call(caller, "/echo", method: "POST", body: body).body == body)
        }
        #expect(streams.connectionCount == 1)
        streams.stop()
        try await rig.stop()
        let server = try await WebServer(tls: try server()) { WebServer.text($0.path) }
        let old = try await self.rig(server.port, declared)
        let second = try await old.openHTTP2()
        for path in ["/a", "/b"] { #expect(try await old.call(second, path).body == path) }
        #expect(server.connectionCount == 1)
        server.stop()
        try await old.stop()
    }

    @Test("bytes go both ways, and the server's end is an end")
    func bytes() async throws {
        let long = String(repeating: "0123456789abcdef", count: 20_000)
        let tls = try server()
        let server = try await PlainServer(tls: tls) { inbound, outbound in
            for try await bytes in inbound {
                try await outbound.write(ByteBuffer(string: "\(String(buffer: bytes)) \(long)"))
                break
            }
            outbound.finish()
        }
        let rig = try await rig(server.port, .tcp)
        #expect(try await rig.exchange("10.1.0.1:80", "hello") == "hello \(long)")
        try await rig.stop()
        let distrusting = try await self.rig(server.port, .tcp) { $0.names = ["a.example.com"] }
        await #expect(throws: HBONEError.status(503)) { try await distrusting.open("10.1.0.1:80") }
        try await eventually("the reason is logged") { distrusting.log.text.contains("it is not for a.example.com") }
        server.stop()
        try await distrusting.stop()
    }
}

import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import MeshDiscovery
import MeshModel
import Testing

/// A folder for one test, gone with it.
final class TestFolder: Sendable {
    struct CommandFailed: Error { let text: String }

    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "apus-discovery-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func path(_ name: String) -> String { folder.appending(path: name).path() }

    func write(_ text: String, to name: String) throws {
        try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
    }

    /// A self-signed server certificate for these names (as OpenSSL writes them), made with the `openssl` command.
    func serverCertificate(names: String) throws -> (certificate: String, key: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
            "-subj", "/O=test", "-addext", "subjectAltName=\(names)", "-keyout", "key.pem", "-out", "certificate.pem",
        ]
        process.currentDirectoryURL = folder
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let problem = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CommandFailed(text: problem) }
        return (
            try String(contentsOfFile: path("certificate.pem"), encoding: .utf8),
            try String(contentsOfFile: path("key.pem"), encoding: .utf8)
        )
    }
}

@Suite("The connection to the control plane", .timeLimit(.minutes(1)))
struct ControlPlaneConnectionTests {
    private func security(
        _ made: (certificate: String, key: String)
    ) -> HTTP2ServerTransport.Posix.TransportSecurity {
        .tls(
            certificateChain: [.bytes(Array(made.certificate.utf8), format: .pem)],
            privateKey: .bytes(Array(made.key.utf8), format: .pem))
    }

    private func endpoint(
        _ port: Int, _ roots: ControlPlaneEndpoint.Roots, alternative: String? = nil
    ) -> ControlPlaneEndpoint {
        ControlPlaneEndpoint(
            host: "127.0.0.1", port: UInt16(port), security: .tls(roots), alternativeServerName: alternative)
    }

    @Test("a server is believed for its address when a given root signed that")
    func addressName() async throws {
        let made = try TestFolder().serverCertificate(names: "IP:127.0.0.1")
        let plane = FakeControlPlane()
        try await withControlPlane(plane, security: security(made)) { port in
            try await withDiscoveryClient(endpoint(port, .pem(made.certificate))) { seen in
                try await eventually("a stream") { await plane.discovery.first?.requests.count == 2 }
                #expect(!seen.events.contains(.terminated(.connectionError)))
            }
        }
    }

    @Test("a server with another name, or signed by another root, is never spoken to")
    func refusedServers() async throws {
        let wrongName = try TestFolder().serverCertificate(names: "IP:127.0.0.2,DNS:localhost")
        let other = try TestFolder().serverCertificate(names: "IP:127.0.0.1")
        for (made, root) in [(wrongName, wrongName.certificate), (other, wrongName.certificate)] {
            let plane = FakeControlPlane()
            try await withControlPlane(plane, security: security(made)) { port in
                try await withDiscoveryClient(endpoint(port, .pem(root))) { seen in
                    try await eventually("several failed attempts") {
                        seen.events.filter { $0 == .terminated(.connectionError) }.count >= 3
                    }
                    #expect(await plane.discovery.isEmpty)
                }
            }
        }
    }

    @Test("one alternative name is accepted as well")
    func alternativeName() async throws {
        let made = try TestFolder().serverCertificate(names: "DNS:istiod.test")
        let plane = FakeControlPlane()
        try await withControlPlane(plane, security: security(made)) { port in
            let endpoint = endpoint(port, .pem(made.certificate), alternative: "istiod.test")
            try await withDiscoveryClient(endpoint) { _ in
                try await eventually("a stream") { await plane.discovery.first?.requests.count == 2 }
            }
        }
    }

    @Test("the root file is read again for every dial, and the token file for every stream")
    func filesAreReadAgain() async throws {
        let folder = try TestFolder()
        let made = try folder.serverCertificate(names: "IP:127.0.0.1")
        try folder.write(try TestFolder().serverCertificate(names: "IP:127.0.0.1").certificate, to: "root.pem")
        try folder.write("first\n", to: "token")
        let plane = FakeControlPlane()
        try await withControlPlane(plane, security: security(made)) { port in
            var endpoint = endpoint(port, .file(folder.path("root.pem")))
            endpoint.token = .file(folder.path("token"))
            try await withDiscoveryClient(endpoint) { seen in
                try await eventually("a failed attempt") { seen.events.contains(.terminated(.connectionError)) }
                try folder.write(made.certificate, to: "root.pem")
                try await eventually("a stream") { await plane.discovery.first?.requests.count == 2 }
                try folder.write("second\n", to: "token")
                await plane.endDiscovery(0)
                try await eventually("a second stream") { await plane.discovery.count == 2 }
                let tokens = await plane.discovery.map { Array($0.metadata[stringValues: "authorization"]) }
                #expect(tokens == [["Bearer first"], ["Bearer second"]])
            }
        }
    }

    @Test("a connection is kept while the roots stay, made anew when they change, and kept when the new are no good")
    func rootChange() async throws {
        let folder = try TestFolder()
        let made = try folder.serverCertificate(names: "IP:127.0.0.1")
        try folder.write(made.certificate, to: "root.pem")
        let connection = ControlPlaneConnection(
            endpoint: endpoint(1, .file(folder.path("root.pem"))), log: quietLog)
        let first = try await connection.client().number
        #expect(try await connection.client().number == first)
        try folder.write("no certificate", to: "root.pem")
        #expect(try await connection.client().number == first)
        try folder.write(made.certificate + "\n", to: "root.pem")
        let second = try await connection.client()
        #expect(second.number != first)
        await connection.failed(second)
        #expect(try await connection.client().number != second.number)
        await connection.shutdown()
    }

    @Test("clients that are given up end, whether or not they ever connected")
    func nothingIsLeftBehind() async throws {
        let connection = ControlPlaneConnection(
            endpoint: .init(host: "127.0.0.1", port: 1, security: .plaintext), log: quietLog)
        for _ in 0..<20 {
            let client = try await connection.client()
            await #expect(throws: RPCError.self) {
                try await connection.withClient { client, metadata in
                    try await FakeDiscovery.ask(client, metadata)
                }
            }
            #expect(try await connection.client().number != client.number)
        }
        try await eventually("only the present client") { await connection.liveClientCount == 1 }
        await connection.shutdown()
        try await eventually("no client") { await connection.liveClientCount == 0 }
    }

    @Test("missing roots or a missing token are told by path")
    func missingFiles() async throws {
        var endpoint = endpoint(1, .file("/nonexistent/root.pem"))
        endpoint.token = .file("/nonexistent/token")
        let connection = ControlPlaneConnection(endpoint: endpoint, log: quietLog)
        await #expect(
            throws: ControlPlaneError.unreadable(
                path: "/nonexistent/root.pem", purpose: "the control plane's root certificates")
        ) { try await connection.client() }
        await #expect(
            throws: ControlPlaneError.unreadable(
                path: "/nonexistent/token", purpose: "our token for the control plane")
        ) { try await connection.metadata() }
        await connection.shutdown()
    }
}

import Foundation
import MeshIdentity
import MeshModel
import Synchronization

/// A real authority: signs with the `openssl` command in a folder of its own.
final class TestAuthority: CertificateAuthorityClient {
    struct CommandFailed: Error { let text: String }

    /// What it does with the request of that number, from 1.
    typealias Behaviour = @Sendable (_ call: Int, _ identity: Identity) async throws(IdentityError) -> Identity

    private struct Calls {
        var count = 0
        var running = 0
        var runningMax = 0
        var limits: [Duration] = []
    }

    private let folder: URL
    private let rootPEM: String
    private let behaviour: Behaviour
    private let calls = Mutex(Calls())

    var callCount: Int { calls.withLock { $0.count } }
    var runningMax: Int { calls.withLock { $0.runningMax } }

    /// - `behaviour`: answers the identity to put into the certificate, or refuses.
    init(_ behaviour: @escaping Behaviour = { _, identity in identity }) throws {
        self.behaviour = behaviour
        folder = FileManager.default.temporaryDirectory.appending(path: "apus-identity-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Self.openssl(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "root.key"], in: folder)
        try Self.openssl(
            [
                "req", "-x509", "-new", "-key", "root.key", "-sha256", "-days", "30", "-subj", "/O=root",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", "root.pem",
            ], in: folder)
        rootPEM = try String(contentsOf: folder.appending(path: "root.pem"), encoding: .utf8)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func sign(
        request: String, for identity: Identity, validitySeconds: Int64, timeout: Duration
    ) async throws(IdentityError) -> [String] {
        let call = calls.withLock { calls in
            calls.count += 1
            calls.running += 1
            calls.runningMax = max(calls.runningMax, calls.running)
            calls.limits.append(timeout)
            return calls.count
        }
        defer { calls.withLock { $0.running -= 1 } }
        let issued = try await behaviour(call, identity)
        do {
            return [try issue(request, for: issued), rootPEM]
        } catch {
            throw .unreachable(identity: identity, reason: "\(error)")
        }
    }

    /// A leaf for one day.
    func issue(_ request: String, for identity: Identity) throws -> String {
        let name = UUID().uuidString
        let extensions = """
            subjectAltName=critical,URI:\(identity)
            basicConstraints=critical,CA:FALSE
            keyUsage=critical,digitalSignature,keyEncipherment
            extendedKeyUsage=serverAuth,clientAuth

            """
        try request.write(to: folder.appending(path: "\(name).csr"), atomically: true, encoding: .utf8)
        try extensions.write(to: folder.appending(path: "\(name).ext"), atomically: true, encoding: .utf8)
        return try Self.openssl(
            [
                "x509", "-req", "-in", "\(name).csr", "-CA", "root.pem", "-CAkey", "root.key",
                "-set_serial", "0x\(name.prefix(8))", "-sha256", "-days", "1", "-extfile", "\(name).ext",
            ], in: folder)
    }

    var root: String { rootPEM }

    @discardableResult
    private static func openssl(_ arguments: [String], in folder: URL) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.currentDirectoryURL = folder
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let problem = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CommandFailed(text: problem) }
        return text
    }
}

import Foundation
import MeshModel
import MeshTLS

/// A certificate authority for tests, made with the `openssl` command in a folder of its own.
final class TestAuthority: Sendable {
    struct CommandFailed: Error { let text: String }

    /// What is wrong, or special, about a certificate to issue.
    struct Leaf {
        var names = "URI:spiffe://cluster.local/ns/shop/sa/cart"
        var nameCritical = true
        var days = 2
        var keyUsage: String? = "critical,digitalSignature,keyEncipherment"
        var extendedKeyUsage: String? = "serverAuth,clientAuth"
        var constraints = "critical,CA:FALSE"

        init() {}
        init(_ identity: Identity) { names = "URI:\(identity)" }

        var extensions: String {
            let lines = [
                "subjectAltName=\(nameCritical ? "critical," : "")\(names)",
                "basicConstraints=\(constraints)",
                keyUsage.map { "keyUsage=\($0)" },
                extendedKeyUsage.map { "extendedKeyUsage=\($0)" },
            ]
            return lines.compactMap { $0 }.joined(separator: "\n") + "\n"
        }
    }

    let folder: URL
    let rootPEM: String

    init(name: String = "root") throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "apus-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Self.openssl(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "root.key"], in: folder)
        try Self.openssl(
            [
                "req", "-x509", "-new", "-key", "root.key", "-sha256", "-days", "30", "-subj", "/O=\(name)",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", "root.pem",
            ], in: folder)
        rootPEM = try String(contentsOf: folder.appending(path: "root.pem"), encoding: .utf8)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// PEM of a leaf for `key`, signed by the root or by an intermediate of it.
    func issue(_ leaf: Leaf, for key: PrivateKey, signer: String = "root") throws -> String {
        let request = try SigningRequest.pem(for: Identity(namespace: "any", serviceAccount: "any"), key: key)
        return try sign(request: request, extensions: leaf.extensions, days: leaf.days, signer: signer)
    }

    /// PEM of an authority called `name` below the root; `issue(_:for:signer:)` can use it.
    func makeIntermediate(_ name: String) throws -> String {
        try Self.openssl(
            ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "\(name).key"], in: folder)
        let request = try Self.openssl(["req", "-new", "-key", "\(name).key", "-subj", "/O=\(name)"], in: folder)
        let extensions = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
        let pem = try sign(request: request, extensions: extensions, days: 2, signer: "root")
        try pem.write(to: folder.appending(path: "\(name).pem"), atomically: true, encoding: .utf8)
        return pem
    }

    /// A certificate of the mesh as the control plane would hand it out.
    func workload(_ identity: Identity, days: Int = 2, roots: String? = nil) throws -> WorkloadCertificate {
        let key = try PrivateKey.generate()
        var leaf = Leaf(identity)
        leaf.days = days
        let pem = try issue(leaf, for: key)
        return try WorkloadCertificate(chainPEM: [pem, roots ?? rootPEM], key: key, expecting: identity)
    }

    func sign(request: String, extensions: String, days: Int, signer: String) throws -> String {
        let name = UUID().uuidString
        try request.write(to: folder.appending(path: "\(name).csr"), atomically: true, encoding: .utf8)
        try extensions.write(to: folder.appending(path: "\(name).ext"), atomically: true, encoding: .utf8)
        return try Self.openssl(
            [
                "x509", "-req", "-in", "\(name).csr", "-CA", "\(signer).pem", "-CAkey", "\(signer).key",
                "-set_serial", "0x\(name.prefix(8))", "-sha256", "-days", "\(days)", "-extfile", "\(name).ext",
            ], in: folder)
    }

    /// Standard output of the command; its standard error if it fails.
    @discardableResult
    static func openssl(_ arguments: [String], in folder: URL, input: String? = nil) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.currentDirectoryURL = folder
        let output = Pipe()
        let errors = Pipe()
        let standardInput = Pipe()
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = standardInput
        try process.run()
        if let input { try standardInput.fileHandleForWriting.write(contentsOf: Data(input.utf8)) }
        try standardInput.fileHandleForWriting.close()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let problem = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CommandFailed(text: problem) }
        return text
    }
}

extension Identity {
    static let cart = Identity(namespace: "shop", serviceAccount: "cart")
    static let till = Identity(namespace: "shop", serviceAccount: "till")
}

package import Foundation
package import MeshModel
package import MeshTLS
internal import Synchronization

/// A certificate authority for tests, made with the `openssl` command in a folder of its own.
package final class TestAuthority: Sendable {
    /// The command failed; its standard error.
    package struct CommandFailed: Error { package let text: String }

    /// What is wrong, or special, about a certificate to issue.
    package struct Leaf {
        package var names = "URI:spiffe://cluster.local/ns/shop/sa/cart"
        package var nameCritical = true
        package var days = 2
        package var keyUsage: String? = "critical,digitalSignature,keyEncipherment"
        package var extendedKeyUsage: String? = "serverAuth,clientAuth"
        package var constraints = "critical,CA:FALSE"

        package init() {}
        package init(_ identity: Identity) { names = "URI:\(identity)" }

        package var extensions: String {
            let lines = [
                "subjectAltName=\(nameCritical ? "critical," : "")\(names)",
                "basicConstraints=\(constraints)",
                keyUsage.map { "keyUsage=\($0)" },
                extendedKeyUsage.map { "extendedKeyUsage=\($0)" },
            ]
            return lines.compactMap { $0 }.joined(separator: "\n") + "\n"
        }
    }

    package let folder: URL
    package let rootPEM: String

    package init(name: String = "root") throws {
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
    package func issue(_ leaf: Leaf, for key: PrivateKey, signer: String = "root") throws -> String {
        let request = try SigningRequest.pem(for: Identity(namespace: "any", serviceAccount: "any"), key: key)
        return try sign(request: request, extensions: leaf.extensions, days: leaf.days, signer: signer)
    }

    /// Certificate and key of a server or client outside of the mesh, as the files `NAME.crt` and `NAME.key` in
    /// ``folder``, signed by the root.
    /// - Parameters:
    ///   - names: `DNS:a.example.com,IP:192.0.2.1`
    package func files(_ name: String, names: String, days: Int = 2) throws -> (certificate: String, key: String) {
        let key = "\(name).key"
        try Self.openssl(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key], in: folder)
        let request = try Self.openssl(["req", "-new", "-key", key, "-subj", "/CN=\(name)"], in: folder)
        var leaf = Leaf()
        leaf.names = names
        let pem = try sign(request: request, extensions: leaf.extensions, days: days, signer: "root")
        let file = folder.appending(path: "\(name).crt")
        try pem.write(to: file, atomically: true, encoding: .utf8)
        return (file.path, folder.appending(path: key).path)
    }

    /// What an agent of SPIFFE's Workload API would give, in DER: leaf, and key as PKCS #8.
    package func svid(_ leaf: Leaf) throws -> (chain: [UInt8], key: [UInt8]) {
        let name = UUID().uuidString
        let curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        try Self.openssl(["genpkey"] + curve + ["-out", "\(name).key"], in: folder)
        try Self.openssl(
            ["pkcs8", "-topk8", "-nocrypt", "-in", "\(name).key", "-outform", "DER", "-out", "\(name).key.der"],
            in: folder)
        let request = try Self.openssl(["req", "-new", "-key", "\(name).key", "-subj", "/O=SPIRE"], in: folder)
        let pem = try sign(request: request, extensions: leaf.extensions, days: leaf.days, signer: "root")
        let key = try Data(contentsOf: folder.appending(path: "\(name).key.der"))
        return (try der(pem), Array(key))
    }

    /// The root in DER, as a bundle of its trust domain.
    package func bundle() throws -> [UInt8] { try der(rootPEM) }

    private func der(_ pem: String) throws -> [UInt8] {
        let name = "\(UUID().uuidString).der"
        try Self.openssl(["x509", "-outform", "DER", "-out", name], in: folder, input: pem)
        return Array(try Data(contentsOf: folder.appending(path: name)))
    }

    /// PEM of an authority called `name` below the root; `issue(_:for:signer:)` can use it.
    package func makeIntermediate(_ name: String) throws -> String {
        try Self.openssl(
            ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "\(name).key"], in: folder)
        let request = try Self.openssl(["req", "-new", "-key", "\(name).key", "-subj", "/O=\(name)"], in: folder)
        let extensions = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
        let pem = try sign(request: request, extensions: extensions, days: 2, signer: "root")
        try pem.write(to: folder.appending(path: "\(name).pem"), atomically: true, encoding: .utf8)
        return pem
    }

    /// A certificate of the mesh as the control plane would hand it out.
    package func workload(_ identity: Identity, days: Int = 2, roots: String? = nil) throws -> WorkloadCertificate {
        let key = try PrivateKey.generate()
        var leaf = Leaf(identity)
        leaf.days = days
        let pem = try issue(leaf, for: key)
        return try WorkloadCertificate(chainPEM: [pem, roots ?? rootPEM], key: key, expecting: identity)
    }

    /// PEM of a certificate for a signing request, whoever it names; with these extensions, valid for so many days.
    package func sign(request: String, extensions: String, days: Int, signer: String) throws -> String {
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
    package static func openssl(_ arguments: [String], in folder: URL, input: String? = nil) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.currentDirectoryURL = folder
        let (output, errors, standardInput) = try Shell.spawning.withLock { _ in
            let pipes = (Pipe(), Pipe(), Pipe())
            process.standardOutput = pipes.0
            process.standardError = pipes.1
            process.standardInput = pipes.2
            try process.run()
            return pipes
        }
        if let input { try standardInput.fileHandleForWriting.write(contentsOf: Data(input.utf8)) }
        try standardInput.fileHandleForWriting.close()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let problem = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CommandFailed(text: problem) }
        return text
    }
}

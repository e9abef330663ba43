import ControlAuthority
import Crypto
import Foundation
import MeshModel
import SwiftASN1
import X509

/// A state directory of its own for each test, removed with it.
final class Scratch: Sendable {
    let path: String
    let state: StateDirectory

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/apust-authority-\(UUID().uuidString)"
        state = try StateDirectory(path: path)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func mode(_ name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
        return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? -1
    }

    func setMode(_ name: String, _ mode: Int) throws {
        try FileManager.default.setAttributes(
            [.posixPermissions: NSNumber(value: mode)], ofItemAtPath: "\(path)/\(name)")
    }

    func write(_ name: String, _ text: String, mode: Int = 0o600) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        try setMode(name, mode)
    }

    func text(_ name: String) throws -> String {
        try String(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"), encoding: .utf8)
    }

    func authority(
        lifetimeSeconds: Int64 = AuthorityLimits.defaultLifetimeSeconds, nowSeconds: Int64 = Scratch.now
    ) throws -> CertificateAuthority {
        try CertificateAuthority(
            in: state, trustDomain: "cluster.local", lifetimes: LifetimePolicy(configuredSeconds: lifetimeSeconds),
            nowSeconds: nowSeconds)
    }

    /// OpenSSL compares with the real clock, so tests use it too.
    static let now = Int64(Date().timeIntervalSince1970)
}

let alice = Identity(namespace: "shop", serviceAccount: "alice")

/// A request as a node makes it, with a key of its own.
func signingRequest(
    key: Certificate.PrivateKey = Certificate.PrivateKey(P256.Signing.PrivateKey()),
    asking name: String = "spiffe://evil.example/ns/kube-system/sa/admin"
) throws -> String {
    let names = SubjectAlternativeNames([.uniformResourceIdentifier(name)])
    let extensions = try Certificate.Extensions { Critical(names) }
    let request = try CertificateSigningRequest(
        version: .v1, subject: DistinguishedName { CommonName("somebody else") }, privateKey: key,
        attributes: .init([.init(ExtensionRequest(extensions: extensions))]))
    return try request.serializeAsPEM().pemString
}

/// Runs the openssl command line; its exit status and what it said.
func openssl(_ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
}

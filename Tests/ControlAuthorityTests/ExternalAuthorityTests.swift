import ControlAuthority
import Crypto
import Foundation
import MeshModel
import SwiftASN1
import Testing
import X509

@Suite("An authority brought from outside")
struct ExternalAuthorityTests {
    private struct Made {
        var key = Certificate.PrivateKey(P384.Signing.PrivateKey())
        var certificate: Certificate

        var pem: String { get throws { try certificate.serializeAsPEM().pemString + "\n" } }
    }

    private func make(
        _ name: String, by parent: Made? = nil, isAuthority: Bool = true, days: Double = 300
    ) throws -> Made {
        let key = Certificate.PrivateKey(P384.Signing.PrivateKey())
        let subject = try DistinguishedName { CommonName(name) }
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: key.publicKey,
            notValidBefore: Date(timeIntervalSinceNow: -60), notValidAfter: Date(timeIntervalSinceNow: days * 86_400),
            issuer: parent?.certificate.subject ?? subject, subject: subject,
            extensions: try Certificate.Extensions {
                if isAuthority {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                    Critical(KeyUsage(keyCertSign: true))
                } else {
                    Critical(BasicConstraints.notCertificateAuthority)
                }
                SubjectKeyIdentifier(hash: key.publicKey)
                AuthorityKeyIdentifier(
                    keyIdentifier: SubjectKeyIdentifier(hash: (parent?.key ?? key).publicKey).keyIdentifier)
            },
            issuerPrivateKey: parent?.key ?? key)
        return Made(key: key, certificate: certificate)
    }

    private func install(_ scratch: Scratch, key: Certificate.PrivateKey, chain: [Made], roots: [Made]? = nil) throws {
        try scratch.write("ca.key", try key.serializeAsPEM().pemString)
        try scratch.write("ca.crt", try chain.map { try $0.pem }.joined(), mode: 0o644)
        if let roots { try scratch.write("root.crt", try roots.map { try $0.pem }.joined(), mode: 0o644) }
    }

    @Test("leaves are signed by the intermediate and come with the chain; openssl accepts it")
    func intermediate() throws {
        let scratch = try Scratch()
        let root = try make("root")
        let middle = try make("middle", by: root)
        let signer = try make("signer", by: middle)
        try install(scratch, key: signer.key, chain: [signer, middle, root])
        let authority = try scratch.authority()
        let issued = try authority.issue(
            signingRequestPEM: try signingRequest(), identity: alice, requestedSeconds: 0, nowSeconds: Scratch.now)
        #expect(issued.chainPEM.count == 4)
        #expect(try Certificate(pemEncoded: issued.chainPEM[1]) == signer.certificate)
        #expect(try Certificate(pemEncoded: issued.chainPEM[2]) == middle.certificate)
        #expect(try Certificate(pemEncoded: issued.chainPEM[3]) == root.certificate)
        try scratch.write("leaf.pem", issued.chainPEM[0])
        try scratch.write("middle.pem", issued.chainPEM[1] + issued.chainPEM[2])
        let result = try openssl([
            "verify", "-x509_strict", "-CAfile", scratch.path + "/root.crt", "-untrusted",
            scratch.path + "/middle.pem", scratch.path + "/leaf.pem",
        ])
        #expect(result.status == 0, "\(result.output)")
    }

    @Test("an old and a new root may be trusted at once")
    func bundle() throws {
        let scratch = try Scratch()
        let (old, new) = (try make("old"), try make("new"))
        try install(scratch, key: new.key, chain: [new], roots: [old, new])
        let issued = try scratch.authority().issue(
            signingRequestPEM: try signingRequest(), identity: alice, requestedSeconds: 0, nowSeconds: Scratch.now)
        #expect(try issued.chainPEM == [issued.chainPEM[0], old.pem + new.pem])
    }

    @Test("what cannot sign or does not hold together stops the start")
    func unusable() throws {
        let root = try make("root")
        let other = try make("root")
        let leaf = try make("leaf", by: root, isAuthority: false)
        let signer = try make("signer", by: root)
        let expired = try make("expired", days: -0.0001)
        let cases: [(String, Made, [Made], [Made]?)] = [
            ("CA:true", leaf, [leaf, root], nil), ("not signed", signer, [signer, other], nil),
            ("must be the root", signer, [signer], nil), ("would not trust", signer, [signer, root], [other]),
            ("expired", expired, [expired], nil),
        ]
        for (expected, made, chain, roots) in cases {
            let scratch = try Scratch()
            try install(scratch, key: made.key, chain: chain, roots: roots)
            let error = #expect(throws: AuthorityError.self) { try scratch.authority() }
            #expect(error?.description.contains(expected) == true, "\(error?.description ?? "none")")
        }
    }

    @Test("the control plane's own certificate has its names and verifies")
    func serverCertificate() throws {
        let scratch = try Scratch()
        let authority = try scratch.authority()
        let names = try ["apusd.example", "127.0.0.1", "::1"].map { try #require(ServerName($0)) }
        let server = try ServerCertificate(from: authority, names: names, nowSeconds: Scratch.now)
        try scratch.write("server.pem", server.chainPEM[0])
        for check in [["-verify_hostname", "apusd.example"], ["-verify_ip", "127.0.0.1"], ["-verify_ip", "::1"]] {
            let result = try openssl(
                ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", scratch.path + "/root.crt"] + check
                    + [scratch.path + "/server.pem"])
            #expect(result.status == 0, "\(result.output)")
        }
        #expect(server.keyPEM.contains("PRIVATE KEY"))
    }

    @Test("names that are neither addresses nor host names are refused", arguments: ["", "a b", "a/b", ".x", "a,b"])
    func badNames(text: String) { #expect(ServerName(text) == nil) }
}

import ControlAuthority
import Crypto
import Foundation
import MeshModel
import SwiftASN1
import Testing
import X509

@Suite("Issuing certificates")
struct IssueTests {
    private func issue(
        _ authority: CertificateAuthority, _ request: String, seconds: Int64 = 0
    ) throws -> (Certificate, IssuedCertificate) {
        let issued = try authority.issue(
            signingRequestPEM: request, identity: alice, requestedSeconds: seconds, nowSeconds: Scratch.now)
        return (try Certificate(pemEncoded: issued.chainPEM[0]), issued)
    }

    @Test("the leaf carries the identity decided by the control plane and nothing of the request but its key")
    func leaf() throws {
        let scratch = try Scratch()
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let (leaf, issued) = try issue(try scratch.authority(), try signingRequest(key: key))
        #expect(leaf.publicKey == key.publicKey)
        #expect(leaf.subject.isEmpty)
        #expect(try leaf.extensions.subjectAlternativeNames.map { Array($0) }
            == [.uniformResourceIdentifier("spiffe://cluster.local/ns/shop/sa/alice")])
        #expect(leaf.extensions[oid: .X509ExtensionID.subjectAlternativeName]?.critical == true)
        #expect(try leaf.extensions.basicConstraints == .notCertificateAuthority)
        #expect(try leaf.extensions.keyUsage == KeyUsage(digitalSignature: true))
        #expect(try leaf.extensions.extendedKeyUsage == ExtendedKeyUsage([.serverAuth, .clientAuth]))
        #expect(leaf.signatureAlgorithm == .ecdsaWithSHA256)
        #expect(issued.chainPEM.count == 2)
        #expect(try issued.chainPEM.last == scratch.authority().rootsPEM)
    }

    @Test("openssl accepts the chain for clients and servers")
    func opensslVerifies() throws {
        let scratch = try Scratch()
        let (_, issued) = try issue(try scratch.authority(), try signingRequest())
        try scratch.write("leaf.pem", issued.chainPEM[0])
        for purpose in ["sslclient", "sslserver"] {
            let result = try openssl([
                "verify", "-x509_strict", "-purpose", purpose, "-CAfile", scratch.path + "/root.crt",
                scratch.path + "/leaf.pem",
            ])
            #expect(result.status == 0, "\(result.output)")
        }
    }

    @Test("serial numbers are positive, long and never the same")
    func serials() throws {
        let scratch = try Scratch()
        let authority = try scratch.authority()
        let request = try signingRequest()
        let serials = try (0..<20).map { _ in try issue(authority, request).1.serialNumber }
        #expect(Set(serials).count == 20)
        #expect(serials.allSatisfy { $0.count >= 32 && $0.count <= 40 })
    }

    @Test("a request that another key signed is refused")
    func noPossession() throws {
        let scratch = try Scratch()
        let request = try CertificateSigningRequest(pemEncoded: try signingRequest())
        var serializer = DER.Serializer()
        try serializer.serialize(request)
        var bytes = serializer.serializedBytes
        // The last byte belongs to the signature.
        bytes[bytes.count - 1] ^= 1
        let forged = PEMDocument(type: "CERTIFICATE REQUEST", derBytes: bytes).pemString
        #expect(throws: IssueRefusal.badSignature) { try issue(try scratch.authority(), forged) }
    }

    @Test("what is no request is refused with a reason",
        arguments: ["", "hello", String(repeating: "x", count: 20_000)])
    func garbage(text: String) throws {
        let scratch = try Scratch()
        let error = #expect(throws: IssueRefusal.self) { try issue(try scratch.authority(), text) }
        #expect(error?.isCallersFault == true)
    }

    @Test("P-384 is accepted; P-521 and Edwards keys are not")
    func curves() throws {
        let scratch = try Scratch()
        let authority = try scratch.authority()
        _ = try issue(authority, try signingRequest(key: .init(P384.Signing.PrivateKey())))
        #expect(throws: IssueRefusal.unsupportedKey("P-521")) {
            try issue(authority, try signingRequest(key: .init(P521.Signing.PrivateKey())))
        }
        #expect(throws: IssueRefusal.unsupportedKey("Ed25519")) {
            try issue(authority, try signingRequest(key: .init(Curve25519.Signing.PrivateKey())))
        }
    }

    @Test("RSA of 2048 bits is accepted and may encipher keys; 1024 bits are refused")
    func rsa() throws {
        let scratch = try Scratch()
        let authority = try scratch.authority()
        for bits in [1024, 2048] {
            let path = "\(scratch.path)/rsa-\(bits)"
            let made = try openssl([
                "req", "-new", "-newkey", "rsa:\(bits)", "-nodes", "-subj", "/CN=x", "-keyout", path + ".key",
                "-out", path + ".csr",
            ])
            #expect(made.status == 0, "\(made.output)")
            let request = try scratch.text("rsa-\(bits).csr")
            if bits < 2048 {
                let error = #expect(throws: IssueRefusal.self) { try issue(authority, request) }
                #expect(error?.isCallersFault == true)
            } else {
                let (leaf, _) = try issue(authority, request)
                #expect(try leaf.extensions.keyUsage == KeyUsage(digitalSignature: true, keyEncipherment: true))
            }
        }
    }

    @Test("lifetimes: configured by default, an upper bound, and an error over 90 days", arguments: [
        (configured: 86_400, requested: 0, granted: 86_400), (86_400, -5, 86_400), (86_400, 3_600, 3_600),
        (86_400, 604_800, 86_400), (10, 86_400, 10), (10, 0, 10), (99_999_999, 0, 7_776_000),
    ] as [(configured: Int64, requested: Int64, granted: Int64)])
    func lifetimes(row: (configured: Int64, requested: Int64, granted: Int64)) throws {
        let policy = LifetimePolicy(configuredSeconds: row.configured)
        #expect(try policy.grant(requestedSeconds: row.requested) == row.granted)
        #expect(throws: IssueRefusal.lifetimeTooLong(requestedSeconds: 7_776_001, limitSeconds: 7_776_000)) {
            try policy.grant(requestedSeconds: 7_776_001)
        }
    }

    @Test("the half life, when clients renew, is never in the past", arguments: [1, 2, 10, 60, 600, 86_400, 7_776_000])
    func halfLife(seconds: Int64) throws {
        let period = ValidityPeriod(nowSeconds: 1_000_000, lifetimeSeconds: seconds)
        #expect(period.notAfterSeconds == 1_000_000 + seconds)
        #expect(period.notBeforeSeconds >= 1_000_000 - 120)
        #expect(period.halfLifeSeconds >= 1_000_000 + seconds * 45 / 100)
        if seconds >= 1200 { #expect(period.notBeforeSeconds == 1_000_000 - 120) }
    }

    @Test("a certificate of ten seconds is valid now and for ten seconds")
    func tenSeconds() throws {
        let scratch = try Scratch()
        let (leaf, issued) = try issue(try scratch.authority(lifetimeSeconds: 10), try signingRequest())
        #expect(Int64(leaf.notValidAfter.timeIntervalSince1970) == Scratch.now + 10)
        #expect(Int64(leaf.notValidBefore.timeIntervalSince1970) == Scratch.now - 1)
        #expect(issued.validity.halfLifeSeconds == Scratch.now + 4)
    }

    @Test("no leaf outlives its signer")
    func clamp() throws {
        let scratch = try Scratch()
        let authority = try scratch.authority()
        let late = Scratch.now + AuthorityLimits.rootLifetimeSeconds - 100
        let issued = try authority.issue(
            signingRequestPEM: try signingRequest(), identity: alice, requestedSeconds: 3600, nowSeconds: late)
        #expect(issued.validity.notAfterSeconds == authority.signerNotAfterSeconds)
        #expect(throws: IssueRefusal.authorityExpired) {
            try authority.issue(
                signingRequestPEM: try signingRequest(), identity: alice, requestedSeconds: 3600,
                nowSeconds: late + 200)
        }
    }
}

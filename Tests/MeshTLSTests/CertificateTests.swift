import Foundation
import MeshModel
import MeshTLS
import MeshTesting
import Testing

@Suite("certificates and signing requests")
struct CertificateTests {
    let authority: TestAuthority

    init() throws { authority = try TestAuthority() }

    @Test("a signing request has an empty subject, one critical URI name and a good signature")
    func signingRequest() throws {
        let key = try PrivateKey.generate()
        let pem = try SigningRequest.pem(for: .cart, key: key)
        let text = try TestAuthority.openssl(["req", "-verify", "-noout", "-text"], in: authority.folder, input: pem)
        #expect(text.contains("NIST CURVE: P-256"))
        #expect(text.contains("Signature Algorithm: ecdsa-with-SHA256"))
        #expect(text.contains("Subject: \n") || text.contains("Subject:\n"))
        let lines = text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        let index = try #require(lines.firstIndex(of: "X509v3 Subject Alternative Name: critical"))
        #expect(lines[index + 1] == "URI:spiffe://cluster.local/ns/shop/sa/cart")
    }

    @Test("a comma in a name does not add names to a signing request")
    func noInjection() throws {
        let sly = Identity(namespace: "shop", serviceAccount: "a,URI:spiffe://x/ns/x/sa/admin")
        let pem = try SigningRequest.pem(for: sly, key: PrivateKey.generate())
        let parsed = try TestAuthority.openssl(["asn1parse"], in: authority.folder, input: pem)
        // A sequence of exactly one name of kind 6 (URI) with all the text in it.
        let text = Array(sly.description.utf8)
        let encoded = [0x30, UInt8(text.count + 2), 0x86, UInt8(text.count)] + text
        let hex = encoded.map { byte in
            String(byte >> 4, radix: 16, uppercase: true) + String(byte & 15, radix: 16, uppercase: true)
        }
        #expect(parsed.contains("[HEX DUMP]:" + hex.joined() + "\n"))
    }

    @Test("a certificate shows serial number, dates and its chain for dumps")
    func summary() throws {
        let certificate = try authority.workload(.cart)
        let text = try TestAuthority.openssl(
            ["x509", "-noout", "-serial", "-enddate", "-dateopt", "iso_8601"], in: authority.folder,
            input: certificate.leafPEM)
        #expect(text.contains(UnixTime.text(certificate.notAfterSeconds).replacing("T", with: " ")))
        let serial = try #require(Int(certificate.serialNumber))
        #expect(text.contains("serial=" + hexadecimal(serial)))
        #expect(certificate.notAfterSeconds - certificate.notBeforeSeconds == 2 * 86_400)
        #expect(certificate.rootsPEM == [authority.rootPEM])
        #expect(certificate.intermediatesPEM == [])
    }

    @Test("an empty chain and a chain without roots are refused")
    func emptyChain() throws {
        let key = try PrivateKey.generate()
        let leaf = try authority.issue(.init(.cart), for: key)
        #expect(throws: TLSError.ownCertificate(.emptyChain)) {
            try WorkloadCertificate(chainPEM: [], key: key, expecting: .cart)
        }
        #expect(throws: TLSError.ownCertificate(.noRoots)) {
            try WorkloadCertificate(chainPEM: [leaf], key: key, expecting: .cart)
        }
    }

    @Test("a chain element that is no certificate is named by its index")
    func notPEM() throws {
        let key = try PrivateKey.generate()
        let leaf = try authority.issue(.init(.cart), for: key)
        let broken = authority.rootPEM.replacing("MII", with: "MIJ")
        for text in ["", "hello", broken] {
            #expect(throws: TLSError.ownCertificate(.notPEM(index: 1))) {
                try WorkloadCertificate(chainPEM: [leaf, text], key: key, expecting: .cart)
            }
        }
    }

    @Test("a certificate for another key is refused")
    func keyMismatch() throws {
        let leaf = try authority.issue(.init(.cart), for: PrivateKey.generate())
        #expect(throws: TLSError.ownCertificate(.keyMismatch)) {
            try WorkloadCertificate(
                chainPEM: [leaf, authority.rootPEM], key: PrivateKey.generate(), expecting: .cart)
        }
    }

    @Test("a certificate for another identity is refused")
    func wrongIdentity() throws {
        let key = try PrivateKey.generate()
        let leaf = try authority.issue(.init(.till), for: key)
        let problem = OwnCertificateProblem.identityMismatch(expected: .cart, found: [Identity.till.description])
        #expect(throws: TLSError.ownCertificate(problem)) {
            try WorkloadCertificate(chainPEM: [leaf, authority.rootPEM], key: key, expecting: .cart)
        }
    }

    @Test("a leaf that breaks a rule of the SVID standard is refused", arguments: Rule.all)
    func rules(_ rule: Rule) throws {
        let key = try PrivateKey.generate()
        let leaf = try authority.issue(rule.leaf, for: key)
        #expect(throws: TLSError.ownCertificate(rule.problem)) {
            try WorkloadCertificate(chainPEM: [leaf, authority.rootPEM], key: key, expecting: .cart)
        }
    }

    @Test("a leaf without extended key usage is fine")
    func withoutExtendedKeyUsage() throws {
        let key = try PrivateKey.generate()
        var leaf = TestAuthority.Leaf(.cart)
        leaf.extendedKeyUsage = nil
        let pem = try authority.issue(leaf, for: key)
        _ = try WorkloadCertificate(chainPEM: [pem, authority.rootPEM], key: key, expecting: .cart)
    }

    @Test("seconds are written as RFC 3339", arguments: [
        (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (1_798_761_599, "2026-12-31T23:59:59Z"),
        (-1, "1969-12-31T23:59:59Z"), (4_107_542_400, "2100-03-01T00:00:00Z"),
    ] as [(Int64, String)])
    func times(seconds: Int64, text: String) {
        #expect(UnixTime.text(seconds) == text)
    }

    @Test("errors say what was expected and what was found")
    func texts() {
        let error = TLSError.peerIdentity(expected: [.cart], found: ["spiffe://cluster.local/ns/shop/sa/till"])
        #expect(
            "\(error)" == "identity verification error: peer did not present the expected SAN "
                + "(want spiffe://cluster.local/ns/shop/sa/cart), got spiffe://cluster.local/ns/shop/sa/till")
        #expect(TLSLibrary.versionText.hasPrefix("OpenSSL 3."))
    }

    private func hexadecimal(_ serial: Int) -> String {
        let digits = String(serial, radix: 16, uppercase: true)
        return digits.count % 2 == 0 ? digits : "0" + digits
    }

    struct Rule: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let leaf: TestAuthority.Leaf
        let problem: OwnCertificateProblem

        init(_ text: String, _ problem: OwnCertificateProblem, change: (inout TestAuthority.Leaf) -> Void) {
            var leaf = TestAuthority.Leaf(.cart)
            change(&leaf)
            (testDescription, self.leaf, self.problem) = (text, leaf, problem)
        }

        static let all: [Rule] = [
            Rule("two URI names", .uniformResourceIdentifierCount(2)) { $0.names += ",URI:https://example.org" },
            Rule("an authority", .isAuthority) { $0.constraints = "critical,CA:TRUE" },
            Rule("no key usage", .keyUsage("none")) { $0.keyUsage = nil },
            Rule("may sign certificates", .keyUsage("0x84")) { $0.keyUsage = "digitalSignature,keyCertSign" },
            Rule("may not sign", .keyUsage("0x20")) { $0.keyUsage = "keyEncipherment" },
            Rule("servers alone", .extendedKeyUsage) { $0.extendedKeyUsage = "serverAuth" },
            Rule("name not critical", .alternativeNameNotCritical) { $0.nameCritical = false },
            Rule("no URI name", .identityMismatch(expected: .cart, found: [])) { $0.names = "DNS:example.org" },
        ]
    }
}

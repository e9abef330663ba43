import ControlAuthority
import Foundation
import MeshModel
import Testing
import X509

@Suite("An authority in a Secret")
struct AuthorityTextTests {
    private static func root() throws -> AuthorityText {
        try CertificateAuthority.makeRoot(trustDomain: "cluster.local", nowSeconds: Scratch.now)
    }

    private static func authority(_ text: AuthorityText) throws -> CertificateAuthority {
        try CertificateAuthority(text, lifetimes: LifetimePolicy(), nowSeconds: Scratch.now)
    }

    private static func issue(_ authority: CertificateAuthority) throws -> IssuedCertificate {
        try authority.issue(
            signingRequestPEM: try signingRequest(), identity: alice, requestedSeconds: 0, nowSeconds: Scratch.now)
    }

    @Test("a root that was made signs after a way through a Secret")
    func made() throws {
        let text = try Self.root()
        #expect(text.entries.keys.sorted() == ["ca-cert.pem", "ca-key.pem", "root-cert.pem"])
        let again = try AuthorityText(entries: text.entries, place: "Secret a/b")
        #expect(again.places.key == "Secret a/b/ca-key.pem")
        #expect(again.fingerprint == text.fingerprint)
        let issued = try Self.issue(Self.authority(again))
        #expect(issued.chainPEM.count == 2 && issued.chainPEM[1] == text.roots)
    }

    @Test("entries as istiod and as cert-manager name them, with and without the signer in the chain")
    func forms() throws {
        let root = try Self.root()
        let entries = [
            ["ca-key.pem": root.key, "ca-cert.pem": root.certificates, "root-cert.pem": " \n", "cert-chain.pem": ""],
            ["ca-key.pem": root.key, "ca-cert.pem": root.certificates, "cert-chain.pem": root.certificates],
            ["tls.key": root.key, "tls.crt": root.certificates, "ca.crt": root.certificates],
            ["tls.key": root.key, "tls.crt": root.certificates, "other": "x"],
        ]
        for entries in entries {
            let text = try AuthorityText(entries: entries, place: "p")
            #expect(text.certificates == root.certificates)
            #expect(try Self.authority(text).rootsPEM == root.certificates)
        }
    }

    @Test("half of an authority is told as such", arguments: [
        ([:], "p", "p/ca-key.pem"), (["ca-key.pem": "x"], "p/ca-key.pem", "p/ca-cert.pem"),
        (["tls.crt": "x"], "p/tls.crt", "p/tls.key"), (["root-cert.pem": "x"], "p", "p/ca-key.pem"),
    ] as [([String: String], String, String)])
    func incomplete(entries: [String: String], present: String, missing: String) {
        #expect(throws: AuthorityError.incomplete(present: present, missing: missing)) {
            try AuthorityText(entries: entries, place: "p")
        }
    }

    @Test("a key of another certificate is refused by its place, and no key is quoted")
    func mismatch() throws {
        let (one, two) = (try Self.root(), try Self.root())
        let text = try AuthorityText(
            entries: ["ca-key.pem": two.key, "ca-cert.pem": one.certificates], place: "Secret a/b")
        let error = #expect(throws: AuthorityError.self) { try Self.authority(text) }
        #expect(error?.description.contains("Secret a/b/ca-key.pem") == true)
        let broken = try AuthorityText(
            entries: ["ca-key.pem": "s3cret", "ca-cert.pem": one.certificates], place: "Secret a/b")
        let unreadable = #expect(throws: AuthorityError.self) { try Self.authority(broken) }
        #expect(unreadable?.description.contains("s3cret") == false)
    }

    @Test("a root is changed in three steps, and no step may be left out")
    func change() throws {
        let (old, new) = (try Self.root(), try Self.root())
        let both = old.certificates + new.certificates
        func text(_ signer: AuthorityText, roots: String) throws -> CertificateAuthority {
            try Self.authority(
                AuthorityText(
                    key: signer.key, certificates: signer.certificates, roots: roots, places: signer.places))
        }
        let authority = CurrentAuthority(try Self.authority(old))
        func refuses(_ next: CertificateAuthority, _ words: String) throws {
            let before = authority.current.rootsPEM
            let error = #expect(throws: AuthorityError.self) { try authority.replace(by: next) }
            #expect(error?.description.contains(words) == true)
            #expect(authority.current.rootsPEM == before)
        }
        try refuses(try text(new, roots: new.certificates), "first add its root")
        try refuses(try text(new, roots: both), "first add its root")
        try authority.replace(by: try text(old, roots: both))
        try refuses(try text(new, roots: new.certificates), "keep it")
        try authority.replace(by: try text(new, roots: both))
        #expect(try Self.issue(authority.current).chainPEM.last == both)
        try refuses(try text(old, roots: old.certificates), "keep it")
        try authority.replace(by: try text(new, roots: new.certificates))
        #expect(authority.current.rootsPEM == new.certificates)
    }
}

import ControlAuthority
import Crypto
import Foundation
import SwiftASN1
import Testing
import X509

@Suite("The root of the authority")
struct RootTests {
    @Test("the first start makes a ten-year P-256 root that may sign certificates and revocation lists")
    func firstStart() throws {
        let scratch = try Scratch()
        let authority = try scratch.authority()
        let root = try Certificate(pemEncoded: authority.rootsPEM)
        #expect(try root.extensions.basicConstraints == .isCertificateAuthority(maxPathLength: nil))
        #expect(root.extensions[oid: .X509ExtensionID.basicConstraints]?.critical == true)
        #expect(try root.extensions.keyUsage == KeyUsage(keyCertSign: true, cRLSign: true))
        #expect(try root.extensions.subjectKeyIdentifier?.keyIdentifier
            == root.extensions.authorityKeyIdentifier?.keyIdentifier)
        #expect(P256.Signing.PublicKey(root.publicKey) != nil)
        let years = root.notValidAfter.timeIntervalSince1970 - Double(Scratch.now)
        #expect(years == Double(10 * 365 * 24 * 3600))
        #expect(root.publicKey.isValidSignature(root.signature, for: root))
    }

    @Test("the key file can be read by its owner only, and the directory too")
    func fileModes() throws {
        let scratch = try Scratch()
        _ = try scratch.authority()
        #expect(try scratch.mode("ca.key") == 0o600)
        #expect(try scratch.mode("ca.crt") == 0o644)
        #expect(try scratch.mode("root.crt") == 0o644)
        #expect(try scratch.mode("") == 0o700)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted()
            == ["ca.crt", "ca.key", "root.crt"])
    }

    @Test("a second start takes the same root")
    func secondStart() throws {
        let scratch = try Scratch()
        let first = try scratch.authority().rootsPEM
        #expect(try scratch.authority().rootsPEM == first)
    }

    @Test("a key that others can read stops the start with advice", arguments: [0o644, 0o640, 0o604])
    func looseKey(mode: Int) throws {
        let scratch = try Scratch()
        _ = try scratch.authority()
        try scratch.setMode("ca.key", mode)
        let error = #expect(throws: AuthorityError.self) { try scratch.authority() }
        #expect(error == .readableByOthers(path: scratch.path + "/ca.key", mode: mode))
        #expect(error?.description.contains("chmod 600") == true)
    }

    @Test("a key of another certificate stops the start")
    func foreignKey() throws {
        let scratch = try Scratch()
        _ = try scratch.authority()
        let other = Certificate.PrivateKey(P256.Signing.PrivateKey())
        try scratch.write("ca.key", try other.serializeAsPEM().pemString)
        #expect(throws: AuthorityError.keyDoesNotMatch(
            keyPath: scratch.path + "/ca.key", certificatePath: scratch.path + "/ca.crt")) { try scratch.authority() }
    }

    @Test("half a pair stops the start", arguments: ["ca.key", "ca.crt"])
    func halfPair(lost: String) throws {
        let scratch = try Scratch()
        _ = try scratch.authority()
        try FileManager.default.removeItem(atPath: "\(scratch.path)/\(lost)")
        let present = lost == "ca.key" ? "ca.crt" : "ca.key"
        #expect(throws: AuthorityError.incomplete(
            present: "\(scratch.path)/\(present)", missing: "\(scratch.path)/\(lost)")) { try scratch.authority() }
    }

    @Test("a start that was interrupted after the key is finished by the next")
    func interrupted() throws {
        let scratch = try Scratch()
        _ = try scratch.authority()
        let key = try scratch.text("ca.key")
        try FileManager.default.removeItem(atPath: scratch.path + "/ca.crt")
        try FileManager.default.removeItem(atPath: scratch.path + "/root.crt")
        _ = try scratch.authority()
        #expect(try scratch.text("ca.key") == key)
    }

    @Test("garbage in place of a key or a certificate is named, and the key is not quoted")
    func garbage() throws {
        let scratch = try Scratch()
        _ = try scratch.authority()
        try scratch.write("ca.crt", "hello")
        #expect(throws: AuthorityError.self) { try scratch.authority() }
        try scratch.write("ca.key", "sesame")
        let error = #expect(throws: AuthorityError.self) { try scratch.authority() }
        #expect(error?.description.contains("sesame") == false)
    }

    @Test("an expired authority stops the start")
    func expired() throws {
        let scratch = try Scratch()
        _ = try scratch.authority()
        let later = Scratch.now + AuthorityLimits.rootLifetimeSeconds + 1
        let error = #expect(throws: AuthorityError.self) { try scratch.authority(nowSeconds: later) }
        #expect(error?.description.contains("expired") == true)
    }

    @Test("a state directory in which others can replace files is refused, and none is closed behind its owner's back")
    func looseDirectory() throws {
        let scratch = try Scratch()
        try scratch.setMode("", 0o777)
        let error = #expect(throws: AuthorityError.self) { try StateDirectory(path: scratch.path) }
        #expect(error == .writableByOthers(path: scratch.path, mode: 0o777))
        try scratch.setMode("", 0o755)
        _ = try StateDirectory(path: scratch.path)
        #expect(try scratch.mode("") == 0o755)
        let inner = try StateDirectory(path: scratch.path + "/inner")
        try inner.create("key", "secret", isSecret: true)
        #expect(try scratch.mode("inner") == 0o700)
    }

    @Test("of two writers of a new file one is told that it exists")
    func exclusive() throws {
        let scratch = try Scratch()
        try scratch.state.create("file", "one", isSecret: true)
        #expect(throws: AuthorityError.alreadyExists(path: scratch.path + "/file")) {
            try scratch.state.create("file", "two", isSecret: true)
        }
        #expect(try scratch.text("file") == "one")
        #expect(try scratch.mode("file") == 0o600)
        try scratch.state.replace("file", "three")
        #expect(try scratch.text("file") == "three")
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["file"])
    }
}

import MeshModel
import MeshTesting
import NIOCore
import Testing

@testable import MeshTLS

@Suite("Roots that change while connections live")
struct RecheckTests {
    let authority: TestAuthority
    let next: TestAuthority

    init() throws {
        authority = try TestAuthority(name: "first")
        next = try TestAuthority(name: "next")
    }

    /// Both ends of a finished handshake, as each sees the other.
    private func peers(
        _ client: WorkloadCertificate, _ server: WorkloadCertificate
    ) throws -> (client: VerifiedPeer, server: VerifiedPeer) {
        let pair = try EmbeddedPair(client: client, server: server)
        try pair.start()
        let client = try #require(pair.server.recorder.peers.first)
        let server = try #require(pair.client.recorder.peers.first)
        pair.finish()
        return (client, server)
    }

    @Test("a peer is believed as long as a root of its issuer is there, in both roles, and not longer")
    func roots() throws {
        let (client, server) = try peers(authority.workload(.cart), authority.workload(.till))
        for roots in [authority.rootPEM, authority.rootPEM + next.rootPEM, next.rootPEM + authority.rootPEM] {
            let renewed = try next.workload(.till, roots: roots)
            #expect(renewed.problem(of: client, as: .server) == nil)
            #expect(renewed.problem(of: server, as: .client) == nil)
        }
        let replaced = try next.workload(.till)
        let problem = PeerCertificateProblem.unknownIssuer(issuer: "O=first")
        #expect(replaced.problem(of: client, as: .server) == problem)
        #expect(replaced.problem(of: server, as: .client) == problem)
    }

    @Test("what a peer sent with its leaf still counts")
    func intermediates() throws {
        let middle = try authority.makeIntermediate("middle")
        let key = try PrivateKey.generate()
        let leaf = try authority.issue(.init(.cart), for: key, signer: "middle")
        let chained = try WorkloadCertificate(
            chainPEM: [leaf, middle, authority.rootPEM], key: key, expecting: .cart)
        let client = try peers(chained, authority.workload(.till)).client
        #expect(try authority.workload(.till).problem(of: client, as: .server) == nil)
        #expect(try next.workload(.till).problem(of: client, as: .server) != nil)
    }

    @Test("dates do not count: a certificate that ends does not end what lives")
    func dates() throws {
        let till = try authority.workload(.till)
        let key = try PrivateKey.generate()
        var leaf = TestAuthority.Leaf(.cart)
        leaf.days = -1
        let expired = try PEMText.certificates(in: try authority.issue(leaf, for: key))
        #expect(till.serverContext.problem(of: expired) == nil)
        leaf.extendedKeyUsage = "serverAuth"
        let wrong = try PEMText.certificates(in: try authority.issue(leaf, for: key))
        #expect(
            till.serverContext.problem(of: wrong) == .wrongPurpose(subject: Identity.cart.description),
            "everything else counts as in a handshake")
        #expect(till.clientContext.problem(of: wrong) == nil)
        #expect(till.serverContext.problem(of: []) != nil, "nothing is not believed")
    }
}

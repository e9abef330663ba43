import MeshModel
import MeshTesting
import Testing

@testable import MeshTLS

/// Two trust domains with an authority each.
struct TwoDomains {
    let ours: TestAuthority
    let theirs: TestAuthority
    let partner = Identity(trustDomain: "partner.example", namespace: "shop", serviceAccount: "cart")

    init() throws {
        ours = try TestAuthority(name: "ours")
        theirs = try TestAuthority(name: "theirs")
    }

    func bundles(ofPartner: TestAuthority? = nil) throws -> [String: TrustBundle] {
        [
            "cluster.local": try TrustBundle(der: ours.bundle()),
            "partner.example": try TrustBundle(der: (ofPartner ?? theirs).bundle()),
        ]
    }

    /// Whoever has these believes both authorities about one domain.
    func credulous(_ domain: String) throws -> [String: TrustBundle] {
        let both = try TrustBundle(der: ours.bundle() + theirs.bundle())
        return try bundles().merging([domain: both]) { $1 }
    }

    /// A certificate as SPIFFE's Workload API would give it.
    func certificate(
        _ identity: Identity, by authority: TestAuthority, bundles: [String: TrustBundle]
    ) throws -> WorkloadCertificate {
        let svid = try authority.svid(.init(identity))
        return try WorkloadCertificate(
            chainDER: svid.chain, key: try PrivateKey.read(pkcs8: svid.key), bundles: bundles, expecting: identity)
    }
}

@Suite("Bundles of several trust domains")
struct TrustDomainTests {
    let domains: TwoDomains
    let till: WorkloadCertificate

    init() throws {
        domains = try TwoDomains()
        till = try domains.certificate(.till, by: domains.ours, bundles: domains.bundles())
    }

    private func outcome(
        _ client: WorkloadCertificate, _ server: WorkloadCertificate
    ) throws -> (client: [TLSError], server: [TLSError], peers: Int) {
        let pair = try EmbeddedPair(
            client: client, server: server, serverExpects: .trustDomains(server.trustDomains))
        try pair.start()
        defer { pair.finish() }
        return (
            pair.client.recorder.errors, pair.server.recorder.errors,
            pair.client.recorder.peers.count + pair.server.recorder.peers.count
        )
    }

    @Test("members of both domains call each other, each verified by the bundle of its own")
    func federation() throws {
        let partner = try domains.certificate(domains.partner, by: domains.theirs, bundles: domains.bundles())
        for (client, server) in [(partner, till), (till, partner), (till, till)] {
            let found = try outcome(client, server)
            #expect(found.peers == 2 && found.client.isEmpty && found.server.isEmpty, "\(found)")
        }
        #expect(till.trustDomains == ["cluster.local", "partner.example"])
        #expect(till.anchors.count == 2 && till.roots.count == 2)
        #expect(till.roots.first?.pem == domains.ours.rootPEM)
    }

    @Test("the authority of a foreign domain vouches for nobody of ours, as client or as server")
    func forged() throws {
        let bundles = try domains.credulous("cluster.local")
        let forged = try domains.certificate(.cart, by: domains.theirs, bundles: bundles)
        let refusal = TLSError.peerCertificate(.unknownIssuer(issuer: "O=theirs"))
        let pair = try EmbeddedPair(client: forged, server: till)
        try pair.start()
        #expect(pair.server.recorder.errors == [refusal])
        pair.finish()
        let other = try EmbeddedPair(client: till, server: forged)
        try other.start()
        #expect(other.client.recorder.errors == [refusal])
        other.finish()
    }

    @Test("our own authority vouches for nobody of a foreign domain")
    func forgedByUs() throws {
        let bundles = try domains.credulous("partner.example")
        let forged = try domains.certificate(domains.partner, by: domains.ours, bundles: bundles)
        #expect(try outcome(forged, till).server == [.peerCertificate(.unknownIssuer(issuer: "O=ours"))])
    }

    @Test("a leaf with names of two domains is nobody, whichever comes first")
    func twoNames() throws {
        for names in [[domains.partner, .cart], [.cart, domains.partner]] {
            let key = try PrivateKey.generate()
            var leaf = TestAuthority.Leaf()
            leaf.names = names.map { "URI:\($0)" }.joined(separator: ",")
            let pem = try domains.theirs.issue(leaf, for: key)
            let certificates = try PEMText.certificates(in: pem)
            let roots = try PEMText.certificates(in: domains.ours.rootPEM)
            let material = TLSMaterial(
                leaf: certificates[0], chain: [], roots: roots, authorities: nil, key: key)
            let client = TLSHandler(
                context: try TLSContext(role: .client, material: material), role: .client, expecting: .anyOf([.till]))
            let server = TLSHandler(
                context: till.serverContext, role: .server, expecting: .trustDomains(till.trustDomains))
            let pair = try EmbeddedPair(client: client, server: server)
            try pair.start()
            let refusal = TLSError.peerTrustDomain(
                expected: "cluster.local, partner.example", found: names.map(\.description))
            #expect(pair.server.recorder.errors == [refusal])
            pair.finish()
        }
    }

    @Test("without a bundle for it, a domain is refused; a live peer is, too, once its bundle is gone or another")
    func withdrawn() throws {
        let partner = try domains.certificate(domains.partner, by: domains.theirs, bundles: domains.bundles())
        let pair = try EmbeddedPair(client: partner, server: till, serverExpects: .trustDomains(till.trustDomains))
        try pair.start()
        let peer = try #require(pair.server.recorder.peers.first)
        pair.finish()
        #expect(till.problem(of: peer, as: .server) == nil)
        let alone = try domains.certificate(
            .till, by: domains.ours, bundles: ["cluster.local": try TrustBundle(der: domains.ours.bundle())])
        let found = [domains.partner.description]
        #expect(
            try outcome(partner, alone).server == [.peerTrustDomain(expected: "cluster.local", found: found)])
        #expect(alone.problem(of: peer, as: .server) != nil)
        #expect(alone.anchors != till.anchors)
        let replaced = try domains.certificate(
            .till, by: domains.ours, bundles: domains.bundles(ofPartner: try TestAuthority(name: "theirs")))
        #expect(replaced.problem(of: peer, as: .server) != nil)
    }

    @Test("bytes that are no SVID, no key or no bundle are refused by what they should have been")
    func garbage() throws {
        let svid = try domains.ours.svid(.init(.till))
        let bundles = try domains.bundles()
        func refused(_ chain: [UInt8], _ problem: OwnCertificateProblem) {
            #expect(throws: TLSError.ownCertificate(problem)) {
                _ = try WorkloadCertificate(
                    chainDER: chain, key: PrivateKey.read(pkcs8: svid.key), bundles: bundles, expecting: .till)
            }
        }
        let broken = OwnCertificateProblem.unreadable(part: "certificate chain")
        refused([], .emptyChain)
        refused([0x30], broken)
        refused(Array(svid.chain.dropLast()), broken)
        refused(svid.chain + [0], broken)
        refused(try domains.ours.svid(.init(.till)).chain, .keyMismatch)
        for key in [[], [0x30], Array(svid.key.dropLast()), svid.key + [0], svid.chain] {
            #expect(throws: TLSError.ownCertificate(.unreadable(part: "private key"))) {
                _ = try PrivateKey.read(pkcs8: key)
            }
        }
        #expect(throws: TLSError.ownCertificate(.unreadable(part: "trust bundle"))) {
            _ = try TrustBundle(der: try domains.ours.bundle() + [1])
        }
        #expect(throws: TLSError.ownCertificate(.noRoots)) { _ = try TrustBundle(der: []) }
    }
}

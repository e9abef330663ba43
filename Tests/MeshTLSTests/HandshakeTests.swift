import MeshModel
import MeshTLS
import MeshTesting
import NIOCore
import NIOEmbedded
import Testing

@Suite("TLS handshakes")
struct HandshakeTests {
    let authority: TestAuthority
    let cart: WorkloadCertificate
    let till: WorkloadCertificate

    init() throws {
        authority = try TestAuthority()
        cart = try authority.workload(.cart)
        till = try authority.workload(.till)
    }

    @Test("both sides learn the identity, serial number and end date of the other, once")
    func bothSidesVerify() throws {
        let pair = try EmbeddedPair(client: cart, server: till)
        try pair.start()
        #expect(pair.client.recorder.errors == [])
        #expect(pair.server.recorder.errors == [])
        #expect(pair.client.recorder.peers.map(\.identity) == [.till])
        #expect(pair.server.recorder.peers.map(\.identity) == [.cart])
        #expect(pair.server.recorder.peers.first?.serialNumber == cart.serialNumber)
        #expect(pair.server.recorder.peers.first?.notAfterSeconds == cart.notAfterSeconds)
        pair.finish()
    }

    @Test("a handshake survives wires that deliver one byte at a time")
    func oneByteAtATime() throws {
        let pair = try EmbeddedPair(client: cart, server: till)
        pair.client.write([ByteBuffer(string: "early")])
        try pair.start(pieceBytes: { 1 })
        #expect(pair.client.recorder.peers.count == 1)
        #expect(pair.server.recorder.peers.count == 1)
        #expect(pair.server.recorder.received == ByteBuffer(string: "early"))
        #expect(!pair.server.recorder.plaintextBeforePeer)
        pair.finish()
    }

    @Test("a server that is not the expected one is refused, and hears so before any data")
    func wrongServerIdentity() throws {
        let other = Identity(namespace: "shop", serviceAccount: "other")
        let pair = try EmbeddedPair(client: cart, server: till, clientExpects: .anyOf([other]))
        pair.client.write([ByteBuffer(string: "secret")])
        try pair.start()
        #expect(pair.client.recorder.errors == [.peerIdentity(expected: [other], found: [Identity.till.description])])
        #expect(pair.server.recorder.errors == [.alertReceived(alert(42, "bad certificate", in: pair.server))])
        #expect(pair.client.recorder.peers == [])
        #expect(pair.server.recorder.peers == [])
        #expect(pair.server.recorder.received.readableBytes == 0)
        pair.finish()
    }

    @Test("an empty set of expected identities admits no one")
    func emptyExpectation() throws {
        let pair = try EmbeddedPair(client: cart, server: till, clientExpects: .anyOf([]))
        try pair.start()
        #expect(pair.client.recorder.errors == [.peerIdentity(expected: [], found: [Identity.till.description])])
        pair.finish()
    }

    @Test("a client of another trust domain is refused and gets an alert")
    func wrongTrustDomain() throws {
        let pair = try EmbeddedPair(client: cart, server: till, serverExpects: .trustDomains(["other.mesh"]))
        try pair.start()
        let found = [Identity.cart.description]
        #expect(pair.server.recorder.errors == [.peerTrustDomain(expected: "other.mesh", found: found)])
        #expect(pair.client.recorder.errors == [.alertReceived(alert(42, "bad certificate", in: pair.client))])
        #expect(pair.server.recorder.peers == [])
        pair.finish()
    }

    @Test("a client of a foreign authority is refused")
    func foreignClient() throws {
        let foreign = try TestAuthority(name: "foreign")
        let stranger = try foreign.workload(.cart, roots: authority.rootPEM)
        let pair = try EmbeddedPair(client: stranger, server: till)
        try pair.start()
        #expect(pair.server.recorder.errors == [.peerCertificate(.unknownIssuer(issuer: "O=foreign"))])
        #expect(pair.client.recorder.errors == [.alertReceived(alert(48, "unknown CA", in: pair.client))])
        pair.finish()
    }

    @Test("a server of a foreign authority is refused")
    func foreignServer() throws {
        let foreign = try TestAuthority(name: "foreign")
        let pair = try EmbeddedPair(client: cart, server: foreign.workload(.till))
        try pair.start()
        #expect(pair.client.recorder.errors == [.peerCertificate(.unknownIssuer(issuer: "O=foreign"))])
        #expect(pair.server.recorder.peers == [])
        pair.finish()
    }

    @Test("while roots rotate, peers of either root are verified")
    func twoRoots() throws {
        let next = try TestAuthority(name: "next")
        let both = authority.rootPEM + next.rootPEM
        let server = try authority.workload(.till, roots: both)
        #expect(server.roots.count == 2)
        for issuer in [authority, next] {
            let pair = try EmbeddedPair(client: issuer.workload(.cart, roots: both), server: server)
            try pair.start()
            #expect(pair.server.recorder.peers.map(\.identity) == [.cart])
            #expect(pair.client.recorder.peers.map(\.identity) == [.till])
            pair.finish()
        }
    }

    @Test("intermediates are sent along, so that a peer with the root alone can verify")
    func intermediates() throws {
        let middle = try authority.makeIntermediate("middle")
        let key = try PrivateKey.generate()
        let leaf = try authority.issue(.init(.cart), for: key, signer: "middle")
        let chained = try WorkloadCertificate(
            chainPEM: [leaf, middle, authority.rootPEM], key: key, expecting: .cart)
        #expect(chained.intermediates.count == 1)
        let pair = try EmbeddedPair(client: chained, server: till)
        try pair.start()
        #expect(pair.server.recorder.peers.map(\.identity) == [.cart])
        pair.finish()
    }

    @Test("a root that is signed by another one is believed as it stands")
    func rootThatIsNotSelfSigned() throws {
        let middle = try authority.makeIntermediate("middle")
        let key = try PrivateKey.generate()
        let leaf = try authority.issue(.init(.cart), for: key, signer: "middle")
        let client = try WorkloadCertificate(chainPEM: [leaf, middle], key: key, expecting: .cart)
        let serverKey = try PrivateKey.generate()
        let serverLeaf = try authority.issue(.init(.till), for: serverKey, signer: "middle")
        let server = try WorkloadCertificate(chainPEM: [serverLeaf, middle], key: serverKey, expecting: .till)
        let pair = try EmbeddedPair(client: client, server: server)
        try pair.start()
        #expect(pair.server.recorder.peers.map(\.identity) == [.cart])
        pair.finish()
    }

    @Test("an expired certificate is refused with its end date")
    func expired() throws {
        let old = try authority.workload(.cart, days: -1)
        let pair = try EmbeddedPair(client: old, server: till)
        try pair.start()
        let name = Identity.cart.description
        let problem = PeerCertificateProblem.expired(subject: name, notAfterSeconds: old.notAfterSeconds)
        #expect(pair.server.recorder.errors == [.peerCertificate(problem)])
        #expect(pair.client.recorder.errors == [.alertReceived(alert(45, "certificate expired", in: pair.client))])
        #expect("\(problem)".contains("was valid until 20"))
        pair.finish()
    }

    @Test("a wire that closes in the middle is an error, once")
    func closedDuringHandshake() throws {
        let end = try EmbeddedEnd(
            TLSHandler(context: till.serverContext, role: .server, expecting: .trustDomains(["cluster.local"])))
        try end.activate()
        end.channel.pipeline.fireChannelInactive()
        #expect(end.recorder.errors == [.closedDuringHandshake])
    }

    @Test("a peer that says nothing is given up after the handshake timeout")
    func timeout() throws {
        let end = try EmbeddedEnd(
            TLSHandler(
                context: till.serverContext, role: .server, expecting: .trustDomains(["cluster.local"]),
                handshakeTimeout: .seconds(3)))
        try end.activate()
        end.channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(end.recorder.errors == [])
        end.channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(end.recorder.errors == [.handshakeTimeout(milliseconds: 3_000)])
        #expect(!end.channel.isActive)
    }

    @Test("a finished handshake cancels its timeout")
    func timeoutCancelled() throws {
        let pair = try EmbeddedPair(client: cart, server: till)
        try pair.start()
        pair.server.channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        #expect(pair.server.recorder.errors == [])
        #expect(pair.server.channel.isActive)
        pair.finish()
    }

    @Test("bytes that are not TLS end in an error", arguments: [
        "GET / HTTP/1.1\r\n\r\n", "\u{16}\u{03}\u{01}\u{7F}\u{7F}x", "aaaaaaaaaaaaaaaaaaaaaaaa",
    ])
    func garbage(text: String) throws {
        let end = try EmbeddedEnd(
            TLSHandler(context: till.serverContext, role: .server, expecting: .trustDomains(["cluster.local"])))
        try end.activate()
        try end.channel.writeInbound(ByteBuffer(string: text))
        #expect(end.recorder.errors.count == 1)
        guard case .protocolViolation = end.recorder.errors.first else {
            Issue.record("found \(end.recorder.errors)")
            return
        }
        #expect(end.recorder.received.readableBytes == 0)
    }

    @Test("errors of one connection never show up in another")
    func errorQueueIsDrained() throws {
        for _ in 0..<3 {
            let bad = try EmbeddedPair(client: cart, server: till, clientExpects: .anyOf([]))
            let good = try EmbeddedPair(client: cart, server: till)
            try good.start()
            try bad.start()
            good.client.write([ByteBuffer(string: "one")])
            try good.pump()
            good.server.write([ByteBuffer(string: "two")])
            try good.pump()
            #expect(good.client.recorder.errors == [])
            #expect(good.client.recorder.received == ByteBuffer(string: "two"))
            #expect(good.server.recorder.received == ByteBuffer(string: "one"))
            good.finish()
            bad.finish()
        }
    }

    /// The alert's name is libssl's, so take it from what was received and compare loosely.
    private func alert(_ code: UInt8, _ name: String, in end: EmbeddedEnd) -> TLSAlert {
        guard case .alertReceived(let alert) = end.recorder.errors.first, alert.code == code,
            alert.name.lowercased() == name.lowercased()
        else {
            Issue.record("expected alert \(code) \(name), found \(end.recorder.errors)")
            return TLSAlert(code: code, name: name)
        }
        return alert
    }
}

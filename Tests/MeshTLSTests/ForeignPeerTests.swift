import Foundation
import MeshModel
import MeshTLS
import MeshTesting
import NIOCore
import NIOPosix
import Testing

/// Over real sockets, with ourselves and with the `openssl` command, which may do what our own side never would.
@Suite("TLS over sockets")
struct ForeignPeerTests {
    let authority: TestAuthority
    let till: WorkloadCertificate
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    init() throws {
        authority = try TestAuthority()
        till = try authority.workload(.till)
    }

    @Test("two of ours talk both ways")
    func ours() async throws {
        let server = try await RealServer(till, group: group)
        let cart = try authority.workload(.cart)
        let client = try await RealClient.outcome(of: cart, expecting: .till, port: server.port, group: group)
        guard case .spoke(let peer, "pong") = client else {
            Issue.record("found \(client)")
            return
        }
        #expect(peer.identity == .till)
        guard case .spoke(let caller, "ping") = try await server.outcome.get() else {
            Issue.record("the server heard nothing")
            return
        }
        #expect(caller.identity == .cart)
        try await finish(server)
    }

    @Test("a refusal reaches the peer as an alert, also when it has sent data already")
    func alertArrives() async throws {
        let server = try await RealServer(till, group: group)
        let foreign = try TestAuthority(name: "foreign")
        let stranger = try foreign.workload(.cart, roots: authority.rootPEM)
        let client = try await RealClient.outcome(of: stranger, expecting: .till, port: server.port, group: group)
        guard case .refused(.alertReceived(let alert)) = client else {
            Issue.record("found \(client)")
            return
        }
        #expect(alert.code == 48)
        #expect(try await server.outcome.get() == .refused(.peerCertificate(.unknownIssuer(issuer: "O=foreign"))))
        try await finish(server)
    }

    @Test("the openssl command is served when it does everything right")
    func goodForeignClient() async throws {
        let (text, outcome) = try await call(["-tls1_3", "-alpn", "h2"], leaf: .init(.cart))
        #expect(text.contains("ALPN protocol: h2"))
        #expect(text.contains("TLS_AES_128_GCM_SHA256"))
        #expect(text.contains("No client certificate CA names sent"))
        #expect(!text.contains("New Session Ticket"))
        guard case .spoke(let peer, "ping\n") = outcome else {
            Issue.record("found \(outcome)")
            return
        }
        #expect(peer.identity == .cart)
    }

    @Test("a peer of TLS 1.2 is refused")
    func tls12() async throws {
        let (text, outcome) = try await call(["-tls1_2", "-alpn", "h2"], leaf: .init(.cart))
        #expect(text.contains("alert protocol version"))
        guard case .refused(.protocolViolation(let reason)) = outcome else {
            Issue.record("found \(outcome)")
            return
        }
        #expect(reason == "unsupported protocol")
    }

    @Test("a peer that speaks another protocol by ALPN is refused")
    func otherProtocol() async throws {
        let (text, outcome) = try await call(["-tls1_3", "-alpn", "http/1.1"], leaf: .init(.cart))
        #expect(text.contains("no application protocol"))
        #expect(outcome == .refused(.noCommonProtocol))
    }

    @Test("a peer that names no protocol by ALPN is refused")
    func noProtocol() async throws {
        let (text, outcome) = try await call(["-tls1_3"], leaf: .init(.cart))
        #expect(text.contains("alert"))
        #expect(outcome == .refused(.noCommonProtocol))
    }

    @Test("a client without a certificate is refused")
    func noClientCertificate() async throws {
        let (text, outcome) = try await call(["-tls1_3", "-alpn", "h2"], leaf: nil)
        #expect(text.contains("alert certificate required"))
        #expect(outcome == .refused(.noPeerCertificate))
    }

    @Test("a certificate for servers alone is no client's")
    func wrongPurpose() async throws {
        var leaf = TestAuthority.Leaf(.cart)
        leaf.extendedKeyUsage = "serverAuth"
        let (text, outcome) = try await call(["-tls1_3", "-alpn", "h2"], leaf: leaf)
        #expect(text.contains("alert"))
        #expect(outcome == .refused(.peerCertificate(.wrongPurpose(subject: Identity.cart.description))))
    }

    @Test("a client whose names are no identities is refused")
    func noIdentity() async throws {
        var leaf = TestAuthority.Leaf()
        leaf.names = "URI:https://example.org,DNS:example.org,URI:spiffe://cluster.local/ns/shop"
        let (_, outcome) = try await call(["-tls1_3", "-alpn", "h2"], leaf: leaf)
        let found = ["https://example.org", "spiffe://cluster.local/ns/shop"]
        #expect(outcome == .refused(.peerTrustDomain(expected: "cluster.local", found: found)))
    }

    @Test("a server that agrees to no protocol, or to TLS 1.2 alone, is refused", arguments: [
        (["-tls1_3"], TLSError.noCommonProtocol), (["-tls1_2", "-alpn", "h2"], nil),
    ])
    func foreignServer(options: [String], expected: TLSError?) async throws {
        try writeLeaf(.init(.till))
        let arguments = ["s_server", "-accept", "127.0.0.1:0", "-cert", "peer.pem", "-key", "peer.key"] + options
        let server = try OpenSSLPeer(arguments, in: authority.folder)
        let banner = server.text(until: "ACCEPT 127.0.0.1:")
        let digits = banner.components(separatedBy: "ACCEPT 127.0.0.1:").last?.prefix { $0.isNumber } ?? ""
        let port = try #require(Int(digits))
        let cart = try authority.workload(.cart)
        let outcome = try await RealClient.outcome(of: cart, expecting: .till, port: port, group: group)
        if let expected {
            #expect(outcome == .refused(expected))
        } else if case .refused(.alertReceived(let alert)) = outcome {
            #expect(alert.code == 70)
        } else {
            Issue.record("found \(outcome)")
        }
        server.stop()
        try await group.shutdownGracefully()
    }

    /// Runs `openssl s_client` against a server of ours.
    private func call(
        _ options: [String], leaf: TestAuthority.Leaf?
    ) async throws -> (text: String, outcome: Outcome) {
        let server = try await RealServer(till, group: group)
        var arguments = ["s_client", "-connect", "127.0.0.1:\(server.port)", "-ign_eof"] + options
        if let leaf {
            try writeLeaf(leaf)
            arguments += ["-cert", "peer.pem", "-key", "peer.key"]
        }
        let client = try OpenSSLPeer(arguments, in: authority.folder)
        client.say("ping\n")
        let text = client.text(until: "pong")
        let outcome = try await server.outcome.get()
        client.stop()
        try await finish(server)
        return (text, outcome)
    }

    /// A leaf with a key in files, since our own keys have no way out of memory.
    private func writeLeaf(_ leaf: TestAuthority.Leaf) throws {
        try TestAuthority.openssl(
            ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "peer.key"], in: authority.folder)
        let request = try TestAuthority.openssl(
            ["req", "-new", "-key", "peer.key", "-subj", "/"], in: authority.folder)
        let pem = try authority.sign(
            request: request, extensions: leaf.extensions, days: leaf.days, signer: "root")
        try pem.write(to: authority.folder.appending(path: "peer.pem"), atomically: true, encoding: .utf8)
    }

    private func finish(_ server: RealServer) async throws {
        try await server.channel.close()
        try await group.shutdownGracefully()
    }
}

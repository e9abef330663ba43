import HBONE
import MeshKernel
import MeshModel
import MeshTLS
import NIOCore
import NIOEmbedded
import Testing

@testable import MeshProxy

@Suite("What other rooms report, in the words of the log")
struct FailureMappingTests {
    @Test("a dial that times out: on the HBONE port a NetworkPolicy is the likely reason, elsewhere not")
    func timeouts() throws {
        let error = ChannelError.connectTimeout(.seconds(10))
        let tunnel = ConnectionFailure(dialing: try address("10.0.0.2:15008"), error)
        #expect(tunnel == .hboneDialTimedOut(cause: "no answer from 10.0.0.2:15008 within 10 s"))
        #expect(tunnel.flag == .networkPolicy)
        let plain = ConnectionFailure(dialing: try address("10.0.0.2:80"), error)
        #expect(plain == .dial(cause: "no answer from 10.0.0.2:80 within 10 s"))
        #expect(plain.flag == .connectFailure)
    }

    @Test("a dial that fails otherwise names the peer and the reason")
    func dials() throws {
        let peer = try address("10.0.0.2:80")
        let refused = ConnectionFailure(dialing: peer, IOError(errnoCode: 111, reason: "connect"))
        guard case .dial(let cause) = refused else { return wrong("\(refused)") }
        #expect(cause.hasPrefix("10.0.0.2:80: connect"))
        #expect(refused.mayTryAnotherEndpoint)
        #expect(ConnectionFailure(dialing: peer, ConnectionFailure.drained) == .drained)
        let namespace = KernelError.notANetworkNamespace(path: "x")
        #expect(ConnectionFailure(dialing: peer, namespace) == .dial(cause: "10.0.0.2:80: \(namespace)"))
    }

    @Test("a stream that could not be opened", arguments: [
        (HBONEError.dial(.recursion), ConnectionFailure.recursion), (.status(401), .status(401)),
        (.poolDraining, .poolDraining), (.poolFull, .limitReached(limit: "poolWaiting")),
        (
            .connectionClosed(.settingsTimeout),
            .http2Handshake(cause: HBONEError.connectionClosed(.settingsTimeout).cause)
        ),
        (
            .connectionClosed(.protocolViolation("x")),
            .http2Handshake(cause: HBONEError.connectionClosed(.protocolViolation("x")).cause)
        ),
        (.connectionClosed(.cut(.peerDistrusted("x"))), .peerDistrusted(cause: "x")),
        (.connectionClosed(.peerClosed), .http2(cause: HBONEError.connectionClosed(.peerClosed).cause)),
        (.goneAway, .http2(cause: HBONEError.goneAway.cause)),
        (.noFreeStream, .http2(cause: HBONEError.noFreeStream.cause)),
        (.streamReset(.refusedStream), .http2(cause: HBONEError.streamReset(.refusedStream).cause)),
        (.unsendable("x"), .http2(cause: HBONEError.unsendable("x").cause)),
    ])
    func streams(error: HBONEError, expected: ConnectionFailure) {
        #expect(ConnectionFailure(tunnel: error) == expected)
    }

    @Test("the kind of failure is named once", arguments: [
        (HBONEError.goneAway, "h2 failed: peer went away before it took the request"),
        (.noFreeStream, "h2 failed: no free stream on the connection"),
        (.streamReset(.refusedStream), "h2 failed: stream reset by peer: \(HTTP2ErrorCode.refusedStream)"),
        (.unsendable("x"), "h2 failed: request cannot be sent: x"),
        (.connectionClosed(.peerClosed), "h2 failed: closed by peer"),
        (.connectionClosed(.settingsTimeout), "http2 handshake failed: no settings from peer in time"),
        (.connectionClosed(.protocolViolation("x")), "http2 handshake failed: protocol violation: x"),
        (.status(503), "http status: 503 Service Unavailable"), (.poolDraining, "pool draining"),
    ])
    func texts(error: HBONEError, expected: String) {
        #expect(ConnectionFailure(tunnel: error).description == expected)
    }

    @Test("a handshake that fails says once that it is TLS")
    func handshakeText() throws {
        var failures: [String] = []
        let channel = EmbeddedChannel(
            handler: HandshakeGate { if case .failure(let failure) = $0 { failures.append("\(failure)") } })
        channel.pipeline.fireErrorCaught(TLSError.noPeerCertificate)
        #expect(failures == ["tls error: peer sent no certificate; mutual TLS needs one"])
        _ = try? channel.finish()
    }

    @Test("a refusal by policy is not tried elsewhere, a peer without capacity is")
    func retries() {
        #expect(!ConnectionFailure(tunnel: .status(401)).mayTryAnotherEndpoint)
        #expect(!ConnectionFailure(tunnel: .status(400)).mayTryAnotherEndpoint)
        #expect(ConnectionFailure(tunnel: .status(503)).mayTryAnotherEndpoint)
        #expect(ConnectionFailure(tunnel: .goneAway).mayTryAnotherEndpoint)
        #expect(!ConnectionFailure(tunnel: .poolFull).mayTryAnotherEndpoint)
    }

    @Test("how copying ended: the ordinary ends of TCP are no failure", arguments: [
        (RelayEnd.Reason.completed, nil), (.error(.receive(.channel, .reset)), nil),
        (.error(.send(.counterpart, .brokenPipe)), nil), (.error(.send(.channel, .notConnected)), nil),
        (.error(.receive(.counterpart, .disconnected)), nil),
        (.error(.receive(.channel, .system(errno: 110))), .receive(cause: RelayFault.system(errno: 110).description)),
        (
            .error(.send(.counterpart, .stream(.internalError))),
            .send(cause: RelayFault.stream(.internalError).description)
        ),
        (.cut(.policyRejected), .policyRejection(.noneAllowed)), (.cut(.policyChanged), .policyChanged),
        (.cut(.certificateRevoked), .certificateRevoked), (.cut(.drained), .drained),
        (.cut(.peerDistrusted("x")), .peerDistrusted(cause: "x")),
        (.cut(.drainDeadline), .drainTimedOut), (.cut(.superseded("x")), .closing(cause: "x")),
    ] as [(RelayEnd.Reason, ConnectionFailure?)])
    func ends(reason: RelayEnd.Reason, expected: ConnectionFailure?) {
        let end = RelayEnd(bytesFromChannel: 1, bytesToChannel: 2, reason: reason)
        #expect(ConnectionFailure(relay: end) == expected)
    }

    @Test("a relay that we end says why", arguments: [
        (ConnectionFailure.policyChanged, RelayCut.policyChanged), (.policyRejection(.noneAllowed), .policyRejected),
        (.certificateRevoked, .certificateRevoked), (.drained, .drained),
        (.peerDistrusted(cause: "x"), .peerDistrusted("x")),
        (.recursion, .superseded(ConnectionFailure.recursion.description)),
    ])
    func cuts(failure: ConnectionFailure, expected: RelayCut) {
        var ends: [RelayEnd] = []
        let relay = Relay { ends.append($0) }
        relay.close(failure)
        relay.close(.drained)
        #expect(ends.map(\.reason) == [.cut(expected)], "once, and the first reason stays")
    }
}

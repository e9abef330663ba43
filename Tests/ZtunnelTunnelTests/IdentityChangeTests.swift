import HBONE
import MeshIdentity
import MeshModel
import MeshProxy
import MeshTLS
import MeshTesting
import NIOCore
import NIOEmbedded
import Testing

@testable import ZtunnelTunnel

@Suite("Changes of a pod's certificate, roots and identity")
struct IdentityChangeTests {
    private let web = Identity(namespace: "ns", serviceAccount: "web")
    private let other = Identity(namespace: "ns", serviceAccount: "other")
    private let caller = Identity(namespace: "ns", serviceAccount: "caller")
    private let eventLoop = EmbeddedEventLoop()
    private let authority: TestAuthority
    private let rig: Rig

    init() throws {
        authority = try TestAuthority(name: "first")
        rig = try Rig(on: eventLoop, log: LogLines(), world: world(try pod("web", at: "10.0.0.2")))
    }

    private func learn(_ certificate: WorkloadCertificate) {
        rig.pod.learn(.success(certificate), of: certificate.identity)
    }

    private func change(to serviceAccount: String) throws {
        rig.loop.learn(world(try pod("web", at: "10.0.0.2") { $0.serviceAccount = serviceAccount }))
    }

    /// A caller's tunnel that is up.
    private func tunnel() throws -> EmbeddedTunnel {
        let tunnel = try EmbeddedTunnel(to: rig.pod, on: eventLoop)
        try tunnel.shakeHands(as: try authority.workload(caller), expecting: web)
        #expect(tunnel.connection?.isReady == true, "\(String(describing: tunnel.failure))")
        #expect(rig.pod.tunnels.count == 1)
        return tunnel
    }

    @Test("roots that verify the peer no longer end its tunnel; a mere renewal and added roots do not")
    func rootsReplaced() async throws {
        let next = try TestAuthority(name: "next")
        learn(try authority.workload(web))
        let tunnel = try tunnel()
        learn(try authority.workload(web))
        learn(try next.workload(web, roots: authority.rootPEM + next.rootPEM))
        try tunnel.pump()
        #expect(tunnel.connection?.isReady == true && rig.pod.tunnels.count == 1)
        learn(try next.workload(web))
        #expect(rig.pod.tunnels.count == 0)
        try tunnel.pump()
        #expect(tunnel.connection?.isReady == false)
        _ = await rig.log.finished()
    }

    @Test("so does the other side of a tunnel, and its streams learn why")
    func rootsReplacedAsClient() async throws {
        let next = try TestAuthority(name: "next")
        learn(try authority.workload(web))
        let tunnel = try tunnel()
        let connection = try #require(tunnel.connection)
        let peer = try #require(tunnel.peer)
        // The caller's end, as if it were one of this pod's own dials.
        let number = rig.pod.tunnels.nextNumber()
        rig.pod.tunnels.insert(LiveTunnel(connection: connection, identity: web, peer: peer), number: number)
        var failures: [HBONEError] = []
        connection.open(ConnectRequest(authority: "10.0.0.2:80")) { result in
            if case .failure(let error) = result { failures.append(error) }
        }
        learn(try next.workload(web))
        let cause = "unknown issuer: no root of ours signed for O=first"
        #expect(tunnel.closeReasons == [.cut(.peerDistrusted(cause))])
        #expect(failures.map(ConnectionFailure.init(tunnel:)) == [.peerDistrusted(cause: cause)])
        _ = await rig.log.finished()
    }

    @Test("after another identity the old certificate is shown to nobody; who calls meanwhile gets the new one")
    func newCertificateIsWaitedFor() async throws {
        learn(try authority.workload(web))
        try change(to: "other")
        #expect(rig.pod.certificate == nil)
        let waiting = try EmbeddedTunnel(to: rig.pod, on: eventLoop)
        try waiting.begin(as: try authority.workload(caller), expecting: other)
        // The former identity is kept until the new one is, so a renewal of it may come late.
        learn(try authority.workload(web))
        #expect(rig.pod.certificate == nil)
        learn(try authority.workload(other))
        try waiting.pump()
        #expect(waiting.peer?.identity == other, "\(String(describing: waiting.failure))")
        #expect(waiting.connection?.isReady == true)
        _ = await rig.log.finished()
    }

    @Test("a new certificate that does not come refuses callers, and the log says whose is missing")
    func newCertificateDoesNotCome() async throws {
        learn(try authority.workload(web))
        try change(to: "other")
        let waiting = try EmbeddedTunnel(to: rig.pod, on: eventLoop)
        try waiting.begin(as: try authority.workload(caller), expecting: web)
        eventLoop.advanceTime(by: rig.loop.settings.readinessTimeout)
        try waiting.pump()
        #expect(waiting.peer == nil)
        let lines = await rig.log.finished()
        #expect(lines.count == 1 && lines[0].contains("no certificate for \(other) was issued yet"), "\(lines)")
    }

    @Test("tunnels of the former identity are drained: no new streams, and those that run go on")
    func drained() async throws {
        learn(try authority.workload(web))
        let tunnel = try tunnel()
        try change(to: "other")
        try tunnel.pump()
        #expect(tunnel.connection?.canOpenStream == false)
        #expect(tunnel.closeReasons.allSatisfy { if case .cut = $0 { false } else { true } })
        // The same record again changes nothing for tunnels of the present identity.
        learn(try authority.workload(other))
        let present = try EmbeddedTunnel(to: rig.pod, on: eventLoop)
        try present.shakeHands(as: try authority.workload(caller), expecting: other)
        try change(to: "other")
        rig.loop.learn(world())
        try change(to: "other")
        try present.pump()
        #expect(present.connection?.canOpenStream == true)
        _ = await rig.log.finished()
    }

    @Test("a handshake under way when the identity changes is refused, with the reason")
    func duringHandshake() async throws {
        learn(try authority.workload(web))
        let tunnel = try EmbeddedTunnel(to: rig.pod, on: eventLoop)
        try tunnel.begin(as: try authority.workload(caller), expecting: web)
        try change(to: "other")
        try tunnel.pump()
        #expect(tunnel.connection?.isReady != true)
        #expect(rig.pod.tunnels.count == 0)
        let lines = await rig.log.finished()
        #expect(lines.count == 1 && lines[0].contains("changed from \(web) to \(other)"), "\(lines)")
    }

    @Test("so is one whose caller the roots of meanwhile do not verify")
    func rootsDuringHandshake() async throws {
        learn(try authority.workload(web))
        let tunnel = try EmbeddedTunnel(to: rig.pod, on: eventLoop)
        try tunnel.begin(as: try authority.workload(caller), expecting: web)
        learn(try TestAuthority(name: "next").workload(web))
        try tunnel.pump()
        #expect(rig.pod.tunnels.count == 0)
        let lines = await rig.log.finished()
        #expect(lines.count == 1 && lines[0].contains("peer certificate is no longer trusted"), "\(lines)")
    }
}

internal import HBONE
internal import MeshIdentity
internal import MeshModel
internal import MeshProxy
internal import MeshTLS
internal import MeshTelemetry
internal import NIOCore

/// One HBONE connection that came to our port 15008: TLS with our certificate, then a call a stream.
final class GatewayDoor {
    private let loop: GatewayLoop
    private let channel: any Channel
    private let client: TransportAddress
    private let local: TransportAddress
    private var isShaking = false

    init(loop: GatewayLoop, channel: any Channel, client: TransportAddress, local: TransportAddress) {
        self.loop = loop
        self.channel = channel
        self.client = client
        self.local = local
    }

    func start() {
        guard loop.handshakes < loop.settings.handshakesMax else {
            return refuse(.limitReached(limit: "handshakesMax"))
        }
        isShaking = true
        loop.handshakes += 1
        // However it fails, the channel closes.
        channel.closeFuture.assumeIsolated().whenComplete { _ in self.shaken() }
        loop.withCertificate { result in
            switch result {
            case .success(let certificate)?: self.secure(with: certificate)
            case .failure(let error)?: self.refuse(.identity(cause: "\(error)"))
            case nil: self.refuse(.identity(cause: "no certificate was issued yet"))
            }
        }
    }

    private func shaken() {
        guard isShaking else { return }
        isShaking = false
        loop.handshakes -= 1
    }

    private func refuse(_ failure: ConnectionFailure) {
        loop.accessLog.connectionFailed(failure, source: client, destination: local, reporter: .destination)
        channel.close(promise: nil)
    }

    private func secure(with certificate: WorkloadCertificate) {
        let tls = TLSHandler(
            context: certificate.serverContext, role: .server,
            expecting: .trustDomains(certificate.trustDomains))
        let gate = HandshakeGate { result in
            self.shaken()
            switch result {
            case .success(let peer): self.serve(peer, securedBy: certificate)
            case .failure(let failure): self.refuse(failure)
            }
        }
        do {
            try channel.pipeline.syncOperations.addHandlers([tls, gate])
            try channel.syncOptions?.setOption(.autoRead, value: true)
        } catch {
            refuse(.inputOutput(cause: "\(error)"))
        }
    }

    private func serve(_ peer: VerifiedPeer, securedBy certificate: WorkloadCertificate) {
        // Roots may have changed while hands were shaken.
        if case .success(let present)? = loop.certificate, present !== certificate,
            let problem = present.problem(of: peer, as: .server)
        {
            return refuse(.peerDistrusted(cause: problem.description))
        }
        let number = loop.nextNumber()
        let connection = HBONEConnection(
            role: .server,
            onConnect: { stream, request in
                let caller = Caller(identity: peer.identity, client: self.client, request: request)
                Call.start(stream, from: caller, at: self.local, on: self.loop)
            },
            onClosed: { [loop] _ in loop.removeTunnel(number) }
        )
        do {
            try channel.pipeline.syncOperations.addHandler(connection)
        } catch {
            return refuse(.inputOutput(cause: "\(error)"))
        }
        // A connection that ended while it was added has told so already, and is not to be kept.
        if !connection.isClosed { loop.insert(GatewayTunnel(connection: connection, peer: peer), number: number) }
    }
}

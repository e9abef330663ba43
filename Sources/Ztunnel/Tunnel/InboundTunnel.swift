internal import HBONE
internal import MeshKernel
internal import MeshModel
internal import MeshPolicy
internal import MeshProxy
internal import MeshTLS
internal import MeshTelemetry
internal import NIOCore

/// One HBONE connection that came to a pod's port 15008: TLS with the pod's certificate, then a CONNECT a stream.
final class InboundTunnel {
    private let pod: PodOnLoop
    private let loop: TunnelLoop
    private let channel: any Channel
    private let client: TransportAddress
    private let local: TransportAddress

    init(pod: PodOnLoop, channel: any Channel, client: TransportAddress, local: TransportAddress) {
        self.pod = pod
        self.loop = pod.loop
        self.channel = channel
        self.client = client
        self.local = local
    }

    func start() {
        do throws(ConnectionFailure) {
            let place = try pod.beginHandshake(.destination)
            // However it fails, the channel closes.
            channel.closeFuture.assumeIsolated().whenComplete { _ in place.end() }
            begin(place)
        } catch {
            refuse(error)
        }
    }

    private func begin(_ place: HandshakePlace) {
        pod.withCertificate { result in
            switch result {
            case .success(let certificate)?:
                self.secure(with: certificate, place)
            case .failure(let error)?:
                self.refuse(.identity(cause: String(describing: error)))
            case nil:
                self.refuse(self.pod.missingCertificate)
            }
        }
    }

    private func refuse(_ failure: ConnectionFailure) {
        loop.accessLog.connectionFailed(failure, source: client, destination: local, reporter: .destination)
        channel.close(promise: nil)
    }

    private func secure(with certificate: WorkloadCertificate, _ place: HandshakePlace) {
        // The pod may have left while its certificate was waited for.
        guard !pod.isClosed else { return refuse(.drained) }
        let tls = TLSHandler(
            context: certificate.serverContext, role: .server,
            expecting: .trustDomains(certificate.trustDomains)
        )
        let gate = HandshakeGate { result in
            switch result {
            case .success(let peer):
                place.end()
                self.serve(peer, securedBy: certificate)
            case .failure(let failure): self.refuse(failure)
            }
        }
        do {
            try channel.pipeline.syncOperations.addHandlers([tls, gate])
            try channel.syncOptions?.setOption(.autoRead, value: true)
        } catch {
            refuse(.inputOutput(cause: String(describing: error)))
        }
    }

    private func serve(_ peer: VerifiedPeer, securedBy certificate: WorkloadCertificate) {
        if let failure = pod.objection(to: peer, securedBy: certificate, as: .server) { return refuse(failure) }
        let number = pod.tunnels.nextNumber()
        let connection = HBONEConnection(
            role: .server,
            onConnect: { stream, request in
                InboundConnect(
                    pod: self.pod, stream: stream, request: request, peer: peer, client: self.client,
                    local: self.local.ip
                ).start()
            },
            onClosed: { [pod] _ in pod.tunnels.remove(number) }
        )
        pod.tunnels.insert(
            LiveTunnel(connection: connection, identity: certificate.identity, peer: peer), number: number)
        do {
            try channel.pipeline.syncOperations.addHandler(connection)
            // Its first requests are served; then the peer makes a new one, to the successor.
            if pod.isDraining { connection.drain() }
        } catch {
            pod.tunnels.remove(number)
            refuse(.inputOutput(cause: String(describing: error)))
        }
    }
}

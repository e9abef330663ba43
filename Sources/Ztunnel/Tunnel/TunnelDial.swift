internal import HBONE
internal import MeshIdentity
internal import MeshModel
internal import MeshProxy
internal import MeshTLS
internal import MeshTelemetry
internal import NIOCore

/// One dial of the pool: TCP from the pod's namespace, TLS with the pod's certificate, HTTP/2 up to the peer's
/// settings.
struct TunnelDial {
    let pod: PodOnLoop
    let key: HBONEPool.Key

    func start() -> EventLoopFuture<HBONEConnection> {
        let promise = pod.loop.eventLoop.makePromise(of: HBONEConnection.self)
        pod.withCertificate { result in
            switch result {
            case nil:
                promise.fail(pod.missingCertificate)
            case .failure(let error):
                promise.fail(ConnectionFailure.identity(cause: String(describing: error)))
            case .success(let certificate) where certificate.identity != key.source:
                // The pod's identity changed and its certificate has not come: peers must not be told the old one.
                promise.fail(
                    ConnectionFailure.identity(cause: "held is \(certificate.identity), needed is \(key.source)"))
            case .success(let certificate):
                connect(with: certificate, promise)
            }
        }
        return promise.futureResult
    }

    private func connect(with certificate: WorkloadCertificate, _ promise: EventLoopPromise<HBONEConnection>) {
        pod.dialer.connect(to: key.peer, for: .tunnel).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel):
                secure(channel, with: certificate, promise)
            case .failure(let error):
                promise.fail(ConnectionFailure(dialing: key.peer, error))
            }
        }
    }

    private func secure(
        _ channel: any Channel, with certificate: WorkloadCertificate, _ promise: EventLoopPromise<HBONEConnection>
    ) {
        let place: HandshakePlace
        do throws(ConnectionFailure) {
            place = try pod.beginHandshake(.source)
        } catch {
            promise.fail(error)
            return channel.close(promise: nil)
        }
        // However it fails, the channel closes.
        channel.closeFuture.assumeIsolated().whenComplete { _ in place.end() }
        let tls = TLSHandler(
            context: certificate.clientContext, role: .client, expecting: .anyOf(Set(key.destinations))
        )
        let gate = HandshakeGate { result in
            switch result {
            case .success(let peer):
                place.end()
                if let failure = pod.objection(to: peer, securedBy: certificate, as: .client) {
                    promise.fail(failure)
                    return channel.close(promise: nil)
                }
                speak(on: channel, with: certificate, to: peer, promise)
            case .failure(let failure):
                promise.fail(failure)
                channel.close(promise: nil)
            }
        }
        do {
            try channel.pipeline.syncOperations.addHandlers([tls, gate])
            try channel.syncOptions?.setOption(.autoRead, value: true)
        } catch {
            promise.fail(ConnectionFailure.inputOutput(cause: String(describing: error)))
            channel.close(promise: nil)
        }
    }

    /// The future is told once: when the peer's settings are here, or when the connection ends before that.
    private func speak(
        on channel: any Channel, with certificate: WorkloadCertificate, to peer: VerifiedPeer,
        _ promise: EventLoopPromise<HBONEConnection>
    ) {
        let outcome = DialOutcome(promise)
        let number = pod.tunnels.nextNumber()
        let connection = HBONEConnection(
            role: .client,
            onReady: { outcome.ready() },
            onClosed: { [pod] reason in
                pod.tunnels.remove(number)
                outcome.failed(.http2Handshake(cause: "\(key.peer): \(reason)"))
            }
        )
        // No new streams once a certificate of either side has expired.
        let end = min(certificate.notAfterSeconds, peer.notAfterSeconds)
        connection.notAfter = .now() + .milliseconds(max(0, end * 1_000 - UnixClock.milliseconds()))
        outcome.connection = connection
        pod.tunnels.insert(
            LiveTunnel(connection: connection, identity: certificate.identity, peer: peer), number: number)
        do {
            try channel.pipeline.syncOperations.addHandler(connection)
        } catch {
            pod.tunnels.remove(number)
            outcome.failed(.inputOutput(cause: String(describing: error)))
            channel.close(promise: nil)
        }
    }
}

/// Tells the pool once: ready, or why not. Holds the connection only until then.
private final class DialOutcome {
    var connection: HBONEConnection?
    private var promise: EventLoopPromise<HBONEConnection>?

    init(_ promise: EventLoopPromise<HBONEConnection>) { self.promise = promise }

    func ready() {
        guard let connection, let promise else { return }
        (self.connection, self.promise) = (nil, nil)
        promise.assumeIsolated().succeed(connection)
    }

    func failed(_ failure: ConnectionFailure) {
        let promise = self.promise
        (self.connection, self.promise) = (nil, nil)
        promise?.fail(failure)
    }
}

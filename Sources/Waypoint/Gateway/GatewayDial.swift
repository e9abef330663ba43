internal import HBONE
internal import MeshIdentity
internal import MeshKernel
internal import MeshModel
internal import MeshProxy
internal import MeshTLS
internal import NIOCore
internal import NIOPosix

/// One dial of the pool: TCP, TLS with our certificate, HTTP/2 up to the peer's settings.
struct GatewayDial {
    let loop: GatewayLoop
    let key: HBONEPool.Key

    func start() -> EventLoopFuture<HBONEConnection> {
        let promise = loop.eventLoop.makePromise(of: HBONEConnection.self)
        loop.withCertificate { result in
            switch result {
            case nil: promise.fail(ConnectionFailure.identity(cause: "no certificate was issued yet"))
            case .failure(let error): promise.fail(ConnectionFailure.identity(cause: "\(error)"))
            case .success(let certificate): connect(with: certificate, promise)
            }
        }
        return promise.futureResult
    }

    private func connect(with certificate: WorkloadCertificate, _ promise: EventLoopPromise<HBONEConnection>) {
        PlainDial(loop: loop, peer: key.peer, isTunnel: true).start { result in
            switch result {
            case .success(let channel): secure(channel, with: certificate, promise)
            case .failure(let failure): promise.fail(failure)
            }
        }
    }

    private func secure(
        _ channel: any Channel, with certificate: WorkloadCertificate, _ promise: EventLoopPromise<HBONEConnection>
    ) {
        let tls = TLSHandler(
            context: certificate.clientContext, role: .client, expecting: .anyOf(Set(key.destinations)))
        let gate = HandshakeGate { result in
            switch result {
            case .success(let peer): speak(on: channel, with: certificate, to: peer, promise)
            case .failure(let failure):
                promise.fail(failure)
                channel.close(promise: nil)
            }
        }
        do {
            try channel.pipeline.syncOperations.addHandlers([tls, gate])
            try channel.syncOptions?.setOption(.autoRead, value: true)
        } catch {
            promise.fail(ConnectionFailure.inputOutput(cause: "\(error)"))
            channel.close(promise: nil)
        }
    }

    /// The future is told once: when the peer's settings are here, or when the connection ends before that.
    private func speak(
        on channel: any Channel, with certificate: WorkloadCertificate, to peer: VerifiedPeer,
        _ promise: EventLoopPromise<HBONEConnection>
    ) {
        let outcome = DialOutcome(promise)
        let number = loop.nextNumber()
        let connection = HBONEConnection(
            role: .client,
            onReady: { outcome.ready() },
            onClosed: { [loop, key] reason in
                loop.removeTunnel(number)
                outcome.failed(.http2Handshake(cause: "\(key.peer): \(reason)"))
            }
        )
        // No new streams once a certificate of either side has expired.
        let end = min(certificate.notAfterSeconds, peer.notAfterSeconds)
        connection.notAfter = .now() + .milliseconds(max(0, end * 1_000 - UnixClock.milliseconds()))
        outcome.connection = connection
        loop.insert(GatewayTunnel(connection: connection, peer: peer), number: number)
        do {
            try channel.pipeline.syncOperations.addHandler(connection)
        } catch {
            loop.removeTunnel(number)
            outcome.failed(.inputOutput(cause: "\(error)"))
            channel.close(promise: nil)
        }
    }
}

/// A TCP connection to a node or straight to an endpoint.
struct PlainDial {
    let loop: GatewayLoop
    let peer: TransportAddress
    let isTunnel: Bool
    /// As the service asks; `nil`: the waypoint's own.
    var timeout: TimeAmount?
    /// Probes, as the service asks; `nil`: none.
    var keepAlive: TCPKeepAlive?

    func start(_ completion: @escaping (Result<any Channel, ConnectionFailure>) -> Void) {
        let address: SocketAddress
        do {
            address = try SocketAddress(peer)
        } catch {
            return completion(.failure(ConnectionFailure(dialing: peer, error)))
        }
        var bootstrap = ClientBootstrap(group: loop.eventLoop)
            .connectTimeout(timeout ?? loop.settings.connectTimeout)
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: !isTunnel)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
        if let keepAlive { bootstrap = keepAlive.set(on: bootstrap) }
        bootstrap.connect(to: address).assumeIsolated()
            .whenComplete { result in completion(result.mapError { ConnectionFailure(dialing: peer, $0) }) }
    }
}

extension TCPKeepAlive {
    fileprivate func set(on bootstrap: ClientBootstrap) -> ClientBootstrap {
        var bootstrap = bootstrap.channelOption(.socketOption(.so_keepalive), value: 1)
        let values: [(CInt, Int64?)] = [
            (SocketOptionNumbers.tcpKeepIdleSeconds, time?.components.seconds),
            (SocketOptionNumbers.tcpKeepIntervalSeconds, interval?.components.seconds),
            (SocketOptionNumbers.tcpKeepCount, probes.map { Int64($0) }),
        ]
        for case (let name, let value?) in values {
            let option = NIOBSDSocket.Option(rawValue: name)
            bootstrap = bootstrap.channelOption(.tcpOption(option), value: Int(value))
        }
        return bootstrap
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

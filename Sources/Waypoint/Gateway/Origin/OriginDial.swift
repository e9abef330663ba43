internal import HBONE
internal import MeshModel
internal import MeshProxy
internal import MeshTLS
internal import NIOCore

/// TLS with the endpoint's own application, on a way that is open already.
struct OriginDial {
    let loop: GatewayLoop
    /// Resolved for the service.
    let tls: OriginTLS
    /// What the endpoint may choose from, the best first.
    let protocols: [OriginProtocol]
    /// From the connection to the verified server; `nil`: the waypoint's own.
    let timeout: TimeAmount?

    /// What there is to be made with. Told on the loop, later.
    func prepare(_ completion: @escaping (Result<OriginContext, ConnectionFailure>) -> Void) {
        let (contexts, settings) = (loop.origins, tls)
        let promise = loop.eventLoop.makePromise(of: OriginContext.self)
        promise.completeWithTask { try await contexts.context(for: settings) }
        promise.futureResult.assumeIsolated().whenComplete { result in
            completion(result.mapError { .tls(cause: ($0 as? TLSError)?.cause ?? "\($0)") })
        }
    }

    func start(
        over link: Upstream.Link, with context: OriginContext,
        _ completion: @escaping (Result<Upstream.Link, ConnectionFailure>) -> Void
    ) {
        let tunnel: HBONEConnection? = if case .stream(let stream) = link { stream.connection } else { nil }
        let held = Held()
        let handler = TLSHandler(
            origin: context, expecting: OriginExpectation(tls, protocols: protocols),
            handshakeTimeout: timeout ?? loop.settings.connectTimeout)
        let gate = OriginGate { result in
            switch result {
            case .failure(let failure): completion(.failure(failure))
            case .success(let origin):
                guard let channel = held.channel else { return completion(.failure(.clientDisconnected)) }
                completion(.success(.secured(channel, origin.applicationProtocol, tunnel)))
            }
        }
        do {
            switch link {
            case .stream(let stream):
                held.channel = try stream.makeChannel { channel in
                    held.channel = channel
                    try channel.syncOptions?.setOption(.autoRead, value: false)
                    try channel.pipeline.syncOperations.addHandlers([handler, gate])
                }
            case .socket(let channel):
                held.channel = channel
                try channel.pipeline.syncOperations.addHandlers([handler, gate])
            case .secured: completion(.success(link))
            }
        } catch {
            // The gate tells when it goes; one that never stood in the pipeline has nothing to say.
            if case .socket(let channel) = link { channel.close(promise: nil) }
            gate.fail(.inputOutput(cause: "\(error)"))
        }
    }

    /// The channel is there before the handshake is finished.
    private final class Held {
        var channel: (any Channel)?
    }
}

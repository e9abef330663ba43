internal import HBONE
internal import MeshModel
internal import MeshProxy
internal import MeshTLS
internal import NIOCore

extension UpstreamSearch {
    /// - Parameter protocols: what the endpoint may choose from where there is TLS with it, the best first.
    func open(
        _ hop: EndpointHop, speaking protocols: [OriginProtocol],
        _ completion: @escaping (Result<Upstream.Link, ConnectionFailure>) -> Void
    ) {
        guard let tls = hop.tls else { return open(hop, completion) }
        let dial = OriginDial(
            loop: loop, tls: tls, protocols: protocols,
            timeout: cluster?.policy.connections.connectTimeout.map { TimeAmount($0) })
        dial.prepare { prepared in
            switch prepared {
            case .failure(let failure): completion(.failure(failure))
            case .success(let context):
                self.open(hop) { opened in
                    switch opened {
                    case .failure(let failure): completion(.failure(failure))
                    case .success(let link): dial.start(over: link, with: context, completion)
                    }
                }
            }
        }
    }

    private func open(_ hop: EndpointHop, _ completion: @escaping (Result<Upstream.Link, ConnectionFailure>) -> Void) {
        let limits = cluster?.policy.connections
        let limit = limits?.connectTimeout.map { TimeAmount($0) }
        guard hop.isTunnel else {
            let dial = PlainDial(
                loop: loop, peer: hop.peer, isTunnel: false, timeout: limit, keepAlive: limits?.keepAlive)
            return dial.start { completion($0.map(Upstream.Link.socket)) }
        }
        openTunnel(hop, within: limit, completion)
    }

    /// - Parameter limit: for this one; the connection to the node is for others as well, and goes on being made.
    private func openTunnel(
        _ hop: EndpointHop, within limit: TimeAmount?,
        _ completion: @escaping (Result<Upstream.Link, ConnectionFailure>) -> Void
    ) {
        guard let pool = loop.pool else { return completion(.failure(.drained)) }
        let key = HBONEPool.Key(source: loop.settings.identity, destinations: hop.expected, peer: hop.peer)
        var isOver = false
        let timer = limit.map { limit in
            loop.eventLoop.assumeIsolated().scheduleTask(in: limit) {
                isOver = true
                completion(.failure(.hboneDialTimedOut(cause: "no answer of \(hop.peer) in time")))
            }
        }
        pool.open(key, request(hop)) { result in
            timer?.cancel()
            guard !isOver else {
                if case .success(let opened) = result { opened.0.reset(.cancel) }
                return
            }
            completion(result.map { .stream($0.0) }.mapError { ConnectionFailure(tunnel: $0) })
        }
    }

    /// Tells the endpoint's node of the caller whom we act for; for telemetry only.
    private func request(_ hop: EndpointHop) -> ConnectRequest {
        let told = caller.request
        return ConnectRequest(
            authority: hop.target.description, baggage: told.baggage,
            forwarded: told.forwarded
                ?? ForwardedHeader.value(client: caller.client, serviceHostname: target.service?.hostname),
            traceparent: trace)
    }
}

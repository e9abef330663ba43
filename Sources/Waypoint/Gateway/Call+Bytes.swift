internal import HBONE
internal import MeshModel
internal import MeshPolicy
internal import WaypointRoute

/// Calls whose bytes are carried as they are. Policy judges them once, as connections; then routes say where they go.
extension Call {
    /// The caller is told 200 only once an endpoint is there.
    func carryBytes() {
        let passage = TCPPassage(self)
        self.passage = passage
        let target: CallTarget
        do throws(ConnectionFailure) {
            target = try admitted(serverName: nil)
        } catch {
            stream.refuse(status: error.flag == .denied ? 401 : 503)
            passage.failed(error)
            return over()
        }
        UpstreamSearch(for: self, to: target).start { result in
            switch result {
            case .failure(let failure):
                self.stream.refuse(status: 503)
                passage.failed(failure)
                self.over()
            case .success(let upstream):
                guard self.stream.isOpen, self.number != nil else {
                    upstream.drop()
                    passage.failed(.clientDisconnected)
                    return self.over()
                }
                self.stream.accept(baggage: nil)
                self.open { passage.join(upstream, on: $0) }
            }
        }
    }

    /// The caller has sent its first bytes, or waits for the server's.
    func carryBytes(on channel: TunnelStreamChannel, serverName: String? = nil) {
        let passage = TCPPassage(self)
        self.passage = passage
        passage.prepare(on: channel)
        let target: CallTarget
        do throws(ConnectionFailure) {
            target = try admitted(serverName: serverName)
        } catch {
            passage.failed(error)
            return channel.abort()
        }
        UpstreamSearch(for: self, to: target).start { result in
            switch result {
            case .failure(let failure):
                // Requests may have come meanwhile.
                guard self.passage === passage else { return }
                passage.failed(failure)
                channel.abort()
            case .success(let upstream):
                guard self.passage === passage else { return upstream.drop() }
                guard channel.isActive else {
                    upstream.drop()
                    return passage.failed(.clientDisconnected)
                }
                passage.join(upstream)
            }
        }
    }

    /// HTTP has come on a stream that may be carried as bytes by now, because the caller was slow: whether requests may
    /// be served. Behind bytes of the server they may not; and where something is to be said of each request, they do
    /// not pass unjudged either.
    func leavesBytes() -> Bool {
        guard let passage else { return true }
        guard passage.isUntouched else {
            if judgesRequests { cut(.closing(cause: "HTTP came after the time for detection, behind other bytes")) }
            return false
        }
        self.passage = nil
        opaqueFacts = nil
        passage.withdraw()
        return true
    }

    /// Something is said of requests that nothing says of bytes.
    private var judgesRequests: Bool {
        if tokenChecker != nil { return true }
        switch guardian {
        case .refused, .shield: return true
        case .none: break
        }
        switch routes {
        case .none: return requestPolicies.judgesRequests
        case .refused: return true
        case .table(let routes): return routes.table.routesRequests || requestPolicies.judgesRequests
        }
    }

    /// After a change of protocols the request stands for the bytes behind it, with what its token claimed.
    func upgraded(by head: RequestHead, claims: TokenClaims?) {
        opaqueFacts = RequestFacts(connection: facts, http: HTTPFacts(head, claims: claims))
    }

    /// Where a connection that policy lets in goes. Authorizers are asked about requests only, so that a CUSTOM policy
    /// lets no bytes through.
    private func admitted(serverName: String?) throws(ConnectionFailure) -> CallTarget {
        let facts = RequestFacts(connection: facts, serverName: serverName)
        if let denial = requestPolicies.decide(facts).denial { throw denial.failure }
        opaqueFacts = facts
        switch routes {
        case .none: return target
        case .refused: throw .unsupported("routes were not understood")
        case .table(let routes):
            switch routes.connections.route(serverName: serverName, using: &loop.generator) {
            case .unrouted: return target
            case .refuse(let refusal): throw .unsupported("route: \(refusal)")
            case .forward(let backend):
                guard let target = target(of: backend) else {
                    throw .noSuchHostname(backend.service.hostname)
                }
                return target
            }
        }
    }
}

extension RequestDenial {
    /// As the log of connections says it.
    fileprivate var failure: ConnectionFailure {
        switch self {
        case .authorizerDenied(_, let rule), .authorizerSilent(_, let rule), .rule(let rule):
            .policyRejection(.explicitlyDenied(policy: rule.description))
        case .noAllowMatched: .policyRejection(.noneAllowed)
        case .policyNotReceived(let key): .policyRejection(.policyNotReceived(policy: key))
        }
    }
}

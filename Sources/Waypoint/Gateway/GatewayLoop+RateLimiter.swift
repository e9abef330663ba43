internal import NIOCore
internal import WaypointAuthorizer

/// What becomes of a request that a rate limit service was asked about.
enum RateLimitOutcome {
    case allowed(RequestChanges)
    /// 429, with what the service tells.
    case limited(AuthorizerDenial)
    /// Nobody could be asked, and then the request is refused with this status.
    case refused(UInt16, ServiceFailure)
}

extension GatewayLoop {
    /// Asks a rate limit service. The completion is called once, on the loop, perhaps before this returns.
    /// - Returns: what can be cancelled; `nil`: there was nothing to ask, or it is over already.
    func ask(
        _ limiter: RateLimiter, about facts: RateLimitFacts, _ completion: @escaping (RateLimitOutcome) -> Void
    ) -> ServiceRequest? {
        let failed = { (failure: ServiceFailure) -> RateLimitOutcome in
            limiter.failsClosed ? .refused(limiter.statusOnError, failure) : .allowed(RequestChanges())
        }
        do throws(ServiceFailure) {
            guard let question = try limiter.question(about: facts) else {
                completion(.allowed(RequestChanges()))
                return nil
            }
            return ServiceRequest.start(
                question, to: limiter.target, isGRPC: true, within: .nanoseconds(limiter.timeoutNanoseconds), on: self
            ) { result in
                do throws(ServiceFailure) {
                    switch try limiter.judge(try result.get()) {
                    case .allowed(let changes): completion(.allowed(changes))
                    case .limited(let denial): completion(.limited(denial))
                    }
                } catch {
                    completion(failed(error))
                }
            }
        } catch {
            completion(failed(error))
            return nil
        }
    }
}

package import MeshModel

extension RequestPlan {
    /// One back end of a rule, with what becomes of requests that chance gives to it.
    package struct Share: Hashable, Sendable {
        package let backend: RouteBackend
        package let plan: RequestPlan
    }

    /// What ``make(_:rule:hit:in:using:)`` says for each back end in turn, in their order; one without a weight is left
    /// out. None where the rule answers by itself.
    package static func shares(
        _ head: RequestHead, rule: RouteIndex.Rule, hit: RouteHit, in circumstances: Circumstances,
        using generator: inout some RandomNumberGenerator
    ) -> [Share] {
        guard case .forward(let backends, let rewrite) = rule.behaviour.action else { return [] }
        return backends.filter { $0.weight.value > 0 }.map { backend in
            let narrowed = RouteIndex.Rule(
                origin: rule.origin, behaviour: rule.behaviour.narrowed(to: backend, rewrite: rewrite))
            let plan = make(head, rule: narrowed, hit: hit, in: circumstances, using: &generator)
            return Share(backend: backend, plan: plan)
        }
    }
}

extension RouteBehaviour {
    fileprivate func narrowed(to backend: RouteBackend, rewrite: URLRewrite?) -> RouteBehaviour {
        RouteBehaviour(
            .forward(to: [backend], rewrite: rewrite), requestHeaders: requestHeaders,
            responseHeaders: responseHeaders, mirrors: mirrors, cors: cors, authorization: authorization,
            timeouts: timeouts, retry: retry, session: session)
    }
}

internal import MeshDiscovery
internal import MeshModel
internal import WaypointRoute

/// Routes, back ends and endpoints of a request that policy let pass.
extension RequestExplainer {
    /// Matches that are told where none holds.
    private static let missesMax = 12

    func route(
        _ head: RequestHead, to target: CallTarget, by asker: Asker, _ report: inout RequestReport
    ) throws(Stop) {
        let routes = routes(target, asker.identity.namespace)
        switch routes.decide(head) {
        case .direct:
            let retries = Forwarding(head, to: target).retry.sentence
            report.routing = "no route is attached: it goes to \(target.title); \(retries)"
            try reach(target, by: asker, &report)
        case .reply(let reply):
            report.routing = "no rule of the attached routes matches"
            if case .table(let table) = routes {
                let misses = table.requests.explain(head, in: table.table).misses
                report.misses = Array(misses.prefix(Self.missesMax))
                if misses.count > Self.missesMax { report.misses.append("and \(misses.count - Self.missesMax) more") }
            } else {
                report.routing = reply.body
            }
            throw .reply(reply, to: head)
        case .rule(let rule, let hit):
            guard case .table(let table) = routes else { return }
            let found = table.requests.explain(head, in: table.table)
            report.route = RequestReport.Route(rule, found)
            if let authorization = rule.behaviour.authorization {
                report.notes.append("external authorizer \(authorization.target) is asked; taken to agree")
            }
            try follow(rule, hit, head, target, asker, &report)
        }
    }

    private func follow(
        _ rule: RouteIndex.Rule, _ hit: RouteHit, _ head: RequestHead, _ called: CallTarget, _ asker: Asker,
        _ report: inout RequestReport
    ) throws(Stop) {
        let circumstances = RequestPlan.Circumstances(port: called.port, nowSeconds: Int64(nowSeconds))
        var generator = SystemRandomNumberGenerator()
        func decision(_ plan: RequestPlan) -> RequestDecision {
            RequestDecision(plan, for: head, by: rule) { backend in target(of: backend, called: called) }
        }
        let shares = RequestPlan.shares(head, rule: rule, hit: hit, in: circumstances, using: &generator)
        guard !shares.isEmpty else {
            // The rule answers by itself.
            let plan = RequestPlan.make(head, rule: rule, hit: hit, in: circumstances, using: &generator)
            if case .reply(let reply) = decision(plan) { throw .reply(reply, to: head) }
            return
        }
        var failures: [Stop] = []
        for share in shares {
            var outcome = ""
            do throws(Stop) {
                switch decision(share.plan) {
                case .reply(let reply): throw .reply(reply, to: head)
                case .forward(let forwarding):
                    outcome = forwarding.change(of: head)
                    try reach(forwarding.target, by: asker, &report)
                }
            } catch {
                failures.append(error)
                if case .answer(let answer) = error { outcome = "answered \(answer.status) (\(answer.details))" }
            }
            report.route?.backends.append(RequestReport.Backend(share, outcome: outcome))
        }
        // With several back ends requests arrive as long as one of them takes some.
        if let failure = failures.first {
            guard failures.count < shares.count else { throw failure }
            report.notes.append("a share of the requests does not arrive: see the back ends")
        }
        report.routing = "forwarded"
    }

    /// As a call looks a back end up.
    private func target(of backend: RouteTarget, called: CallTarget) -> CallTarget? {
        if backend == called.routeTarget { return called }
        return world.service(backend.service).map {
            CallTarget(subject: .service($0), port: backend.port, address: nil)
        }
    }
}

extension CallTarget {
    /// `NAMESPACE/HOSTNAME:PORT`, or the workload.
    var title: String {
        switch subject {
        case .service(let service): "\(service.key):\(port)"
        case .workload(let workload): "\(workload.namespace)/\(workload.name):\(port)"
        }
    }
}

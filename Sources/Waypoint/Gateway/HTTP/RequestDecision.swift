internal import MeshModel
internal import WaypointHTTP
internal import WaypointRoute

/// What the routes of a call say of a request that policy let pass.
enum RouteDecision {
    /// No route is attached: it goes to the endpoints of what was called.
    case direct
    case reply(LocalReply)
    case rule(RouteIndex.Rule, RouteHit)
}

extension CallRoutes {
    func decide(_ head: RequestHead) -> RouteDecision {
        switch self {
        case .none: .direct
        case .refused: .reply(.routesRefused)
        case .table(let routes):
            switch routes.requests.match(head) {
            case .unrouted: .direct
            case .unmatched: .reply(LocalReply(.failure(.notFound, for: head)))
            case .matched(let hit): .rule(routes.requests.rules[hit.ruleIndex], hit)
            }
        }
    }
}

/// What becomes of a request in the end.
enum RequestDecision {
    case reply(LocalReply)
    case forward(Forwarding)

    /// - Parameters:
    ///   - head: as policy and routes saw it.
    ///   - find: the endpoints of a back end; `nil` when there is no such service.
    init(
        _ plan: RequestPlan, for head: RequestHead, by rule: RouteIndex.Rule, find: (RouteTarget) -> CallTarget?
    ) {
        switch plan {
        case .answer(let answer): self = .reply(LocalReply(answer))
        case .forward(let plan):
            guard let target = find(plan.target) else {
                self = .reply(.unknownService(plan.target))
                return
            }
            var forwarded = plan.head
            HeaderRules.restore(&forwarded.headers, from: head.headers)
            self = .forward(
                Forwarding(
                    head: forwarded, target: target, deadlines: plan.deadlines, plan: plan,
                    session: rule.behaviour.session, retry: plan.retry))
        }
    }
}

extension Forwarding {
    /// As no route decides.
    convenience init(_ head: RequestHead, to target: CallTarget) {
        self.init(head: head, target: target, deadlines: RequestDeadlines(.none, for: head), retry: .meshDefault)
    }
}

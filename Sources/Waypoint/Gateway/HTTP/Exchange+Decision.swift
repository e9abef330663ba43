internal import MeshIdentity
internal import MeshModel
internal import MeshPolicy
internal import WaypointHTTP
internal import WaypointRoute

extension Exchange {
    // MARK: - Policy

    /// As in Istio: CUSTOM policies first, whose authorizers are asked; then tokens; then all other policies.
    func judge() {
        let policies = call.requestPolicies
        guard policies.hasAuthorizers else { return decide(by: policies) }
        let facts = facts
        let questions = policies.questions(facts)
        guard !questions.isEmpty else { return decide(by: policies) }
        authorize(questions[...]) { answers in
            if let denial = policies.denialOfAuthorizers(facts, answers: answers) { return self.deny(denial) }
            self.decide(by: policies)
        }
    }

    /// What policy sees at the moment.
    private var facts: RequestFacts {
        RequestFacts(connection: call.facts, http: HTTPFacts(message.head, claims: claims))
    }

    private func deny(_ denial: RequestDenial) {
        log.denied(denial.description)
        reply(.denied(denial))
    }

    /// No authorizer denies.
    private func decide(by policies: RequestPolicySet) {
        if let failure = checkTokens() { return reply(.refused(failure, for: message.head)) }
        let facts = facts
        log.observed(audits: policies.audits(facts), dryRun: policies.dryRun(facts))
        switch policies.decideWithoutAuthorizers(facts) {
        case .denied(let denial): deny(denial)
        case .allowed:
            phase = .judged
            passLimits { self.route() }
        }
    }

    // MARK: - Routes

    private func route() {
        // One copy for all that look at it.
        let head = message.head
        switch call.routes.decide(head) {
        case .direct: send(Forwarding(head, to: call.target))
        case .reply(let reply): self.reply(reply)
        case .rule(let rule, let hit): follow(rule, hit, head)
        }
    }

    private func follow(_ rule: RouteIndex.Rule, _ hit: RouteHit, _ head: RequestHead) {
        log.matched(rule.origin)
        guard let authorization = rule.behaviour.authorization else { return carryOut(rule, hit, head) }
        // Which may change the head.
        authorize(authorization) { self.carryOut(rule, hit, self.message.head) }
    }

    private func carryOut(_ rule: RouteIndex.Rule, _ hit: RouteHit, _ head: RequestHead) {
        let circumstances = RequestPlan.Circumstances(
            port: call.target.port,
            nowSeconds: rule.behaviour.session == nil ? 0 : UnixClock.milliseconds() / 1_000)
        let plan = RequestPlan.make(head, rule: rule, hit: hit, in: circumstances, using: &loop.generator)
        switch RequestDecision(plan, for: head, by: rule, find: call.target(of:)) {
        case .reply(let reply): self.reply(reply)
        case .forward(let forwarding): send(forwarding)
        }
    }

    private func send(_ forwarding: Forwarding) {
        self.forwarding = forwarding
        phase = .decided
        let isOwn = forwarding.target === call.target || forwarding.target.subject == call.target.subject
        log.forwarded(to: forwarding.target, isOwn: isOwn)
        isMirrored = forwarding.plan?.mirrors.isEmpty == false
        if isMirrored, isRequestComplete { mirror() }
        if let limit = forwarding.deadlines.request {
            deadline = schedule(in: limit) { self.ranOut() }
        }
        startTries(forwarding)
    }
}

extension HTTPFacts {
    convenience init(_ head: RequestHead, claims: TokenClaims? = nil) {
        self.init(
            method: head.method.bytes, authority: head.authority.bytes[...], path: head.path.path,
            headers: head.headers, claims: claims)
    }
}

extension HeaderList: RequestHeaders {
    /// One value for each field of this name; none are joined.
    package func values(of name: String) -> [ArraySlice<UInt8>] {
        var values: [ArraySlice<UInt8>] = []
        var place = 0
        while let found = index(of: name.utf8, from: place) {
            values.append(value(at: found))
            place = found + 1
        }
        return values
    }
}

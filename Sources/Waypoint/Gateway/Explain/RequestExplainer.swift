package import MeshDiscovery
package import MeshModel
internal import MeshPolicy
internal import WaypointHTTP
internal import WaypointRoute
internal import WaypointToken

/// Says of a request what a waypoint would do with it, and why, by the code that judges and routes requests: each step
/// is taken as an exchange takes it, and told. Nothing is sent. Pure, but for the clock that tokens are checked by.
package struct RequestExplainer {
    let world: World
    let settings: GatewaySettings
    /// Ourselves.
    let own: Workload
    /// For connections to our very pod.
    let policies: PolicySet
    let requestPolicies: (CallTarget) -> TargetPolicies
    let routes: (CallTarget, String) -> CallRoutes
    /// What stands before a service, and what rules of traffic say of a port.
    let guardian: (ServiceKey) -> ServiceGuard
    let portTraffic: (RouteTarget) -> PortTraffic
    let keys: FetchedKeys
    let nowSeconds: Double

    /// As a loop would decide now.
    init(_ loop: GatewayLoop, nowSeconds: Double) {
        world = loop.world
        settings = loop.settings
        own = loop.own
        policies = loop.policies
        requestPolicies = { loop.requestPolicies(for: $0) }
        routes = { loop.routes(for: $0, from: $1) }
        guardian = { loop.traffic.shield($0) }
        portTraffic = { loop.traffic.port($0, now: .sinceStart) }
        keys = loop.tokens.fetched
        self.nowSeconds = nowSeconds
    }

    /// As a waypoint would decide that has heard of this world. It has fetched no keys.
    package init(world: World, settings: GatewaySettings, nowSeconds: Double) {
        let own = GatewayLoop.own(settings, in: world)
        let key = WaypointKey(namespace: settings.namespace, name: settings.name)
        self.world = world
        self.settings = settings
        self.own = own
        self.nowSeconds = nowSeconds
        policies = PolicySet(ofWaypoint: own, in: world)
        keys = FetchedKeys()
        requestPolicies = { target in
            let tokens = world.requestPolicies(for: target.service?.key, of: key).tokens
            return TargetPolicies(
                requests: RequestPolicySet(of: world, for: target, at: key),
                tokens: tokens.isEmpty ? nil : TokenChecker(tokens))
        }
        routes = { target, namespace in
            guard let port = target.routeTarget else { return .none }
            var routes = LoopRoutes()
            return routes.routes(to: port, from: namespace, in: world)
        }
        var traffic = LoopTraffic(own: own)
        traffic.learn(world, own: own)
        guardian = { traffic.shield($0) }
        portTraffic = { traffic.port($0, now: .sinceStart) }
    }

    /// Takes every step of the request. Errors: the question makes no request.
    package func explain(_ question: RequestQuestion) throws(ExplainProblem) -> RequestReport {
        guard let identity = Identity(question.identity) else {
            throw ExplainProblem("expected a SPIFFE id, found \(question.identity)")
        }
        guard let client = IPAddress(question.client) else {
            throw ExplainProblem("expected the address of a pod, found \(question.client)")
        }
        var report = RequestReport(waypoint: "\(settings.namespace)/\(settings.name)")
        do throws(Stop) {
            let target = try call(question, from: identity, at: client, &report)
            let address = target.address ?? own.addresses.first ?? client
            let facts = ConnectionFacts(
                source: client, identity: identity, destination: TransportAddress(address, port: target.port))
            try judge(facts, identity, target, question, &report)
        } catch {
            switch error {
            case .answer(let answer): report.answer = answer
            case .problem(let problem): throw problem
            }
        }
        return report
    }

    /// Ends the walk through the steps.
    enum Stop: Error {
        case answer(RequestReport.Answer)
        case problem(ExplainProblem)

        static func reply(_ reply: LocalReply, to head: RequestHead? = nil) -> Stop {
            .answer(RequestReport.Answer(head?.isGRPC == true ? reply.asGRPC() : reply))
        }
    }

    /// The CONNECT: whom it names, and whether our own pod's policies take it.
    private func call(
        _ question: RequestQuestion, from identity: Identity, at client: IPAddress, _ report: inout RequestReport
    ) throws(Stop) -> CallTarget {
        let target: CallTarget
        do throws(CallRefusal) {
            target = try CallRouter(world: world, settings: settings).target(authority: question.authority)
        } catch {
            throw .answer(RequestReport.Answer(connection: error))
        }
        let address = target.address ?? own.addresses.first ?? client
        let facts = ConnectionFacts(
            source: client, identity: identity, destination: TransportAddress(address, port: target.port))
        report.connection = policies.keys.isEmpty ? [] : policies.explain(facts)
        if let denial = policies.decide(facts).denial {
            throw .answer(RequestReport.Answer(connection: CallRefusal(status: 401, failure: denial.failure)))
        }
        return target
    }

    private func judge(
        _ facts: ConnectionFacts, _ identity: Identity, _ target: CallTarget, _ question: RequestQuestion,
        _ report: inout RequestReport
    ) throws(Stop) {
        let policies = requestPolicies(target)
        guard Treatment(target) != .opaque, RequestParser.isHTTP(question) else {
            report.notes.append("what comes to port \(target.port) is carried as bytes: nobody looks for requests")
            let verdict = policies.requests.explain(RequestFacts(connection: facts))
            report.tell(verdict)
            guard verdict.verdict.denial == nil else {
                throw .answer(RequestReport.Answer(status: 0, body: "", flag: "-", details: "connection closed"))
            }
            return try reach(target, by: Asker(identity: identity, client: facts.source, head: nil), &report)
        }
        var head = try RequestParser.head(question, of: target, from: facts.identity, at: settings.identity)
        report.request = RequestReport.Request(head)
        let answers = try authorize(RequestFacts(connection: facts, http: HTTPFacts(head)), policies, head, &report)
        let claims = try authenticate(&head, facts, policies, question, &report)
        let http = RequestFacts(connection: facts, http: HTTPFacts(head, claims: claims))
        let explanation = policies.requests.explain(http, answers: answers)
        report.tell(explanation)
        if let denial = explanation.verdict.denial { throw .reply(.denied(denial), to: head) }
        try passLimits(head, to: target, from: identity, at: facts.source, &report)
        try route(head, to: target, by: Asker(identity: identity, client: facts.source, head: head), &report)
    }

    /// Answers of external authorizers. Nothing is sent to them: whoever would be asked is taken to agree.
    private func authorize(
        _ facts: RequestFacts, _ policies: TargetPolicies, _ head: RequestHead, _ report: inout RequestReport
    ) throws(Stop) -> [String: AuthorizerAnswer] {
        var answers: [String: AuthorizerAnswer] = [:]
        for question in policies.requests.questions(facts) where question.authorizer != nil {
            answers[question.provider] = .allowed
            report.notes.append("external authorizer \(question.provider) is asked; taken to agree")
        }
        if let denial = policies.requests.denialOfAuthorizers(facts, answers: answers) {
            report.tell(policies.requests.explain(facts, answers: answers))
            throw .reply(.denied(denial), to: head)
        }
        return answers
    }

    /// The request's token, or the claims that the question has instead.
    private func authenticate(
        _ head: inout RequestHead, _ facts: ConnectionFacts, _ policies: TargetPolicies, _ question: RequestQuestion,
        _ report: inout RequestReport
    ) throws(Stop) -> TokenClaims? {
        if let text = question.claims {
            report.token = "taken as valid, with the claims that were given"
            return try RequestParser.claims(text)
        }
        guard let checker = policies.tokens else { return nil }
        let request = TokenRequest(
            method: Array(head.method.text.utf8)[...], query: head.path.query ?? [], headers: head.headers)
        switch checker.check(request, now: nowSeconds, remote: keys) {
        case .refused(let failure):
            report.token = "refused: \(failure.text)"
            throw .reply(.refused(failure, for: head), to: head)
        case .passed(let pass):
            report.token = pass.claims.map { "valid, of issuer \($0.issuer ?? "")" } ?? "none"
            head.apply(pass)
            return pass.claims
        }
    }
}

internal import MeshModel
internal import MeshPolicy
internal import WaypointRoute

extension RequestReport {
    /// What policies say.
    mutating func tell(_ explanation: RequestExplanation) {
        // A line for each policy, in their order; then what is missing, and the verdict.
        policies = zip(explanation.policies, explanation.lines).map { policy, line in
            Policy(
                name: policy.policy, action: policy.action.name, isDryRun: policy.isDryRun, rule: policy.matchingRule,
                line: line)
        }
        notes += explanation.missing.map { "policy \($0) should apply but was not received" }
        verdict = Verdict(explanation.verdict)
    }
}

extension RequestReport.Verdict {
    init(_ verdict: RequestVerdict) {
        switch verdict {
        case .allowed(let admission):
            self.init(isAllowed: true, reason: admission.description)
            if case .rule(let policy, let index) = admission.reason { (self.policy, rule) = (policy, index) }
        case .denied(let denial):
            self.init(isAllowed: false, reason: denial.description)
            switch denial {
            case .rule(let reference), .authorizerDenied(_, let reference), .authorizerSilent(_, let reference):
                (policy, rule) = (reference.policy, reference.rule)
            case .policyNotReceived(let key): policy = key
            case .noAllowMatched: break
            }
        }
    }
}

extension RequestReport.Request {
    init(_ head: RequestHead) {
        self.init(
            method: head.method.text, host: String(decoding: head.authority.bytes, as: UTF8.self),
            path: String(decoding: head.path.path, as: UTF8.self))
    }
}

extension RequestReport.Answer {
    init(_ reply: LocalReply) {
        self.init(
            status: reply.status, body: reply.body, flag: reply.flag, details: reply.details,
            location: reply.headers["location"])
        // gRPC's own status is told in fields.
        if body.isEmpty, let message = reply.headers["grpc-message"] { body = message }
    }

    /// The CONNECT itself is refused: the caller sees its connection closed.
    init(connection refusal: CallRefusal) {
        self.init(
            status: UInt16(refusal.status), body: "", flag: "-", details: "CONNECT refused: \(refusal.failure)")
    }
}

extension RequestReport.Route {
    init(_ rule: RouteIndex.Rule, _ found: RouteExplanation) {
        let origin = rule.origin
        self.init(
            kind: origin.kind.rawValue, name: origin.key, rule: origin.ruleIndex, ruleName: origin.ruleName,
            match: found.match ?? 0, matched: found.matched)
        filters = rule.behaviour.filterLines
        let limits = rule.behaviour.timeouts
        timeouts = [("request", limits.request), ("each try", limits.backendRequest)].compactMap { name, limit in
            limit.map { "timeout of \(name): \($0.duration.map { "\($0)" } ?? "none")" }
        }
        guard case .forward = rule.behaviour.action else { return }
        retries = (rule.behaviour.retry ?? .meshDefault).sentence
    }
}

extension RetryPolicy {
    var sentence: String {
        guard attempts > 0 else { return "retries: none" }
        let causes = conditions.map(\.rawValue).sorted() + statuses.sorted().map { "\($0)" }
        return "retries: at most \(attempts), for \(causes.joined(separator: ", "))"
    }
}

extension RequestReport.Backend {
    init(_ share: RequestPlan.Share, outcome: String) {
        var service: String?
        if case .service(let target) = share.backend.destination { service = target.description }
        self.init(service: service, weight: share.backend.weight.value, outcome: outcome)
    }
}

extension Forwarding {
    /// What the back end gets, where that is not what came.
    func change(of head: RequestHead) -> String {
        var parts: [String] = []
        if self.head.path != head.path {
            parts.append("path \(String(decoding: self.head.path.target, as: UTF8.self))")
        }
        if self.head.authority != head.authority {
            parts.append("host \(String(decoding: self.head.authority.bytes, as: UTF8.self))")
        }
        if let mirrors = plan?.mirrors, !mirrors.isEmpty {
            parts.append("copied to \(mirrors.map(\.description).joined(separator: ", "))")
        }
        return parts.isEmpty ? "forwarded" : "forwarded with \(parts.joined(separator: ", "))"
    }
}

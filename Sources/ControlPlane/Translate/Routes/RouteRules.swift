import MeshModel

/// Rules of one route as the waypoint gets them. A rule that cannot be carried out keeps its place and fails its
/// requests: a wider rule behind it must not take what it was written for.
struct RouteRules {
    /// A rule that fails its requests, and why.
    struct Fault {
        let index: Int
        let problem: RouteProblem
    }

    private let metadata: ResourceMetadata
    private let kind: RouteOrigin.Kind
    private let createdSeconds: Int64
    private(set) var references: RouteReferences
    private(set) var faults: [Fault] = []

    init(
        _ metadata: ResourceMetadata, kind: RouteOrigin.Kind, _ services: RouteServices, _ grants: ReferenceGrants
    ) {
        self.metadata = metadata
        self.kind = kind
        // A resource that does not say its age counts as the youngest.
        createdSeconds = Timestamp.seconds(metadata.creationTimestamp) ?? .max
        let origin = RouteOrigin(kind: kind, namespace: metadata.namespace, name: metadata.name)
        references = RouteReferences(services, grants, origin: origin)
    }

    mutating func http(_ rules: [RouteRuleResource<HTTPMatch>]) -> [HTTPRouteRule] {
        let checked = tried(rules) { $0.checked($1, $2) }
        return build(checked) { origin, rule, behaviour throws(RouteValueError) in
            // Hostnames do not count for services.
            try HTTPRouteRule(origin: origin, matches: rule.matches, behaviour: behaviour)
        }
    }

    mutating func grpc(_ rules: [RouteRuleResource<GRPCMatch>]) -> [GRPCRouteRule] {
        let checked = tried(rules) { $0.checked($1, $2) }
        return build(checked) { origin, rule, behaviour throws(RouteValueError) in
            try GRPCRouteRule(origin: origin, matches: rule.matches, behaviour: behaviour)
        }
    }

    /// The rules with what is wrong with their regular expressions.
    private func tried<Match>(
        _ rules: [RouteRuleResource<Match>], _ check: (inout RoutePatterns, Match, Int) -> Match
    ) -> [RouteRuleResource<Match>] {
        rules.enumerated().map { index, rule in
            var patterns = RoutePatterns(rule: index, line: rule.line)
            var rule = rule
            rule.matches = rule.matches.enumerated().map { check(&patterns, $1, $0) }
            rule.problems += patterns.problems
            return rule
        }
    }

    mutating func tcp(_ rules: [RouteRuleResource<Never>]) -> [TCPRouteRule] {
        var built: [TCPRouteRule] = []
        for (index, rule) in rules.enumerated() {
            note(rule.problems, index)
            built.append(TCPRouteRule(origin: origin(index, rule.name), backends: connections(rule)))
        }
        return built
    }

    mutating func tls(_ rules: [RouteRuleResource<Never>], hostnames: [RouteHostname]) -> [TLSRouteRule] {
        var built: [TLSRouteRule] = []
        for (index, rule) in rules.enumerated() {
            note(rule.problems, index)
            let backends = connections(rule)
            // Without hostnames the whole route is refused before it comes to this.
            if let one = try? TLSRouteRule(origin: origin(index, rule.name), hostnames: hostnames, backends: backends) {
                built.append(one)
            }
        }
        return built
    }

    /// No back end at all: connections are refused.
    private mutating func connections(_ rule: RouteRuleResource<Never>) -> [RouteBackend] {
        let backends = references.backends(rule.backends)
        return rule.problems.isEmpty ? backends : []
    }

    private func origin(_ index: Int, _ name: String?) -> RouteOrigin {
        RouteOrigin(
            kind: kind, namespace: metadata.namespace, name: metadata.name, ruleIndex: index, ruleName: name,
            createdSeconds: createdSeconds)
    }

    private mutating func note(_ problems: [RouteProblem], _ index: Int) {
        faults += problems.map { Fault(index: index, problem: $0) }
    }

    private mutating func build<Match, Rule>(
        _ rules: [RouteRuleResource<Match>],
        _ make: (RouteOrigin, RouteRuleResource<Match>, RouteBehaviour) throws(RouteValueError) -> Rule
    ) -> [Rule] {
        var built: [Rule] = []
        for (index, rule) in rules.enumerated() {
            let origin = origin(index, rule.name)
            let behaviour = behaviour(rule)
            note(rule.problems, index)
            do throws(RouteValueError) {
                built.append(try make(origin, rule, behaviour))
            } catch {
                let field = "spec.rules[\(index)]"
                let problem = RouteProblem(
                    FieldProblem(line: rule.line, field: field, reason: error.reason), cause: .incompatibleFilters)
                note([problem], index)
                // A refusal replaces nothing, so it fits every rule.
                if let refusal = try? make(origin, rule, RouteBehaviour(.refuse(problem.fault))) {
                    built.append(refusal)
                }
            }
        }
        return built
    }

    private mutating func behaviour<Match>(_ rule: RouteRuleResource<Match>) -> RouteBehaviour {
        let filters = rule.filters
        // Looked up even where the rule fails for another reason: all that is wrong is told at once.
        let backends = references.backends(rule.backends)
        let mirrors = references.mirrors(filters.mirrors)
        let authorization = filters.authorization.flatMap { references.authorization($0) }
        if let problem = rule.problems.first { return RouteBehaviour(.refuse(problem.fault)) }
        if filters.authorization != nil, authorization == nil {
            return RouteBehaviour(.refuse(.other("the service for external authorization is not there")))
        }
        let action: RouteBehaviour.Action =
            filters.redirect.map { .redirect($0) } ?? .forward(to: backends, rewrite: filters.rewrite)
        return RouteBehaviour(
            action, requestHeaders: filters.requestHeaders, responseHeaders: filters.responseHeaders, mirrors: mirrors,
            cors: filters.cors, authorization: authorization, timeouts: rule.timeouts, retry: rule.retry,
            session: rule.session)
    }
}

/// Times as Kubernetes writes them.
enum Timestamp {
    /// Seconds since 1970 of `YYYY-MM-DDTHH:MM:SSZ`; `nil` for any other text.
    static func seconds(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count == 20, bytes[10] == UInt8(ascii: "T"), bytes[19] == UInt8(ascii: "Z"),
            let year = Int64(text.prefix(4)), let month = number(bytes[5...6]), let day = number(bytes[8...9]),
            let hour = number(bytes[11...12]), let minute = number(bytes[14...15]),
            let second = number(bytes[17...18]), (1...12).contains(month), (1...31).contains(day), hour < 24,
            minute < 60, second <= 60
        else { return nil }
        // Days of the proleptic Gregorian calendar, with years that begin in March.
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        return days * 86_400 + hour * 3600 + minute * 60 + second
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int64? { Int64(String(decoding: digits, as: UTF8.self)) }
}

extension RequestReport {
    /// For people; never parsed.
    package var text: ReportText {
        var text = ReportText()
        text.add("waypoint", [waypoint] + connection)
        if let request { text.add("request", ["\(request.method) \(request.path), host \(request.host)"]) }
        text.add("token", token.map { [$0] } ?? [])
        text.add("policy", policies.map(\.line) + (verdict.map { [$0.sentence] } ?? []))
        text.add("limit", lines(of: .trafficGuard))
        text.add("route", routeLines)
        text.add("traffic", lines(of: .destinationRule))
        text.add("endpoint", endpoints.flatMap(\.lines))
        text.add("note", notes)
        text.add("result", [result])
        return text
    }

    /// Under the name of each service that is spoken of.
    private func lines(of source: TrafficRule.Source) -> [String] {
        var last = ""
        return traffic.filter { $0.source == source }.flatMap { rule in
            defer { last = rule.service }
            return (rule.service == last ? [] : [rule.service]) + ["  \(rule.line)"]
        }
    }

    private var routeLines: [String] {
        guard let route else { return routing.isEmpty ? [] : [routing] + misses }
        let name = route.ruleName.map { " (\($0))" } ?? ""
        var lines = ["\(route.kind) \(route.name), rule \(route.rule)\(name), match \(route.match): \(route.matched)"]
        lines += route.filters
        let total = route.backends.reduce(UInt64(0)) { $0 + UInt64($1.weight) }
        lines += route.backends.map { backend in
            "\(backend.weight) of \(total): \(backend.service ?? "a reference that leads nowhere"), \(backend.outcome)"
        }
        lines += route.timeouts
        if !route.retries.isEmpty { lines.append(route.retries) }
        return lines
    }

    private var result: String {
        guard let answer else { return "allowed: an endpoint answers" }
        let word = isAllowed ? "answered" : "refused"
        var text = "\(word): \(answer.status)"
        if !answer.body.isEmpty { text += " \"\(answer.body)\"" }
        if let location = answer.location { text += ", location \(location)" }
        return "\(text) (\(answer.details))"
    }
}

extension RequestReport.Verdict {
    fileprivate var sentence: String { "\(isAllowed ? "allowed" : "denied"): \(reason)" }
}

extension RequestReport.Endpoint {
    fileprivate var lines: [String] {
        ["\(name) at \(address), \(isTunnel ? "HBONE" : "plain TCP")"] + policies.map { "  \($0)" }
    }
}

import MeshModel
import WaypointRoute

/// Regular expressions of one rule, tried with the engine that will run them. One that it does not take counts as met:
/// the rule then fails its requests, and must fail at least those that it was written for.
struct RoutePatterns {
    private let index: Int
    private let line: Int
    private(set) var problems: [RouteProblem] = []

    init(rule index: Int, line: Int) {
        self.index = index
        self.line = line
    }

    mutating func checked(_ match: HTTPMatch, _ number: Int) -> HTTPMatch {
        var path = match.path
        if case .pattern(let text) = path, !isTaken(text, "matches[\(number)].path") { path = .prefix(.root) }
        return HTTPMatch(
            path: path, method: match.method, headers: checked(match.headers, number),
            queryParameters: match.queryParameters.filter {
                isTaken($0.value, "matches[\(number)].queryParams \($0.name)")
            })
    }

    mutating func checked(_ match: GRPCMatch, _ number: Int) -> GRPCMatch {
        let service = match.method?.service.map { isTaken($0, "matches[\(number)].method.service") } ?? true
        let method = match.method?.method.map { isTaken($0, "matches[\(number)].method.method") } ?? true
        return GRPCMatch(
            method: service && method ? match.method : nil, headers: checked(match.headers, number))
    }

    private mutating func checked(_ headers: [HeaderMatch], _ number: Int) -> [HeaderMatch] {
        headers.filter { isTaken($0.value, "matches[\(number)].headers \($0.name)") }
    }

    private mutating func isTaken(_ value: ValueMatch, _ field: String) -> Bool {
        if case .pattern(let text) = value { isTaken(text, field) } else { true }
    }

    private mutating func isTaken(_ text: String, _ field: String) -> Bool {
        do throws(PatternError) {
            _ = try Pattern(text)
            return true
        } catch {
            let reason = "regular expression \"\(text.prefix(64))\": \(error)"
            problems.append(
                RouteProblem(FieldProblem(line: line, field: "spec.rules[\(index)].\(field)", reason: reason)))
            return false
        }
    }
}

import MeshModel

/// What is said of one route: conditions for each parent, and findings with their places.
struct RouteJudgement {
    private(set) var status: RouteStatus
    private(set) var findings: [Finding] = []
    private let file: String
    private let title: String
    private let line: Int
    private let problems: [FieldProblem]
    private let faults: [RouteRules.Fault]
    private let references: RouteReferences
    private let ruleCount: Int
    private let failure: String
    /// What is said of the waypoints of the next parent; the texts are Istio's.
    private var waypoints = Self.allResolved

    private static let allResolved = "All waypoints resolved"
    private static let noneResolved =
        "istio.io/use-waypoint label missing from parent and parent namespace; in ambient mode, route will not be "
        + "respected"

    init<Kind: RouteKind>(_ route: RouteResource<Kind>, _ rules: RouteRules) {
        let metadata = route.metadata
        status = RouteStatus(
            kind: Kind.kind, namespace: metadata.namespace, name: metadata.name, generation: metadata.generation)
        file = metadata.origin.file
        line = metadata.origin.line
        title = route.title
        problems = route.problems
        faults = rules.faults
        references = rules.references
        ruleCount = route.rules.count
        let isConnection = Kind.kind == .tcp || Kind.kind == .tls
        failure = isConnection ? "connections are refused" : "requests are answered with 500"
    }

    /// The route as a whole could be read.
    var isInForce: Bool { problems.isEmpty }

    /// A kind of parent that is served elsewhere, if at all.
    mutating func foreign(_ reference: RouteParentReference) {
        let name = "\(reference.kind) \(reference.namespace.map { "\($0)/" } ?? "")\(reference.name)"
        report(.warning, reference.line, "parent \(name) is none of those served here: Service and ServiceEntry")
    }

    mutating func refuse(
        _ reference: RouteParentReference, _ reason: RouteCondition.Reason, _ message: String
    ) {
        report(.error, reference.line, "\(message); the route is not attached to it")
        if reason == .noMatchingParent { waypoints = "parent not found" }
        add(reference, RouteCondition(.accepted, false, reason, message))
    }

    /// For what is wrong with the route as a whole.
    mutating func refuse(_ reference: RouteParentReference) {
        let text = problems.prefix(8).map { "\($0.field) \($0.reason)" }.joined(separator: "; ")
        add(reference, RouteCondition(.accepted, false, .unsupportedValue, text))
    }

    mutating func attach(_ reference: RouteParentReference, _ free: [RouteScope], of all: [RouteScope]) {
        let taken = all.filter { !free.contains($0) }
        let message = "HTTPRoutes or GRPCRoutes are attached to \(taken.map(\.description).joined(separator: ", "))"
        guard !free.isEmpty else {
            refuse(reference, .conflicted, message)
            return
        }
        if !taken.isEmpty { report(.warning, reference.line, "\(message); the route is not attached there") }
        let bad = Set(faults.map(\.index))
        let text = faults.prefix(8).map { "rule \($0.index): \($0.problem.problem.field) \($0.problem.problem.reason)" }
            .joined(separator: "; ")
        if let first = faults.first, bad.count == ruleCount {
            add(reference, RouteCondition(.accepted, false, first.problem.reason, "\(text); \(failure)"))
        } else if bad.isEmpty {
            add(reference, RouteCondition(.accepted, true, .accepted))
        } else {
            add(
                reference, RouteCondition(.accepted, true, .accepted),
                RouteCondition(.partiallyInvalid, true, .unsupportedValue, "Dropped Rule: \(text); \(failure)"))
        }
    }

    /// To be called before the parent is attached.
    mutating func warn(_ reference: RouteParentReference, without targets: [RouteTarget]) {
        if !targets.isEmpty { waypoints = Self.noneResolved }
        for service in Set(targets.map(\.service)).sorted(by: { $0.description < $1.description }) {
            report(.warning, reference.line, "\(service) has no waypoint, so the route has no effect on its traffic")
        }
    }

    /// What does not depend on a parent.
    mutating func finish() {
        if status.parents.isEmpty, problems.isEmpty, findings.isEmpty {
            report(.warning, line, "names no parent, so it has no effect")
        }
        for problem in problems {
            report(.error, problem.line, "\(problem.field) \(problem.reason); the route is not in force")
        }
        for fault in faults {
            let problem = fault.problem.problem
            report(.error, problem.line, "\(problem.field) \(problem.reason); the rule's \(failure)")
        }
        for problem in references.problems {
            report(.error, problem.line, "\(problem.field) \(problem.reason); the back end's share of requests fails")
        }
        for one in references.unresolved {
            report(.error, one.reference.line, "\(one.message) (\(one.reason.rawValue)); \(one.consequence)")
        }
    }

    private mutating func add(_ reference: RouteParentReference, _ conditions: RouteCondition...) {
        var all = conditions
        all.insert(references.condition, at: min(1, all.count))
        all.append(RouteCondition(.resolvedWaypoints, true, .resolvedWaypoints, waypoints))
        waypoints = Self.allResolved
        // Moving a route within its file is no change of its status.
        var written = reference
        written.line = 0
        status.parents.append(RouteParentStatus(written, conditions: all))
    }

    private mutating func report(_ severity: Finding.Severity, _ line: Int, _ message: String) {
        findings.append(
            Finding(severity, ResourceOrigin(file: file, line: line), resource: title, message))
    }
}

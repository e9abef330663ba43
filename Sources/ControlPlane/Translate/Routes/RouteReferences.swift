import MeshModel

/// Looks up what the rules of one route refer to, and remembers what leads nowhere.
struct RouteReferences {
    struct Unresolved {
        let reference: BackendReference
        let reason: InvalidBackend
        let message: String
        let consequence: String
    }

    private let services: RouteServices
    private let grants: ReferenceGrants
    private let origin: RouteOrigin
    private(set) var unresolved: [Unresolved] = []
    /// Back ends whose filters are not understood.
    private(set) var problems: [FieldProblem] = []

    init(_ services: RouteServices, _ grants: ReferenceGrants, origin: RouteOrigin) {
        self.services = services
        self.grants = grants
        self.origin = origin
    }

    /// ResolvedRefs.
    var condition: RouteCondition {
        guard let first = unresolved.first else { return RouteCondition(.resolvedReferences, true, .resolved) }
        let text = unresolved.prefix(8).map(\.message).joined(separator: "; ")
        let rest = unresolved.count > 8 ? "; and \(unresolved.count - 8) more" : ""
        return RouteCondition(.resolvedReferences, false, first.reason.conditionReason, text + rest)
    }

    mutating func backends(_ written: [RouteBackendResource]) -> [RouteBackend] {
        written.map { backend($0) }
    }

    private mutating func backend(_ written: RouteBackendResource) -> RouteBackend {
        let destination: RouteBackend.Destination
        switch look(up: written.reference) {
        case .success(let target): destination = .service(target)
        case .failure(let failure):
            destination = .invalid(failure.reason)
            // Nothing goes there: what it names need not exist.
            if written.weight.value > 0 { note(written.reference, failure, "its share of requests fails") }
        }
        guard written.problems.isEmpty else {
            problems += written.problems
            return RouteBackend(.invalid(.unsupportedFilter), weight: written.weight)
        }
        let filters = written.filters
        let action: BackendFilters.Action = filters.redirect.map { .redirect($0) } ?? .forward(filters.rewrite)
        let applied = BackendFilters(
            requestHeaders: filters.requestHeaders, responseHeaders: filters.responseHeaders,
            mirrors: mirrors(filters.mirrors), action: action)
        return RouteBackend(destination, weight: written.weight, filters: applied)
    }

    /// Those that lead somewhere: a mirror never hurts the request.
    mutating func mirrors(_ written: [RouteFiltersResource.Mirror]) -> [RequestMirror] {
        var mirrors: [RequestMirror] = []
        for mirror in written {
            switch look(up: mirror.reference) {
            case .success(let target): mirrors.append(RequestMirror(target: target, share: mirror.share))
            case .failure(let failure): note(mirror.reference, failure, "requests are not mirrored to it")
            }
        }
        return mirrors
    }

    /// `nil`: who should be asked cannot be.
    mutating func authorization(_ written: RouteFiltersResource.Authorization) -> ExternalAuthorization? {
        switch look(up: written.reference) {
        case .success(let target):
            return ExternalAuthorization(
                target: target, transport: written.transport, bodyBytesMax: written.bodyBytesMax)
        case .failure(let failure):
            note(written.reference, failure, "nobody can be asked, so the rule fails every request")
            return nil
        }
    }

    private struct Failure: Error {
        let reason: InvalidBackend
        let message: String
    }

    private mutating func note(_ reference: BackendReference, _ failure: Failure, _ consequence: String) {
        unresolved.append(
            Unresolved(
                reference: reference, reason: failure.reason, message: "\(reference.field): \(failure.message)",
                consequence: consequence))
    }

    private func look(up reference: BackendReference) -> Result<RouteTarget, Failure> {
        let namespace = reference.namespace ?? origin.namespace
        let title = "\(reference.kind) \(namespace)/\(reference.name)"
        let entry: RouteServices.Entry?
        switch (reference.group, reference.kind) {
        case (RouteGroup.core, "Service"):
            guard grants.permits(reference, in: namespace, from: origin) else {
                return .failure(
                    Failure(reason: .referenceNotPermitted, message: "no ReferenceGrant lets it refer to \(title)"))
            }
            entry = services.service(namespace: namespace, name: reference.name)
            if services.isExternalName(namespace: namespace, name: reference.name) {
                let message = "\(title) is of type ExternalName, which has no endpoints"
                return .failure(Failure(reason: .backendNotFound, message: message))
            }
        case (RouteGroup.istio, "Hostname"):
            entry = services.host(reference.name, from: origin.namespace)
        default:
            let group = reference.group.isEmpty ? "" : "\(reference.group)/"
            return .failure(
                Failure(reason: .invalidKind, message: "\(group)\(reference.kind) cannot be a back end"))
        }
        guard let entry else {
            return .failure(Failure(reason: .backendNotFound, message: "\(title) does not exist"))
        }
        guard let port = reference.port else {
            return .failure(Failure(reason: .backendNotFound, message: "needs a port of \(title)"))
        }
        guard entry.ports.contains(where: { $0.number == port }) else {
            return .failure(Failure(reason: .backendNotFound, message: "\(title) has no TCP port \(port)"))
        }
        return .success(RouteTarget(service: entry.key, port: port))
    }
}

extension InvalidBackend {
    var conditionReason: RouteCondition.Reason {
        switch self {
        case .invalidKind: .invalidKind
        case .backendNotFound: .backendNotFound
        case .referenceNotPermitted: .notPermitted
        case .unsupportedProtocol: .unsupportedProtocol
        case .unsupportedFilter: .invalidFilter
        }
    }
}

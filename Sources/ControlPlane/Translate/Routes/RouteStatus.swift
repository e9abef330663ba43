package import MeshModel

/// What a route's author should know of it: for each parent that is served here, whether the route is in force.
package struct RouteStatus: Hashable, Sendable {
    package var kind: RouteOrigin.Kind
    package var namespace: String
    package var name: String
    /// metadata.generation of the route; 0 when unknown.
    package var generation: Int
    package var parents: [RouteParentStatus] = []

    package init(kind: RouteOrigin.Kind, namespace: String, name: String, generation: Int = 0) {
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.generation = generation
    }
}

/// One parent as the route names it, with its conditions in a fixed order.
package struct RouteParentStatus: Hashable, Sendable {
    package var reference: RouteParentReference
    package var conditions: [RouteCondition]

    package init(_ reference: RouteParentReference, conditions: [RouteCondition]) {
        self.reference = reference
        self.conditions = conditions
    }
}

/// A condition of the Gateway API (`RouteParentStatus.conditions`), or Istio's.
package struct RouteCondition: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case accepted = "Accepted"
        case resolvedReferences = "ResolvedRefs"
        /// Only ever true.
        case partiallyInvalid = "PartiallyInvalid"
        /// Istio's (`pilot/pkg/config/kube/gateway`): only ever true, the message says whether it has an effect.
        case resolvedWaypoints = "ResolvedWaypoints"
    }

    package enum Reason: String, Hashable, Sendable {
        case accepted = "Accepted"
        case noMatchingParent = "NoMatchingParent"
        case conflicted = "Conflicted"
        case unsupportedValue = "UnsupportedValue"
        case incompatibleFilters = "IncompatibleFilters"
        /// Istio's word for a filter that is not known.
        case invalidFilter = "InvalidFilter"
        case resolved = "ResolvedRefs"
        case notPermitted = "RefNotPermitted"
        case invalidKind = "InvalidKind"
        case backendNotFound = "BackendNotFound"
        case unsupportedProtocol = "UnsupportedProtocol"
        case resolvedWaypoints = "ResolvedWaypoints"
    }

    package var kind: Kind
    package var isTrue: Bool
    package var reason: Reason
    package var message: String

    package init(_ kind: Kind, _ isTrue: Bool, _ reason: Reason, _ message: String = "") {
        self.kind = kind
        self.isTrue = isTrue
        self.reason = reason
        self.message = message
    }
}

extension RouteProblem {
    var reason: RouteCondition.Reason {
        switch cause {
        case .unsupportedValue: .unsupportedValue
        case .incompatibleFilters: .incompatibleFilters
        case .unknownFilter: .invalidFilter
        }
    }

    var fault: RouteFault {
        if case .unknownFilter(let name) = cause { return .unknownFilter(name) }
        return .other("\(problem.field) \(problem.reason)")
    }
}

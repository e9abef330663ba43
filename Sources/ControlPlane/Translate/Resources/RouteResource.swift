package import MeshModel

/// What tells one kind of route from another.
package protocol RouteKind: Sendable {
    /// A condition of its rules; uninhabited where rules have none.
    associatedtype Match: Hashable & Sendable
    static var kind: RouteOrigin.Kind { get }
}

/// gateway.networking.k8s.io HTTPRoute.
package enum HTTPRouteKind: RouteKind {
    package typealias Match = HTTPMatch
    package static let kind = RouteOrigin.Kind.http
}

/// gateway.networking.k8s.io GRPCRoute.
package enum GRPCRouteKind: RouteKind {
    package typealias Match = GRPCMatch
    package static let kind = RouteOrigin.Kind.grpc
}

/// gateway.networking.k8s.io TCPRoute.
package enum TCPRouteKind: RouteKind {
    package typealias Match = Never
    package static let kind = RouteOrigin.Kind.tcp
}

/// gateway.networking.k8s.io TLSRoute.
package enum TLSRouteKind: RouteKind {
    package typealias Match = Never
    package static let kind = RouteOrigin.Kind.tls
}

/// A route of the Gateway API as written, with what could not be understood kept beside what could.
package struct RouteResource<Kind: RouteKind>: MeshResource {
    package static var kind: String { Kind.kind.rawValue }

    package var metadata: ResourceMetadata
    package var parents: [RouteParentReference] = []
    package var hostnames: [RouteHostname] = []
    package var rules: [RouteRuleResource<Kind.Match>] = []
    /// Outside of rules: the route as a whole is not accepted.
    package var problems: [FieldProblem] = []

    package init(metadata: ResourceMetadata) { self.metadata = metadata }
}

/// What a route wants to be attached to.
package struct RouteParentReference: Hashable, Sendable {
    package var group: String
    package var kind: String
    /// `nil`: the namespace of the route.
    package var namespace: String?
    package var name: String
    /// Of a service: the name of a port.
    package var sectionName: String?
    package var port: UInt16?
    /// Where it was written; 0 in a status.
    package var line: Int

    package init(
        group: String = "gateway.networking.k8s.io", kind: String = "Gateway", namespace: String? = nil, name: String,
        sectionName: String? = nil, port: UInt16? = nil, line: Int = 0
    ) {
        self.group = group
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.sectionName = sectionName
        self.port = port
        self.line = line
    }
}

/// One rule of a route.
package struct RouteRuleResource<Match: Hashable & Sendable>: Hashable, Sendable {
    package var name: String?
    package var line: Int = 0
    /// A condition that could not be read is missing here and told by a problem: the rule then matches more than it
    /// says.
    package var matches: [Match] = []
    package var filters = RouteFiltersResource()
    package var backends: [RouteBackendResource] = []
    package var timeouts: RouteTimeouts = .none
    package var retry: RetryPolicy?
    package var session: SessionPersistence?
    /// Any problem makes the rule fail its requests.
    package var problems: [RouteProblem] = []

    package init() {}
}

/// Why a rule cannot be carried out as written.
package struct RouteProblem: Hashable, Sendable {
    /// How the status of the route puts it.
    package enum Cause: Hashable, Sendable {
        case unsupportedValue
        case incompatibleFilters
        /// A filter that nobody here knows, by `KIND.GROUP NAME`.
        case unknownFilter(String)
    }

    package var cause: Cause
    package var problem: FieldProblem

    package init(_ problem: FieldProblem, cause: Cause = .unsupportedValue) {
        self.problem = problem
        self.cause = cause
    }
}

/// One of the places that requests of a rule are spread over.
package struct RouteBackend: Hashable, Sendable {
    package enum Destination: Hashable, Sendable {
        /// To the endpoints of a service, never through its own routes.
        case service(RouteTarget)
        /// The reference leads nowhere: this back end's share of requests fails.
        case invalid(InvalidBackend)
    }

    package let destination: Destination
    package let weight: BackendWeight
    package let filters: BackendFilters

    package init(_ destination: Destination, weight: BackendWeight = .one, filters: BackendFilters = .none) {
        self.destination = destination
        self.weight = weight
        self.filters = filters
    }
}

/// Why a reference to a back end leads nowhere.
package enum InvalidBackend: String, Hashable, Sendable {
    case invalidKind = "InvalidKind"
    case backendNotFound = "BackendNotFound"
    case referenceNotPermitted = "RefNotPermitted"
    case unsupportedProtocol = "UnsupportedProtocol"
    /// A filter of this back end is not understood.
    case unsupportedFilter = "UnsupportedFilter"
}

/// A share of the sum of all weights; 0 gets nothing. At most 1,000,000.
package struct BackendWeight: Hashable, Sendable {
    package let value: UInt32

    /// - Throws: ``RouteValueError/weight(_:)``.
    package init(_ value: UInt32) throws(RouteValueError) {
        guard value <= 1_000_000 else { throw .weight(value) }
        self.value = value
    }

    private init(unchecked value: UInt32) { self.value = value }

    package static let one = BackendWeight(unchecked: 1)
}

/// What happens only to requests that go to one back end.
package struct BackendFilters: Hashable, Sendable {
    package enum Action: Hashable, Sendable {
        case forward(URLRewrite?)
        case redirect(RequestRedirect)
    }

    package let requestHeaders: HeaderModifier?
    package let responseHeaders: HeaderModifier?
    package let mirrors: [RequestMirror]
    package let action: Action

    package init(
        requestHeaders: HeaderModifier? = nil, responseHeaders: HeaderModifier? = nil, mirrors: [RequestMirror] = [],
        action: Action = .forward(nil)
    ) {
        self.requestHeaders = requestHeaders
        self.responseHeaders = responseHeaders
        self.mirrors = mirrors
        self.action = action
    }

    package static let none = BackendFilters()

    /// Redirects, rewrites: what path they write.
    var pathReplacement: PathReplacement? {
        switch action {
        case .forward(let rewrite): rewrite?.path
        case .redirect(let redirect): redirect.path
        }
    }
}

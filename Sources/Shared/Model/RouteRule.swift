/// What happens to requests that a rule matched.
package struct RouteBehaviour: Hashable, Sendable {
    package enum Action: Hashable, Sendable {
        case forward(to: [RouteBackend], rewrite: URLRewrite? = nil)
        case redirect(RequestRedirect)
        /// The rule cannot be carried out: every request fails.
        case refuse(RouteFault)
    }

    package let action: Action
    package let requestHeaders: HeaderModifier?
    package let responseHeaders: HeaderModifier?
    package let mirrors: [RequestMirror]
    package let cors: CORSPolicy?
    package let authorization: ExternalAuthorization?
    package let timeouts: RouteTimeouts
    /// `nil`: the default of the mesh.
    package let retry: RetryPolicy?
    package let session: SessionPersistence?

    package init(
        _ action: Action, requestHeaders: HeaderModifier? = nil, responseHeaders: HeaderModifier? = nil,
        mirrors: [RequestMirror] = [], cors: CORSPolicy? = nil, authorization: ExternalAuthorization? = nil,
        timeouts: RouteTimeouts = .none, retry: RetryPolicy? = nil, session: SessionPersistence? = nil
    ) {
        self.action = action
        self.requestHeaders = requestHeaders
        self.responseHeaders = responseHeaders
        self.mirrors = mirrors
        self.cors = cors
        self.authorization = authorization
        self.timeouts = timeouts
        self.retry = retry
        self.session = session
    }

    /// Paths that its redirects and rewrites write.
    fileprivate var pathReplacements: [PathReplacement] {
        switch action {
        case .forward(let backends, let rewrite):
            ([rewrite?.path] + backends.map(\.filters.pathReplacement)).compactMap(\.self)
        case .redirect(let redirect): [redirect.path].compactMap(\.self)
        case .refuse: []
        }
    }

    /// Neither redirect nor rewrite nor CORS, on the rule or on a back end.
    fileprivate var fitsGRPC: Bool {
        guard cors == nil, case .forward(let backends, nil) = action else {
            if case .refuse = action { return true }
            return false
        }
        return backends.allSatisfy { $0.filters.action == .forward(nil) }
    }
}

/// Why a rule cannot be carried out.
package enum RouteFault: Hashable, Sendable {
    /// Refers to a filter that is not known.
    case unknownFilter(String)
    /// Its regular expression is not understood, and why.
    case pattern(String, reason: String)
    case other(String)
}

/// A rule for HTTP requests: one of its matches must hold.
package struct HTTPRouteRule: Hashable, Sendable {
    package let origin: RouteOrigin
    /// None: any host, as for every route attached to a service.
    package let hostnames: [RouteHostname]
    /// At least one.
    package let matches: [HTTPMatch]
    package let behaviour: RouteBehaviour

    /// - Parameter matches: none is one that matches everything.
    /// - Throws: ``RouteValueError/prefixReplacementWithoutPrefix``.
    package init(
        origin: RouteOrigin, hostnames: [RouteHostname] = [], matches: [HTTPMatch] = [], behaviour: RouteBehaviour
    ) throws(RouteValueError) {
        let replacesPrefix = behaviour.pathReplacements.contains { replacement in
            if case .prefix = replacement { true } else { false }
        }
        guard !replacesPrefix || matches.allSatisfy(\.path.isPrefix) else { throw .prefixReplacementWithoutPrefix }
        self.origin = origin
        self.hostnames = hostnames
        self.matches = matches.isEmpty ? [HTTPMatch()] : matches
        self.behaviour = behaviour
    }
}

/// A rule for gRPC calls: one of its matches must hold.
package struct GRPCRouteRule: Hashable, Sendable {
    package let origin: RouteOrigin
    /// None: any host.
    package let hostnames: [RouteHostname]
    /// At least one.
    package let matches: [GRPCMatch]
    package let behaviour: RouteBehaviour

    /// - Parameter matches: none is one that matches everything.
    /// - Throws: ``RouteValueError/filterNotAllowed`` for redirects, rewrites and CORS.
    package init(
        origin: RouteOrigin, hostnames: [RouteHostname] = [], matches: [GRPCMatch] = [], behaviour: RouteBehaviour
    ) throws(RouteValueError) {
        guard behaviour.fitsGRPC else { throw .filterNotAllowed }
        self.origin = origin
        self.hostnames = hostnames
        self.matches = matches.isEmpty ? [GRPCMatch()] : matches
        self.behaviour = behaviour
    }
}

/// Where connections go, by weight; filters of the back ends do not apply.
package struct TCPRouteRule: Hashable, Sendable {
    package let origin: RouteOrigin
    package let backends: [RouteBackend]

    package init(origin: RouteOrigin, backends: [RouteBackend]) {
        self.origin = origin
        self.backends = backends
    }
}

/// Where TLS connections for some server names go, by weight; filters of the back ends do not apply.
package struct TLSRouteRule: Hashable, Sendable {
    package let origin: RouteOrigin
    /// Compared with the server name of the handshake; at least one.
    package let hostnames: [RouteHostname]
    package let backends: [RouteBackend]

    /// - Throws: ``RouteValueError/noHostnames``.
    package init(
        origin: RouteOrigin, hostnames: [RouteHostname], backends: [RouteBackend]
    ) throws(RouteValueError) {
        guard !hostnames.isEmpty else { throw .noHostnames }
        self.origin = origin
        self.hostnames = hostnames
        self.backends = backends
    }
}

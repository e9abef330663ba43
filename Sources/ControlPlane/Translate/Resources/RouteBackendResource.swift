package import MeshModel

/// A reference to a back end, not yet looked up.
package struct BackendReference: Hashable, Sendable {
    package var group: String
    package var kind: String
    /// `nil`: the namespace of the route.
    package var namespace: String?
    package var name: String
    package var port: UInt16?
    package var line: Int
    /// Path from the resource's root, for messages.
    package var field: String

    package init(
        group: String = "", kind: String = "Service", namespace: String? = nil, name: String, port: UInt16? = nil,
        line: Int = 0, field: String = "backendRef"
    ) {
        self.group = group
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.port = port
        self.line = line
        self.field = field
    }
}

/// One of the back ends of a rule.
package struct RouteBackendResource: Hashable, Sendable {
    package var reference: BackendReference
    package var weight: BackendWeight = .one
    package var filters = RouteFiltersResource()
    /// In its filters: the share of this back end fails.
    package var problems: [FieldProblem] = []

    package init(_ reference: BackendReference) { self.reference = reference }
}

/// The filters of a rule or of a back end.
package struct RouteFiltersResource: Hashable, Sendable {
    package struct Mirror: Hashable, Sendable {
        package var reference: BackendReference
        package var share: RequestFraction

        package init(_ reference: BackendReference, share: RequestFraction = .all) {
            self.reference = reference
            self.share = share
        }
    }

    package struct Authorization: Hashable, Sendable {
        package var reference: BackendReference
        package var transport: ExternalAuthorization.Transport
        /// Bytes of the body that are sent along; 0: no body.
        package var bodyBytesMax: UInt32

        package init(
            _ reference: BackendReference, transport: ExternalAuthorization.Transport, bodyBytesMax: UInt32 = 0
        ) {
            self.reference = reference
            self.transport = transport
            self.bodyBytesMax = bodyBytesMax
        }
    }

    package var requestHeaders: HeaderModifier?
    package var responseHeaders: HeaderModifier?
    package var redirect: RequestRedirect?
    package var rewrite: URLRewrite?
    package var mirrors: [Mirror] = []
    package var cors: CORSPolicy?
    package var authorization: Authorization?

    package init() {}
}

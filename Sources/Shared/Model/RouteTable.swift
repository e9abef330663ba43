/// What a waypoint is told about the routes of one port of one service: every rule that is attached, in any order.
package struct RouteTable: Hashable, Sendable {
    package let target: RouteTarget
    package let http: [HTTPRouteRule]
    package let grpc: [GRPCRouteRule]
    package let tcp: [TCPRouteRule]
    package let tls: [TLSRouteRule]

    package init(
        target: RouteTarget, http: [HTTPRouteRule] = [], grpc: [GRPCRouteRule] = [], tcp: [TCPRouteRule] = [],
        tls: [TLSRouteRule] = []
    ) {
        self.target = target
        self.http = http
        self.grpc = grpc
        self.tcp = tcp
        self.tls = tls
    }

    /// Some route decides about requests: those that no rule matches are not found.
    package var routesRequests: Bool { !http.isEmpty || !grpc.isEmpty }

    /// Some route decides about connections.
    package var routesConnections: Bool { !tcp.isEmpty || !tls.isEmpty }
}

/// A port of a service: what routes are attached to, and where they send.
package struct RouteTarget: Hashable, Sendable, CustomStringConvertible {
    package let service: ServiceKey
    package let port: UInt16

    package init(service: ServiceKey, port: UInt16) {
        self.service = service
        self.port = port
    }

    package var description: String { "\(service):\(port)" }
}

/// The resource a rule comes from. The order is the tail of the precedence of the Gateway API: the oldest resource,
/// then `NAMESPACE/NAME` alphabetically, then the place of the rule in it.
package struct RouteOrigin: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case http = "HTTPRoute"
        case grpc = "GRPCRoute"
        case tcp = "TCPRoute"
        case tls = "TLSRoute"
    }

    package let kind: Kind
    package let namespace: String
    package let name: String
    /// Place of the rule in its resource, from 0.
    package let ruleIndex: Int
    package let ruleName: String?
    /// When the resource was created, in seconds since 1970.
    package let createdSeconds: Int64

    package init(
        kind: Kind, namespace: String, name: String, ruleIndex: Int = 0, ruleName: String? = nil,
        createdSeconds: Int64 = 0
    ) {
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.ruleIndex = ruleIndex
        self.ruleName = ruleName
        self.createdSeconds = createdSeconds
    }

    /// `NAMESPACE/NAME`.
    package var key: String { "\(namespace)/\(name)" }
}

extension RouteOrigin: Comparable {
    package static func < (left: RouteOrigin, right: RouteOrigin) -> Bool {
        if left.createdSeconds != right.createdSeconds { return left.createdSeconds < right.createdSeconds }
        let (leftKey, rightKey) = (left.key, right.key)
        if leftKey != rightKey { return leftKey.utf8.lexicographicallyPrecedes(rightKey.utf8) }
        if left.ruleIndex != right.ruleIndex { return left.ruleIndex < right.ruleIndex }
        return left.kind.rawValue < right.kind.rawValue
    }
}

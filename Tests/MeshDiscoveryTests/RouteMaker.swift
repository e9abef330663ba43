import MeshModel
import SeededTesting

/// Makes tables of routes that use everything a table can hold.
struct RouteMaker {
    var generator: SeededGenerator

    private mutating func pick<Value>(_ values: Value..., or standard: Value) -> Value {
        values.randomElement(using: &generator) ?? standard
    }

    private mutating func perhaps<Value>(_ make: (inout RouteMaker) throws -> Value) rethrows -> Value? {
        Bool.random(using: &generator) ? try make(&self) : nil
    }

    private mutating func some<Value>(
        _ range: ClosedRange<Int>, _ make: (inout RouteMaker) throws -> Value
    ) rethrows -> [Value] {
        try (0..<Int.random(in: range, using: &generator)).map { _ in try make(&self) }
    }

    mutating func routes() throws -> AttachedRoutes {
        let table = RouteTable(
            target: target(),
            http: try some(0...3) { maker in
                let behaviour = try maker.behaviour()
                // Only prefixes may be replaced.
                let matches = try maker.some(0...3) { try $0.match() }
                return try HTTPRouteRule(
                    origin: maker.origin(.http), hostnames: try maker.hostnames(0...2), matches: matches,
                    behaviour: behaviour)
            },
            grpc: try some(0...3) { maker in
                try GRPCRouteRule(
                    origin: maker.origin(.grpc), matches: try maker.some(0...2) { try $0.call() },
                    behaviour: maker.pick(
                        RouteBehaviour(.forward(to: [])), RouteBehaviour(.refuse(.unknownFilter("x"))),
                        or: RouteBehaviour(.refuse(.other("y")))))
            },
            tcp: try some(0...2) { TCPRouteRule(origin: $0.origin(.tcp), backends: try $0.backends()) },
            tls: try some(0...2) { maker in
                try TLSRouteRule(
                    origin: maker.origin(.tls), hostnames: try maker.hostnames(1...2), backends: try maker.backends())
            })
        return AttachedRoutes(table, clientNamespace: perhaps { $0.pick("a", "b", or: "c") })
    }

    private mutating func target() -> RouteTarget {
        RouteTarget(
            service: ServiceKey(namespace: pick("a", "b", or: "c"), hostname: pick("x.y", "z", or: "w")),
            port: pick(1, 80, or: 65_535))
    }

    private mutating func origin(_ kind: RouteOrigin.Kind) -> RouteOrigin {
        RouteOrigin(
            kind: kind, namespace: pick("a", "b", or: "c"), name: pick("x", "y", or: "z"),
            ruleIndex: Int.random(in: 0...15, using: &generator), ruleName: perhaps { $0.pick("one", or: "two") },
            createdSeconds: pick(.min, 0, .max, or: 1_700_000_000))
    }

    private mutating func hostnames(_ range: ClosedRange<Int>) throws -> [RouteHostname] {
        try some(range) { try RouteHostname($0.pick("a.b", "*.a.b", or: "c")) }
    }

    private mutating func value() -> ValueMatch { pick(.exact("x"), .exact(""), .pattern("[xy]"), or: .exact("y")) }

    private mutating func match() throws -> HTTPMatch {
        HTTPMatch(
            path: .prefix(try RoutePath(pick("/", "/a", "/a/b/", or: "/c"))),
            method: perhaps { $0.pick(.get, or: .patch) },
            headers: try some(0...2) { HeaderMatch(try HeaderName($0.pick("h", or: "i")), $0.value()) },
            queryParameters: some(0...2) { QueryMatch($0.pick("q", "Q", or: ""), $0.value()) })
    }

    private mutating func call() throws -> GRPCMatch {
        let method: GRPCMethodMatch? = try perhaps { maker in
            let (service, method) = (maker.perhaps { _ in "s.S" }, maker.pick("M", "N", or: "O"))
            return maker.pick(true, or: false)
                ? try GRPCMethodMatch(exactService: service, method: method)
                : try GRPCMethodMatch(servicePattern: service, methodPattern: method)
        }
        return GRPCMatch(method: method, headers: try some(0...1) { HeaderMatch(try HeaderName("h"), $0.value()) })
    }

    private mutating func modifier() throws -> HeaderModifier {
        try HeaderModifier(
            set: [HeaderField(HeaderName("a"), pick("1", "", or: "x y"))],
            add: some(0...1) { _ in try HeaderField(HeaderName("b"), "2") },
            remove: some(0...1) { _ in try HeaderName("c") })
    }

    private mutating func path() throws -> PathReplacement {
        let path = try ReplacementPath(pick("", "/", or: "/x/y"))
        return pick(.full(path), or: .prefix(path))
    }

    private mutating func rewrite() throws -> URLRewrite {
        URLRewrite(hostname: try perhaps { _ in try DomainName("h.i") }, path: try perhaps { try $0.path() })
    }

    private mutating func redirect() throws -> RequestRedirect {
        try RequestRedirect(
            scheme: perhaps { $0.pick(.http, or: .https) }, hostname: perhaps { _ in try DomainName("r.s") },
            port: perhaps { $0.pick(1, or: 65_535) }, path: perhaps { try $0.path() },
            status: pick(.movedPermanently, .found, .seeOther, .temporary, or: .permanent))
    }

    private mutating func mirrors() throws -> [RequestMirror] {
        try some(0...2) { RequestMirror(target: $0.target(), share: try $0.pick(.all, or: RequestFraction(1, of: 3))) }
    }

    private mutating func backends() throws -> [RouteBackend] {
        try some(0...3) { maker in
            let reasons: [InvalidBackend] = [
                .invalidKind, .backendNotFound, .referenceNotPermitted, .unsupportedProtocol, .unsupportedFilter,
            ]
            let invalid = reasons.randomElement(using: &maker.generator) ?? .invalidKind
            let filters = BackendFilters(
                requestHeaders: try maker.perhaps { try $0.modifier() },
                responseHeaders: try maker.perhaps { try $0.modifier() }, mirrors: try maker.mirrors(),
                action: try maker.pick(
                    .forward(nil), .forward(maker.rewrite()), or: .redirect(maker.redirect())))
            return RouteBackend(
                maker.pick(.service(maker.target()), or: .invalid(invalid)),
                weight: try BackendWeight(maker.pick(0, 1, or: 1_000_000)), filters: filters)
        }
    }

    private mutating func behaviour() throws -> RouteBehaviour {
        let fault: RouteFault = pick(.unknownFilter("f"), .pattern("(", reason: "open"), or: .other("o"))
        let action: RouteBehaviour.Action = pick(
            .forward(to: try backends(), rewrite: try perhaps { try $0.rewrite() }), .redirect(try redirect()),
            or: .refuse(fault))
        let timeouts: [RouteTimeout?] = [nil, .disabled, .after(.milliseconds(1500))]
        return RouteBehaviour(
            action, requestHeaders: try perhaps { try $0.modifier() },
            responseHeaders: try perhaps { try $0.modifier() }, mirrors: try mirrors(),
            cors: try perhaps { try $0.cors() },
            authorization: try perhaps { try $0.authorization() },
            timeouts: try RouteTimeouts(
                request: timeouts.randomElement(using: &generator) ?? nil,
                backendRequest: timeouts.randomElement(using: &generator) ?? nil),
            retry: try perhaps { try $0.retry() }, session: try perhaps { try $0.session() })
    }

    private mutating func names() throws -> CORSNames {
        pick(.any, .none, or: .listed([try HTTPToken("GET"), try HTTPToken("x-Y")]))
    }

    private mutating func cors() throws -> CORSPolicy {
        try CORSPolicy(
            allowOrigins: some(0...2) { try CORSOrigin($0.pick("*", "https://a.b:8443", or: "http://*.c.d:81")) },
            allowMethods: names(), allowHeaders: names(), exposeHeaders: names(),
            allowCredentials: Bool.random(using: &generator), maximumAgeSeconds: pick(1, 5, or: 86_400))
    }

    private mutating func authorization() throws -> ExternalAuthorization {
        let names = try some(0...2) { try HeaderName($0.pick("x", or: "y")) }
        return ExternalAuthorization(
            target: target(),
            transport: pick(
                .http(pathPrefix: try ReplacementPath("/check"), allowedHeaders: names, allowedResponseHeaders: names),
                or: .grpc(allowedHeaders: names)), bodyBytesMax: pick(0, or: 512))
    }

    private mutating func retry() throws -> RetryPolicy {
        try RetryPolicy(
            attempts: pick(0, 2, or: 100),
            conditions: Set(RetryCondition.allCases.filter { _ in Bool.random(using: &generator) }),
            statuses: Set(some(0...3) { UInt16.random(in: 400...599, using: &$0.generator) }),
            backOff: pick(.standard, or: try RetryBackOff(minimum: .milliseconds(100))))
    }

    private mutating func session() throws -> SessionPersistence {
        let timeout: Duration? = perhaps { _ in .seconds(3600) }
        let lifetime: SessionPersistence.CookieLifetime = timeout == nil ? .session : .permanent
        return try SessionPersistence(
            carrier: pick(
                .cookie(name: HTTPToken("Sid"), path: RoutePath("/app"), lifetime: lifetime),
                or: .header(HeaderName("x-session"))), absoluteTimeout: timeout)
    }
}

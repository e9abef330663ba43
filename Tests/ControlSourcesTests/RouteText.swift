import ControlTranslate
import MeshModel

/// Routes of a desired world as text, one line per fact.
enum RouteText {
    static func describe(_ world: DesiredWorld) -> [String] {
        world.routes.flatMap(describe) + world.routeStatuses.flatMap(describe)
    }

    private static func describe(_ routes: AttachedRoutes) -> [String] {
        let client = routes.clientNamespace.map { " for clients of \($0)" } ?? ""
        var lines = ["routes \(routes.table.target)\(client)"]
        for rule in routes.table.http {
            lines.append("  \(describe(rule.origin))")
            lines += rule.matches.map { "    when \(describe($0))" } + describe(rule.behaviour)
        }
        for rule in routes.table.grpc {
            lines.append("  \(describe(rule.origin))")
            lines += rule.matches.map { "    when \(describe($0))" } + describe(rule.behaviour)
        }
        for rule in routes.table.tls {
            lines.append("  \(describe(rule.origin)) for \(rule.hostnames)")
            lines += rule.backends.flatMap(describe)
        }
        for rule in routes.table.tcp {
            lines.append("  \(describe(rule.origin))")
            lines += rule.backends.flatMap(describe)
        }
        return lines
    }

    private static func describe(_ origin: RouteOrigin) -> String {
        let age = origin.createdSeconds == .max ? "" : " of \(origin.createdSeconds)"
        let name = origin.ruleName.map { " \"\($0)\"" } ?? ""
        return "rule \(origin.kind.rawValue) \(origin.key)#\(origin.ruleIndex)\(name)\(age)"
    }

    private static func describe(_ match: HTTPMatch) -> String {
        var parts: [String] = []
        switch match.path {
        case .exact(let path): parts.append("path = \(path)")
        case .prefix(let path): parts.append("path below \(path)")
        case .pattern(let text): parts.append("path ~ \(text)")
        }
        if let method = match.method { parts.append(method.rawValue) }
        parts += match.headers.map { "header \($0.name) \(describe($0.value))" }
        parts += match.queryParameters.map { "query \($0.name) \(describe($0.value))" }
        return parts.joined(separator: ", ")
    }

    private static func describe(_ match: GRPCMatch) -> String {
        let service = match.method?.service.map { "service \(describe($0))" }
        let method = match.method?.method.map { "method \(describe($0))" }
        let headers = match.headers.map { "header \($0.name) \(describe($0.value))" }
        let parts = [service, method].compactMap { $0 } + headers
        return parts.isEmpty ? "any call" : parts.joined(separator: ", ")
    }

    private static func describe(_ value: ValueMatch) -> String {
        switch value {
        case .exact(let text): "= \(text)"
        case .pattern(let text): "~ \(text)"
        }
    }

    private static func describe(_ behaviour: RouteBehaviour) -> [String] {
        var lines: [String] = []
        switch behaviour.action {
        case .forward(let backends, let rewrite):
            if let rewrite { lines.append("    \(describe(rewrite))") }
            lines += backends.isEmpty ? ["    to nobody"] : backends.flatMap(describe)
        case .redirect(let redirect): lines.append("    \(describe(redirect))")
        case .refuse(let fault): lines.append("    fails: \(describe(fault))")
        }
        lines += describe("request", behaviour.requestHeaders) + describe("response", behaviour.responseHeaders)
        lines += behaviour.mirrors.map(describe)
        if let cors = behaviour.cors { lines.append("    \(describe(cors))") }
        if let asked = behaviour.authorization {
            lines.append("    asks \(asked.target) \(describe(asked.transport)) body \(asked.bodyBytesMax)")
        }
        let limits = [("request", behaviour.timeouts.request), ("try", behaviour.timeouts.backendRequest)]
        lines += limits.compactMap { name, limit in
            limit.map { "    timeout of \(name) \($0.duration.map { "\($0)" } ?? "off")" }
        }
        if let retry = behaviour.retry {
            let causes = retry.conditions.map(\.rawValue).sorted() + retry.statuses.sorted().map { "\($0)" }
            let pause = "\(retry.backOff.base) \(retry.backOff.minimum)"
            lines.append("    retries \(retry.attempts) on \(causes.joined(separator: " ")) after \(pause)")
        }
        if let session = behaviour.session { lines.append("    \(describe(session))") }
        return lines
    }

    private static func describe(_ fault: RouteFault) -> String {
        switch fault {
        case .unknownFilter(let name): "unknown filter \(name)"
        case .pattern(let text, let reason): "pattern \(text): \(reason)"
        case .other(let text): text
        }
    }

    private static func describe(_ backend: RouteBackend) -> [String] {
        let place: String
        switch backend.destination {
        case .service(let target): place = "\(target)"
        case .invalid(let reason): place = "invalid \(reason.rawValue)"
        }
        var lines = ["    to \(place) weight \(backend.weight.value)"]
        let filters = backend.filters
        lines += describe("request", filters.requestHeaders).map { "  " + $0 }
        lines += describe("response", filters.responseHeaders).map { "  " + $0 }
        lines += filters.mirrors.map { "  " + describe($0) }
        switch filters.action {
        case .forward(nil): break
        case .forward(let rewrite?): lines.append("      \(describe(rewrite))")
        case .redirect(let redirect): lines.append("      \(describe(redirect))")
        }
        return lines
    }

    private static func describe(_ name: String, _ modifier: HeaderModifier?) -> [String] {
        guard let modifier else { return [] }
        let parts = modifier.set.map { "set \($0.name): \($0.value)" }
            + modifier.add.map { "add \($0.name): \($0.value)" } + modifier.remove.map { "remove \($0)" }
        return ["    \(name) headers \(parts.joined(separator: ", "))"]
    }

    private static func describe(_ mirror: RequestMirror) -> String {
        "    mirrors \(mirror.share.numerator)/\(mirror.share.denominator) to \(mirror.target)"
    }

    private static func describe(_ path: PathReplacement?) -> String {
        switch path {
        case .full(let path): " path \(path)"
        case .prefix(let path): " prefix \(path)"
        case nil: ""
        }
    }

    private static func describe(_ rewrite: URLRewrite) -> String {
        "rewrites\(rewrite.hostname.map { " host \($0)" } ?? "")\(describe(rewrite.path))"
    }

    private static func describe(_ redirect: RequestRedirect) -> String {
        let address = [redirect.scheme?.rawValue, redirect.hostname?.text, redirect.port.map { "\($0)" }]
        let text = address.map { $0 ?? "-" }.joined(separator: " ")
        return "redirects \(redirect.status.rawValue) \(text)\(describe(redirect.path))"
    }

    private static func describe(_ cors: CORSPolicy) -> String {
        let origins = cors.allowOrigins.map { "\($0.pattern)" }.joined(separator: " ")
        let names = [cors.allowMethods, cors.allowHeaders, cors.exposeHeaders].map { names in
            switch names {
            case .any: "*"
            case .listed(let tokens): tokens.map(\.text).joined(separator: ",")
            }
        }
        let text = names.joined(separator: "|")
        return "lets in \(origins) \(text) credentials \(cors.allowCredentials) age \(cors.maximumAgeSeconds)"
    }

    private static func describe(_ transport: ExternalAuthorization.Transport) -> String {
        switch transport {
        case .http(let path, let headers, let passed): "by HTTP at \"\(path)\" with \(headers), passes on \(passed)"
        case .grpc(let headers): "by gRPC with \(headers)"
        }
    }

    private static func describe(_ session: SessionPersistence) -> String {
        let limit = session.absoluteTimeout.map { " for \($0)" } ?? ""
        switch session.carrier {
        case .cookie(let name, let path, let lifetime):
            return "keeps clients by cookie \(name) at \(path) \(lifetime.rawValue)\(limit)"
        case .header(let name): return "keeps clients by header \(name)\(limit)"
        }
    }

    private static func describe(_ status: RouteStatus) -> [String] {
        var lines = ["status \(status.kind.rawValue) \(status.namespace)/\(status.name) \(status.generation)"]
        for parent in status.parents {
            let reference = parent.reference
            let place = [reference.sectionName, reference.port.map { "\($0)" }].compactMap { $0 }.map { ":" + $0 }
            let namespace = reference.namespace.map { "\($0)/" } ?? ""
            lines.append("  parent \(reference.kind) \(namespace)\(reference.name)\(place.joined())")
            // That all is well with waypoints says nothing more.
            for condition in parent.conditions where condition.message != "All waypoints resolved" {
                let message = condition.message.isEmpty ? "" : ": \(condition.message)"
                let state = "\(condition.kind.rawValue)=\(condition.isTrue)"
                lines.append("    \(state) \(condition.reason.rawValue)\(message)")
            }
        }
        return lines
    }
}

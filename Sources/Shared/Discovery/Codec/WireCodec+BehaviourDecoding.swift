import MeshModel
import MeshWire
import SwiftProtobuf

/// What rules do, from the wire.
extension WireCodec {
    static func behaviour(_ message: Apus_Waypoint_V1_Behaviour) throws(WireRejection) -> RouteBehaviour {
        try known(message)
        let action: RouteBehaviour.Action
        switch message.action {
        case .forward(let forward):
            try known(forward)
            action = .forward(
                to: try backends(forward.backends), rewrite: forward.hasRewrite ? try rewrite(forward.rewrite) : nil)
        case .redirect(let redirect): action = .redirect(try self.redirect(redirect))
        case .fault(let fault): action = .refuse(try self.fault(fault))
        case nil: throw .missing(field: "action")
        }
        let limits = (
            message.hasRequestTimeout ? message.requestTimeout : nil,
            message.hasBackendRequestTimeout ? message.backendRequestTimeout : nil
        )
        let timeouts = try value("timeouts") { () throws(RouteValueError) in
            try RouteTimeouts(request: timeout(limits.0), backendRequest: timeout(limits.1))
        }
        return RouteBehaviour(
            action, requestHeaders: message.hasRequestHeaders ? try modifier(message.requestHeaders) : nil,
            responseHeaders: message.hasResponseHeaders ? try modifier(message.responseHeaders) : nil,
            mirrors: try mirrors(message.mirrors), cors: message.hasCors ? try cors(message.cors) : nil,
            authorization: message.hasAuthorization ? try authorization(message.authorization) : nil,
            timeouts: timeouts, retry: message.hasRetry ? try retry(message.retry) : nil,
            session: message.hasSession ? try session(message.session) : nil)
    }

    private static func timeout(_ nanoseconds: Int64?) throws(RouteValueError) -> RouteTimeout? {
        guard let nanoseconds else { return nil }
        return try RouteTimeout(.nanoseconds(nanoseconds))
    }

    static func backends(_ messages: [Apus_Waypoint_V1_Backend]) throws(WireRejection) -> [RouteBackend] {
        var backends: [RouteBackend] = []
        for message in messages { backends.append(try backend(message)) }
        return backends
    }

    private static func backend(_ message: Apus_Waypoint_V1_Backend) throws(WireRejection) -> RouteBackend {
        try known(message)
        let destination: RouteBackend.Destination
        switch message.destination {
        case .service(let target): destination = .service(try self.target(target))
        case .invalid(let text): destination = .invalid(try value("invalid", text, InvalidBackend.self))
        case nil: throw .missing(field: "destination")
        }
        let action: BackendFilters.Action
        switch message.action {
        case .rewrite(let rewrite): action = .forward(try self.rewrite(rewrite))
        case .redirect(let redirect): action = .redirect(try self.redirect(redirect))
        case nil: action = .forward(nil)
        }
        let filters = BackendFilters(
            requestHeaders: message.hasRequestHeaders ? try modifier(message.requestHeaders) : nil,
            responseHeaders: message.hasResponseHeaders ? try modifier(message.responseHeaders) : nil,
            mirrors: try mirrors(message.mirrors), action: action)
        let weight = try value("weight") { () throws(RouteValueError) in try BackendWeight(message.weight) }
        return RouteBackend(destination, weight: weight, filters: filters)
    }

    private static func fault(_ message: Apus_Waypoint_V1_Fault) throws(WireRejection) -> RouteFault {
        try known(message)
        switch message.fault {
        case .unknownFilter(let name): return .unknownFilter(name)
        case .pattern(let pattern):
            try known(pattern)
            return .pattern(pattern.text, reason: pattern.reason)
        case .other(let text): return .other(text)
        case nil: throw .missing(field: "fault")
        }
    }

    private static func modifier(_ message: Apus_Waypoint_V1_HeaderModifier) throws(WireRejection) -> HeaderModifier {
        try known(message)
        let (set, add, remove) = (try fields(message.set), try fields(message.add), try names(message.remove))
        return try value("headers") { () throws(RouteValueError) in
            try HeaderModifier(set: set, add: add, remove: remove)
        }
    }

    private static func fields(_ messages: [Apus_Waypoint_V1_HeaderField]) throws(WireRejection) -> [HeaderField] {
        var fields: [HeaderField] = []
        for message in messages {
            try known(message)
            let name = try headerName(message.name)
            fields.append(try value("header") { () throws(RouteValueError) in try HeaderField(name, message.value) })
        }
        return fields
    }

    private static func names(_ texts: [String]) throws(WireRejection) -> [HeaderName] {
        var names: [HeaderName] = []
        for text in texts { names.append(try headerName(text)) }
        return names
    }

    private static func path(_ message: Apus_Waypoint_V1_PathReplacement) throws(WireRejection) -> PathReplacement {
        try known(message)
        switch message.path {
        case .full(let text):
            return .full(try value("path.full") { () throws(RouteValueError) in try ReplacementPath(text) })
        case .prefix(let text):
            return .prefix(try value("path.prefix") { () throws(RouteValueError) in try ReplacementPath(text) })
        case nil: throw .missing(field: "path")
        }
    }

    private static func domain(_ text: String) throws(WireRejection) -> DomainName {
        try value("hostname") { () throws(RouteValueError) in try DomainName(text) }
    }

    private static func rewrite(_ message: Apus_Waypoint_V1_Rewrite) throws(WireRejection) -> URLRewrite {
        try known(message)
        return URLRewrite(
            hostname: message.hasHostname ? try domain(message.hostname) : nil,
            path: message.hasPath ? try path(message.path) : nil)
    }

    private static func redirect(_ message: Apus_Waypoint_V1_Redirect) throws(WireRejection) -> RequestRedirect {
        try known(message)
        let scheme = message.hasScheme ? try value("scheme", message.scheme, HTTPScheme.self) : nil
        let hostname = message.hasHostname ? try domain(message.hostname) : nil
        let port = message.hasPort ? try self.port(message.port, field: "redirect.port") : nil
        let path = message.hasPath ? try path(message.path) : nil
        let number = UInt16(clamping: message.status)
        let status = try value("redirect.status", number, RequestRedirect.Status.self)
        return try value("redirect") { () throws(RouteValueError) in
            try RequestRedirect(scheme: scheme, hostname: hostname, port: port, path: path, status: status)
        }
    }

    private static func mirrors(_ messages: [Apus_Waypoint_V1_Mirror]) throws(WireRejection) -> [RequestMirror] {
        var mirrors: [RequestMirror] = []
        for message in messages {
            try known(message)
            let share = try value("mirror") { () throws(RouteValueError) in
                try RequestFraction(message.numerator, of: message.denominator)
            }
            mirrors.append(RequestMirror(target: try target(message.target), share: share))
        }
        return mirrors
    }
}

import MeshModel
import MeshWire
import SwiftProtobuf

/// Cross-origin policies, external authorization, retries and sessions of rules, from the wire.
extension WireCodec {
    static func cors(_ message: Apus_Waypoint_V1_CORS) throws(WireRejection) -> CORSPolicy {
        try known(message)
        var origins: [CORSOrigin] = []
        for text in message.allowOrigins {
            origins.append(try value("allow_origins") { () throws(RouteValueError) in try CORSOrigin(text) })
        }
        let allowed = origins
        let methods = try corsNames(message.allowMethods)
        let headers = try corsNames(message.allowHeaders)
        let exposed = try corsNames(message.exposeHeaders)
        return try value("cors") { () throws(RouteValueError) in
            try CORSPolicy(
                allowOrigins: allowed, allowMethods: methods, allowHeaders: headers, exposeHeaders: exposed,
                allowCredentials: message.allowCredentials, maximumAgeSeconds: Int(message.maximumAgeSeconds))
        }
    }

    private static func corsNames(_ message: Apus_Waypoint_V1_Names) throws(WireRejection) -> CORSNames {
        try known(message)
        if message.any { return .any }
        var tokens: [HTTPToken] = []
        for text in message.names {
            tokens.append(try value("names") { () throws(RouteValueError) in try HTTPToken(text) })
        }
        return .listed(tokens)
    }

    static func authorization(
        _ message: Apus_Waypoint_V1_Authorization
    ) throws(WireRejection) -> ExternalAuthorization {
        try known(message)
        let transport: ExternalAuthorization.Transport
        switch message.transport {
        case .http(let http):
            try known(http)
            let path = try value("path_prefix") { () throws(RouteValueError) in try ReplacementPath(http.pathPrefix) }
            transport = .http(
                pathPrefix: path, allowedHeaders: try headerNames(http.allowedHeaders),
                allowedResponseHeaders: try headerNames(http.allowedResponseHeaders))
        case .grpc(let grpc):
            try known(grpc)
            transport = .grpc(allowedHeaders: try headerNames(grpc.allowedHeaders))
        case nil: throw .missing(field: "transport")
        }
        return ExternalAuthorization(
            target: try target(message.target), transport: transport, bodyBytesMax: message.bodyBytesMax)
    }

    private static func headerNames(_ texts: [String]) throws(WireRejection) -> [HeaderName] {
        var names: [HeaderName] = []
        for text in texts { names.append(try headerName(text)) }
        return names
    }

    static func retry(_ message: Apus_Waypoint_V1_Retry) throws(WireRejection) -> RetryPolicy {
        try known(message)
        var conditions: Set<RetryCondition> = []
        for text in message.conditions { conditions.insert(try value("conditions", text, RetryCondition.self)) }
        let causes = conditions
        let statuses = Set(message.statuses.map { UInt16(clamping: $0) })
        return try value("retry") { () throws(RouteValueError) in
            let backOff: RetryBackOff =
                message.hasBackoff ? try RetryBackOff(minimum: .nanoseconds(message.backoff)) : .standard
            return try RetryPolicy(
                attempts: Int(message.attempts), conditions: causes, statuses: statuses, backOff: backOff)
        }
    }

    static func session(_ message: Apus_Waypoint_V1_Session) throws(WireRejection) -> SessionPersistence {
        try known(message)
        let carrier: SessionPersistence.Carrier
        switch message.carrier {
        case .cookie(let cookie):
            try known(cookie)
            let name = try value("cookie.name") { () throws(RouteValueError) in try HTTPToken(cookie.name) }
            let path = try value("cookie.path") { () throws(RouteValueError) in try RoutePath(cookie.path) }
            let lifetime = try value("cookie.lifetime", cookie.lifetime, SessionPersistence.CookieLifetime.self)
            carrier = .cookie(name: name, path: path, lifetime: lifetime)
        case .header(let name): carrier = .header(try headerName(name))
        case nil: throw .missing(field: "carrier")
        }
        return try value("session") { () throws(RouteValueError) in
            try SessionPersistence(
                carrier: carrier,
                absoluteTimeout: message.hasAbsoluteTimeout ? .nanoseconds(message.absoluteTimeout) : nil)
        }
    }
}

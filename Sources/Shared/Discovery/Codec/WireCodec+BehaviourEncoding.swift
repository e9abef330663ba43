import MeshModel
import MeshWire
import SwiftProtobuf

/// What rules do, as it goes over the wire.
extension WireCodec {
    static func message(_ behaviour: RouteBehaviour) -> Apus_Waypoint_V1_Behaviour {
        .with {
            switch behaviour.action {
            case .forward(let backends, let rewrite):
                $0.forward = .with {
                    $0.backends = backends.map(message)
                    if let rewrite { $0.rewrite = message(rewrite) }
                }
            case .redirect(let redirect): $0.redirect = message(redirect)
            case .refuse(let fault): $0.fault = message(fault)
            }
            if let modifier = behaviour.requestHeaders { $0.requestHeaders = message(modifier) }
            if let modifier = behaviour.responseHeaders { $0.responseHeaders = message(modifier) }
            $0.mirrors = behaviour.mirrors.map(message)
            if let cors = behaviour.cors { $0.cors = message(cors) }
            if let authorization = behaviour.authorization { $0.authorization = message(authorization) }
            if let limit = behaviour.timeouts.request { $0.requestTimeout = nanoseconds(limit.duration ?? .zero) }
            if let limit = behaviour.timeouts.backendRequest {
                $0.backendRequestTimeout = nanoseconds(limit.duration ?? .zero)
            }
            if let retry = behaviour.retry { $0.retry = message(retry) }
            if let session = behaviour.session { $0.session = message(session) }
        }
    }

    static func message(_ backend: RouteBackend) -> Apus_Waypoint_V1_Backend {
        .with {
            switch backend.destination {
            case .service(let target): $0.service = message(target)
            case .invalid(let reason): $0.invalid = reason.rawValue
            }
            $0.weight = backend.weight.value
            let filters = backend.filters
            if let modifier = filters.requestHeaders { $0.requestHeaders = message(modifier) }
            if let modifier = filters.responseHeaders { $0.responseHeaders = message(modifier) }
            $0.mirrors = filters.mirrors.map(message)
            switch filters.action {
            case .forward(nil): break
            case .forward(let rewrite?): $0.rewrite = message(rewrite)
            case .redirect(let redirect): $0.redirect = message(redirect)
            }
        }
    }

    /// Durations of routes are whole milliseconds, at most some 45 years.
    static func nanoseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000
    }

    private static func message(_ fault: RouteFault) -> Apus_Waypoint_V1_Fault {
        .with {
            switch fault {
            case .unknownFilter(let name): $0.unknownFilter = name
            case .pattern(let text, let reason):
                $0.pattern = .with {
                    $0.text = text
                    $0.reason = reason
                }
            case .other(let text): $0.other = text
            }
        }
    }

    private static func message(_ modifier: HeaderModifier) -> Apus_Waypoint_V1_HeaderModifier {
        .with {
            $0.set = modifier.set.map(message)
            $0.add = modifier.add.map(message)
            $0.remove = modifier.remove.map(\.text)
        }
    }

    private static func message(_ field: HeaderField) -> Apus_Waypoint_V1_HeaderField {
        .with {
            $0.name = field.name.text
            $0.value = field.value
        }
    }

    private static func message(_ replacement: PathReplacement) -> Apus_Waypoint_V1_PathReplacement {
        .with {
            switch replacement {
            case .full(let path): $0.full = path.text
            case .prefix(let path): $0.prefix = path.text
            }
        }
    }

    private static func message(_ rewrite: URLRewrite) -> Apus_Waypoint_V1_Rewrite {
        .with {
            if let hostname = rewrite.hostname { $0.hostname = hostname.text }
            if let path = rewrite.path { $0.path = message(path) }
        }
    }

    private static func message(_ redirect: RequestRedirect) -> Apus_Waypoint_V1_Redirect {
        .with {
            if let scheme = redirect.scheme { $0.scheme = scheme.rawValue }
            if let hostname = redirect.hostname { $0.hostname = hostname.text }
            if let port = redirect.port { $0.port = UInt32(port) }
            if let path = redirect.path { $0.path = message(path) }
            $0.status = UInt32(redirect.status.rawValue)
        }
    }

    private static func message(_ mirror: RequestMirror) -> Apus_Waypoint_V1_Mirror {
        .with {
            $0.target = message(mirror.target)
            $0.numerator = mirror.share.numerator
            $0.denominator = mirror.share.denominator
        }
    }

    private static func message(_ cors: CORSPolicy) -> Apus_Waypoint_V1_CORS {
        .with {
            $0.allowOrigins = cors.allowOrigins.map { origin in
                switch origin.pattern {
                case .any: "*"
                case .exact(let text): text
                case .below(let scheme, let suffix): "\(scheme)*\(suffix)"
                }
            }
            $0.allowMethods = message(cors.allowMethods)
            $0.allowHeaders = message(cors.allowHeaders)
            $0.exposeHeaders = message(cors.exposeHeaders)
            $0.allowCredentials = cors.allowCredentials
            $0.maximumAgeSeconds = UInt32(clamping: cors.maximumAgeSeconds)
        }
    }

    private static func message(_ names: CORSNames) -> Apus_Waypoint_V1_Names {
        .with {
            switch names {
            case .any: $0.any = true
            case .listed(let tokens): $0.names = tokens.map(\.text)
            }
        }
    }

    private static func message(_ authorization: ExternalAuthorization) -> Apus_Waypoint_V1_Authorization {
        .with {
            $0.target = message(authorization.target)
            switch authorization.transport {
            case .http(let path, let headers, let passedOn):
                $0.http = .with {
                    $0.pathPrefix = path.text
                    $0.allowedHeaders = headers.map(\.text)
                    $0.allowedResponseHeaders = passedOn.map(\.text)
                }
            case .grpc(let headers): $0.grpc = .with { $0.allowedHeaders = headers.map(\.text) }
            }
            $0.bodyBytesMax = authorization.bodyBytesMax
        }
    }

    private static func message(_ retry: RetryPolicy) -> Apus_Waypoint_V1_Retry {
        .with {
            $0.attempts = UInt32(clamping: retry.attempts)
            // Sorted: equal content must give equal bytes.
            $0.conditions = retry.conditions.map(\.rawValue).sorted()
            $0.statuses = retry.statuses.sorted().map(UInt32.init)
            if retry.backOff != .standard { $0.backoff = nanoseconds(retry.backOff.minimum) }
        }
    }

    private static func message(_ session: SessionPersistence) -> Apus_Waypoint_V1_Session {
        .with {
            switch session.carrier {
            case .cookie(let name, let path, let lifetime):
                $0.cookie = .with {
                    $0.name = name.text
                    $0.path = path.text
                    $0.lifetime = lifetime.rawValue
                }
            case .header(let name): $0.header = name.text
            }
            if let timeout = session.absoluteTimeout { $0.absoluteTimeout = nanoseconds(timeout) }
        }
    }
}

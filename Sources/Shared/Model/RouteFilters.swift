/// Changes of header fields. A name stands in one action only, so the order of the actions does not matter.
package struct HeaderModifier: Hashable, Sendable {
    /// Overwritten, or added where missing.
    package let set: [HeaderField]
    /// Added behind those that are there.
    package let add: [HeaderField]
    package let remove: [HeaderName]

    /// - Throws: ``RouteValueError/repeatedHeader(_:)``.
    package init(
        set: [HeaderField] = [], add: [HeaderField] = [], remove: [HeaderName] = []
    ) throws(RouteValueError) {
        var seen: Set<HeaderName> = []
        for name in set.map(\.name) + add.map(\.name) + remove where !seen.insert(name).inserted {
            throw .repeatedHeader(name.text)
        }
        self.set = set
        self.add = add
        self.remove = remove
    }
}

/// `http` or `https`.
package enum HTTPScheme: String, Hashable, Sendable {
    case http, https

    /// The port that is left out of addresses: 80 or 443.
    package var defaultPort: UInt16 { self == .http ? 80 : 443 }
}

/// Answers with a location instead of forwarding.
package struct RequestRedirect: Hashable, Sendable {
    package enum Status: UInt16, Hashable, Sendable {
        case movedPermanently = 301
        case found = 302
        case seeOther = 303
        case temporary = 307
        case permanent = 308
    }

    package let scheme: HTTPScheme?
    package let hostname: DomainName?
    package let port: UInt16?
    package let path: PathReplacement?
    package let status: Status

    /// - Throws: ``RouteValueError/port`` for port 0.
    package init(
        scheme: HTTPScheme? = nil, hostname: DomainName? = nil, port: UInt16? = nil, path: PathReplacement? = nil,
        status: Status = .found
    ) throws(RouteValueError) {
        guard port != 0 else { throw .port }
        self.scheme = scheme
        self.hostname = hostname
        self.port = port
        self.path = path
        self.status = status
    }
}

/// Changes host and path of the request that is forwarded.
package struct URLRewrite: Hashable, Sendable {
    package let hostname: DomainName?
    package let path: PathReplacement?

    package init(hostname: DomainName? = nil, path: PathReplacement? = nil) {
        self.hostname = hostname
        self.path = path
    }
}

/// A share of requests, at most all of them.
package struct RequestFraction: Hashable, Sendable {
    package let numerator: UInt32
    package let denominator: UInt32

    /// - Throws: ``RouteValueError/fraction(numerator:denominator:)``.
    package init(_ numerator: UInt32, of denominator: UInt32 = 100) throws(RouteValueError) {
        guard denominator > 0, numerator <= denominator else {
            throw .fraction(numerator: numerator, denominator: denominator)
        }
        self.numerator = numerator
        self.denominator = denominator
    }

    private init(whole: UInt32) {
        numerator = whole
        denominator = whole
    }

    /// Every request.
    package static let all = RequestFraction(whole: 1)
}

/// Sends a copy of some requests elsewhere; the answer is thrown away.
package struct RequestMirror: Hashable, Sendable {
    package let target: RouteTarget
    package let share: RequestFraction

    package init(target: RouteTarget, share: RequestFraction = .all) {
        self.target = target
        self.share = share
    }
}

/// Asks a service whether a request may pass; when it cannot be asked, the request may not.
package struct ExternalAuthorization: Hashable, Sendable {
    package enum Transport: Hashable, Sendable {
        /// Path in front of the request's own; headers that are sent besides the usual ones; headers of the answer that
        /// are passed on (none listed: all but Host).
        case http(pathPrefix: ReplacementPath, allowedHeaders: [HeaderName], allowedResponseHeaders: [HeaderName])
        /// Headers that are sent (none listed: all).
        case grpc(allowedHeaders: [HeaderName])
    }

    package let target: RouteTarget
    package let transport: Transport
    /// Bytes of the body that are sent along; 0: no body.
    package let bodyBytesMax: UInt32

    package init(target: RouteTarget, transport: Transport, bodyBytesMax: UInt32 = 0) {
        self.target = target
        self.transport = transport
        self.bodyBytesMax = bodyBytesMax
    }
}

/// Keeps a client at the endpoint that answered it first.
package struct SessionPersistence: Hashable, Sendable {
    package enum Carrier: Hashable, Sendable {
        case cookie(name: HTTPToken, path: RoutePath, lifetime: CookieLifetime)
        case header(HeaderName)
    }

    package enum CookieLifetime: String, Hashable, Sendable {
        /// Until the browser ends its session.
        case session = "Session"
        /// For the absolute timeout.
        case permanent = "Permanent"
    }

    package let carrier: Carrier
    /// After this the client is sent to any endpoint again; `nil`: never.
    package let absoluteTimeout: Duration?

    /// - Throws: ``RouteValueError/permanentWithoutTimeout``, ``RouteValueError/duration(_:)`` for a timeout below a
    ///   second, ``RouteValueError/path(_:)`` for a path that would end inside of a cookie.
    package init(carrier: Carrier, absoluteTimeout: Duration? = nil) throws(RouteValueError) {
        if let absoluteTimeout, absoluteTimeout < .seconds(1) { throw .duration("\(absoluteTimeout)") }
        if case .cookie(_, let path, _) = carrier, path.text.utf8.contains(UInt8(ascii: ";")) {
            throw .path(path.text)
        }
        if case .cookie(_, _, .permanent) = carrier, absoluteTimeout == nil { throw .permanentWithoutTimeout }
        self.carrier = carrier
        self.absoluteTimeout = absoluteTimeout
    }
}

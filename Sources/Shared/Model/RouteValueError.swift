/// Why a value of a route could not be built. Closed: whoever translates resources turns each into a condition.
package enum RouteValueError: Error, Hashable, Sendable {
    /// Not a lower-case DNS name.
    case hostname(String)
    /// Not an HTTP token.
    case token(String)
    /// Holds a control character.
    case headerValue(String)
    /// Breaks the rules for paths of the Gateway API.
    case path(String)
    /// One header name in more than one action of a modifier.
    case repeatedHeader(String)
    /// Neither service nor method given.
    case emptyMethodMatch
    /// Over 1,000,000.
    case weight(UInt32)
    /// Denominator 0, or more than the whole.
    case fraction(numerator: UInt32, denominator: UInt32)
    /// Not `*` and not `SCHEME://HOST[:PORT]`.
    case origin(String)
    /// Zero seconds, or negative.
    case maximumAge(Int)
    case port
    /// A prefix can be replaced only where every match is a prefix.
    case prefixReplacementWithoutPrefix
    /// A filter that this kind of route does not have.
    case filterNotAllowed
    case noHostnames
    /// Not a duration as GEP-2257 writes it, negative, or zero where that means nothing.
    case duration(String)
    /// A try may take longer than the whole request.
    case tryLongerThanRequest
    case retryStatus(UInt16)
    case retryAttempts(Int)
    /// A permanent cookie needs an absolute timeout.
    case permanentWithoutTimeout
}

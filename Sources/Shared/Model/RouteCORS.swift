/// Which other origins a browser may let in (cross-origin resource sharing, as in the Fetch standard).
package struct CORSPolicy: Hashable, Sendable {
    package let allowOrigins: [CORSOrigin]
    package let allowMethods: CORSNames
    package let allowHeaders: CORSNames
    package let exposeHeaders: CORSNames
    package let allowCredentials: Bool
    /// How long a browser may remember a preflight, in seconds.
    package let maximumAgeSeconds: Int

    /// - Throws: ``RouteValueError/maximumAge(_:)`` below 1.
    package init(
        allowOrigins: [CORSOrigin], allowMethods: CORSNames = .none, allowHeaders: CORSNames = .none,
        exposeHeaders: CORSNames = .none, allowCredentials: Bool = false, maximumAgeSeconds: Int = 5
    ) throws(RouteValueError) {
        guard maximumAgeSeconds >= 1 else { throw .maximumAge(maximumAgeSeconds) }
        self.allowOrigins = allowOrigins
        self.allowMethods = allowMethods
        self.allowHeaders = allowHeaders
        self.exposeHeaders = exposeHeaders
        self.allowCredentials = allowCredentials
        self.maximumAgeSeconds = maximumAgeSeconds
    }
}

/// Names of methods or headers.
package enum CORSNames: Hashable, Sendable {
    /// `*`.
    case any
    case listed([HTTPToken])

    /// Nothing listed.
    package static let none = CORSNames.listed([])
}

/// An origin that is let in.
package struct CORSOrigin: Hashable, Sendable {
    package enum Pattern: Hashable, Sendable {
        /// `*`.
        case any
        /// The whole origin.
        case exact(String)
        /// `SCHEME://*.DOMAIN[:PORT]`: `SCHEME://`, and `.DOMAIN[:PORT]` behind one label or more.
        case below(scheme: String, suffix: String)
    }

    /// In lower case, as browsers send origins.
    package let pattern: Pattern

    /// - Throws: ``RouteValueError/origin(_:)``.
    package init(_ text: String) throws(RouteValueError) {
        guard text != "*" else {
            pattern = .any
            return
        }
        let parts = text.lowercased().split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let scheme = parts.first, let rest = parts.last, Self.isScheme(scheme) else {
            throw .origin(text)
        }
        let isWildcard = rest.hasPrefix("*.")
        let address = (isWildcard ? rest.dropFirst(2) : rest)
            .split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let host = address.first, let domain = try? DomainName(host), address.dropFirst().allSatisfy(Self.isPort)
        else { throw .origin(text) }
        let port = address.dropFirst().map { ":\($0)" }.joined()
        pattern =
            isWildcard
            ? .below(scheme: "\(scheme)://", suffix: ".\(domain)\(port)") : .exact("\(scheme)://\(domain)\(port)")
    }

    private static func isScheme(_ text: Substring) -> Bool {
        text.first?.isLetter == true
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }
    }

    private static func isPort(_ text: Substring) -> Bool { (UInt16(text) ?? 0) > 0 }
}

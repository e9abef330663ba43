/// The nine methods a route can name.
package enum HTTPMethod: String, Hashable, Sendable, CaseIterable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case delete = "DELETE"
    case connect = "CONNECT"
    case options = "OPTIONS"
    case trace = "TRACE"
    case patch = "PATCH"
}

/// How a path must look. Always the normalized path without its query.
package enum PathMatch: Hashable, Sendable {
    case exact(RoutePath)
    /// Element by element; a trailing slash of the prefix does not count.
    case prefix(RoutePath)
    /// A regular expression that the whole path must match.
    case pattern(String)

    package var isPrefix: Bool {
        if case .prefix = self { true } else { false }
    }
}

/// How a value of a header or a query parameter must look; case-sensitive.
package enum ValueMatch: Hashable, Sendable {
    case exact(String)
    /// A regular expression that the whole value must match.
    case pattern(String)
}

/// A header that must be there. Several fields of one name are compared joined by commas.
package struct HeaderMatch: Hashable, Sendable {
    package let name: HeaderName
    package let value: ValueMatch

    package init(_ name: HeaderName, _ value: ValueMatch) {
        self.name = name
        self.value = value
    }
}

/// A query parameter that must be there; of several of one name the first counts. Compared as written in the request.
package struct QueryMatch: Hashable, Sendable {
    package let name: String
    package let value: ValueMatch

    package init(_ name: String, _ value: ValueMatch) {
        self.name = name
        self.value = value
    }
}

/// All of its conditions must hold.
package struct HTTPMatch: Hashable, Sendable {
    package let path: PathMatch
    package let method: HTTPMethod?
    /// One for each name.
    package let headers: [HeaderMatch]
    /// One for each name.
    package let queryParameters: [QueryMatch]

    /// Of several entries of one name only the first counts.
    package init(
        path: PathMatch = .prefix(.root), method: HTTPMethod? = nil, headers: [HeaderMatch] = [],
        queryParameters: [QueryMatch] = []
    ) {
        self.path = path
        self.method = method
        self.headers = headers.firstOfEach(\.name)
        self.queryParameters = queryParameters.firstOfEach(\.name)
    }
}

/// Service and method of a call: at least one of them, either both literal or both regular expressions.
package struct GRPCMethodMatch: Hashable, Sendable {
    package let service: ValueMatch?
    package let method: ValueMatch?

    /// - Throws: ``RouteValueError/emptyMethodMatch``.
    package init(exactService service: String?, method: String?) throws(RouteValueError) {
        guard service?.isEmpty == false || method?.isEmpty == false else { throw .emptyMethodMatch }
        self.service = service.flatMap { $0.isEmpty ? nil : .exact($0) }
        self.method = method.flatMap { $0.isEmpty ? nil : .exact($0) }
    }

    /// - Throws: ``RouteValueError/emptyMethodMatch``.
    package init(servicePattern service: String?, methodPattern method: String?) throws(RouteValueError) {
        guard service?.isEmpty == false || method?.isEmpty == false else { throw .emptyMethodMatch }
        self.service = service.flatMap { $0.isEmpty ? nil : .pattern($0) }
        self.method = method.flatMap { $0.isEmpty ? nil : .pattern($0) }
    }
}

/// All of its conditions must hold; with none, every request matches.
package struct GRPCMatch: Hashable, Sendable {
    package let method: GRPCMethodMatch?
    /// One for each name.
    package let headers: [HeaderMatch]

    /// Of several entries of one name only the first counts.
    package init(method: GRPCMethodMatch? = nil, headers: [HeaderMatch] = []) {
        self.method = method
        self.headers = headers.firstOfEach(\.name)
    }
}

extension Array {
    fileprivate func firstOfEach(_ name: (Element) -> some Hashable) -> [Element] {
        var kept: [Element] = []
        for element in self where !kept.contains(where: { name($0) == name(element) }) { kept.append(element) }
        return kept
    }
}
